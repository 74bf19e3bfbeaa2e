package notification

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
)

func TestOpeningRaisesOneAlertToTheRoleWhereThereIsNoRoster(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	list := b.told(opened(tr))
	b.tell(list...) // a repetition that the inbox let through must not be told twice either
	got := b.alerts("?encounter=" + tr.Encounter.String())
	if len(got) != 1 {
		t.Fatalf("%d alerts, want 1: %+v", len(got), got)
	}
	a := got[0]
	if a.Kind != "transition-opened" || a.State != "raised" || a.Severity != "routine" || a.Cause != list[0].ID || a.TransitionID != tr.ID {
		t.Errorf("alert %+v", a)
	}
	if diff := cmp.Diff([]string{"role:liaison"}, a.Recipients); diff != "" {
		t.Error(diff)
	}
	if !a.ReceivedAt.Equal(list[0].Received) {
		t.Errorf("received at %v, want %v", a.ReceivedAt, list[0].Received)
	}
	d := b.detail(a.ID)
	if len(d.Deliveries) != 1 || d.Deliveries[0].State != "delivered" || d.Deliveries[0].Channel != "console" {
		t.Errorf("deliveries %+v", d.Deliveries)
	}
	if len(d.Why) != 1 || d.Why[0].Reason != "role of the organization; no roster for unit ICU of MERCY, no roster for facility MERCY" {
		t.Errorf("why %+v", d.Why)
	}
	if n := b.announced("care.alert.raised.v1"); n != 1 {
		t.Errorf("%d announced", n)
	}
	b.balanced()
}

var _ events.Fact
