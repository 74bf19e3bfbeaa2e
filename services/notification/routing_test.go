package notification

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
)

// would is the answer to who would be told.
type would struct {
	Severity string          `json:"severity"`
	Targets  []string        `json:"targets"`
	Own      bool            `json:"own"`
	Choices  []setup.Choice  `json:"choices"`
	Further  []setup.Further `json:"further"`
	Last     string          `json:"last_after"`
}

func said(list []setup.Choice) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Decision+" "+c.Recipient+" "+c.Channel)
	}
	slices.Sort(out)
	return out
}

// What is said of the next alert is what then happens: the same people, the same reasons.
func TestWhoWouldBeToldIsWhoIsTold(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "ICU", "ann", "role:lead", "eve")
	var w would
	if code := b.call(b.as(web.Liaison), "GET", "/routing?kind=transition-opened&facility=MERCY&unit=ICU", nil, &w); code != 200 {
		t.Fatal(code)
	}
	b.told(opened(stay("one")))
	a := b.alerts("?encounter=" + stay("one").Encounter.String())[0]
	if diff := cmp.Diff(decisions(b.detail(a.ID)), said(w.Choices)); diff != "" {
		t.Errorf("the alert was told, and was said to be told: %s", diff)
	}
	if w.Severity != a.Severity || w.Own || len(w.Further) != 1 || w.Further[0].After != "4h0m0s" || w.Last != "4h0m0s" {
		t.Errorf("%+v", w)
	}
	i := slices.IndexFunc(w.Choices, func(c setup.Choice) bool { return c.Recipient == "role:lead" })
	if diff := cmp.Diff([]string{"lea"}, w.Choices[i].People); diff != "" {
		t.Errorf("who the leads are: %s", diff)
	}

	rule := map[string]any{"rules": []setup.Rule{{Kind: "transition-opened", Targets: []string{"role:operations"}}}, "policies": []setup.Policy{{Severity: "routine", Steps: []setup.Step{}}}}
	if code := b.call(b.as(web.Admin), "PUT", "/rules", rule, nil); code != 200 {
		t.Fatal(code)
	}
	w = would{}
	b.call(b.as(web.Liaison), "GET", "/routing?kind=transition-opened&facility=MERCY&unit=ICU", nil, &w)
	if diff := cmp.Diff([]string{"selected role:operations console"}, said(w.Choices)); diff != "" || !w.Own || len(w.Further) != 0 || w.Last != "" {
		t.Errorf("%s %+v", diff, w)
	}
	w = would{}
	b.call(b.as(web.Liaison), "GET", "/routing?kind=task-overdue&facility=MERCY&unit=ED&owner=bob&severity=critical", nil, &w)
	if diff := cmp.Diff([]string{"selected bob console", "selected bob email"}, said(w.Choices)); diff != "" || len(w.Further) != 2 {
		t.Errorf("%s %+v", diff, w)
	}
	for path, want := range map[string]int{"/routing?kind=party": 422, "/routing": 422} {
		if code := b.call(b.as(web.Admin), "GET", path, nil, nil); code != want {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code := b.call(b.as(web.Intake), "GET", "/routing?kind=task-overdue", nil, nil); code != 403 {
		t.Errorf("the receiving side may ask: %d", code)
	}
}
