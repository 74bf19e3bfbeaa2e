package notification

import (
	"testing"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

// People of a receiving facility have the alerts that are addressed to them. No others exist for them.
func TestWhoIsNotOfTheHouseHasOnlyTheirOwnAlerts(t *testing.T) {
	b := newBench(t, run.Config{})
	enc := stay("one")
	theirs := overdue(enc, "call", "routine") // for the role of intake
	b.told(theirs)
	other := overdue(stay("two"), "call", "routine")
	other.Task.OwnerRole = "liaison"
	b.told(other)
	var mine web.List[alertView]
	if status := b.call(b.as(web.Intake), "GET", "/alerts", nil, &mine); status != 200 || len(mine.Items) != 1 || mine.Items[0].EncounterID != enc.Encounter {
		t.Fatalf("%d %+v", status, mine.Items)
	}
	for _, a := range b.alerts("") {
		want := 404
		if a.ID == mine.Items[0].ID {
			want = 200
		}
		for _, ask := range [][2]string{{"GET", ""}, {"POST", "/seen"}, {"POST", "/acknowledge"}, {"POST", "/resolve"}} {
			if status := b.call(b.as(web.Intake), ask[0], "/alerts/"+a.ID.String()+ask[1], nil, nil); status != want {
				t.Errorf("%s %s of %v: %d, want %d", ask[0], ask[1], a.Recipients, status, want)
			}
		}
	}
}
