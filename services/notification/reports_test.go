package notification

import (
	"net/url"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

func TestAlertsAreCountedByWhatTheyTell(t *testing.T) {
	b := newBench(t, run.Config{})
	b.told(overdue(stay("one"), "call", "routine"))
	b.told(overdue(stay("two"), "call", "routine"))
	list := b.alerts("")
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	b.call(b.as(web.Lead), "POST", "/alerts/"+list[0].ID.String()+"/acknowledge", nil, nil)
	var out struct{ Items []store.AlertLoad }
	q := url.Values{"from": {time.Now().Add(-time.Hour).Format(time.RFC3339)}, "to": {time.Now().Add(time.Hour).Format(time.RFC3339)}}
	if status := b.call(b.as(web.Lead), "GET", "/reports/alerts?"+q.Encode(), nil, &out); status != 200 || len(out.Items) != 1 {
		t.Fatalf("%d %+v", status, out)
	}
	if a := out.Items[0]; a.Kind != "task-overdue" || a.Raised != 2 || a.Acted != 1 || a.Open != 1 || a.Itself != 0 || a.MedianS == nil {
		t.Errorf("%+v", a)
	}
	if status := b.call(b.as(web.Intake), "GET", "/reports/alerts?"+q.Encode(), nil, nil); status != 403 {
		t.Errorf("the receiving side is answered %d", status)
	}
}
