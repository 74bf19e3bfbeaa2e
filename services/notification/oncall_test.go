package notification

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
)

// place tells of a facility's zone, as the nth thing told of it.
func (b *bench) place(n int64, zone string) {
	b.t.Helper()
	now := time.Now().UTC()
	f := events.FacilityChanged{ID: events.Derive("mercy"), Code: "MERCY", Name: "Mercy Hospital", Zone: zone, Verified: true}
	b.tell(events.Event{ID: events.NewID(), Org: b.org, Version: n, Occurred: now, Received: now, Fact: f})
}

// put sets one roster, and returns it as it is then.
func (b *bench) put(r setup.Roster, want int) setup.Roster {
	b.t.Helper()
	var out struct{ Items []setup.Roster }
	if code := b.call(b.as(web.Admin), "PUT", "/rosters", map[string]any{"rosters": []setup.Roster{r}}, &out); code != want {
		b.t.Fatalf("put %+v: %d", r, code)
	}
	i := slices.IndexFunc(out.Items, func(x setup.Roster) bool { return x.Facility == r.Facility && x.Unit == r.Unit })
	if i < 0 {
		return setup.Roster{}
	}
	return out.Items[i]
}

// dated is a shift from so many hours before now until so many after.
func dated(before, after int, members ...string) setup.Shift {
	now := time.Now().UTC().Truncate(time.Minute)
	from, until := now.Add(-time.Duration(before)*time.Hour), now.Add(time.Duration(after)*time.Hour)
	return setup.Shift{Members: members, From: &from, Until: &until}
}

func TestWhoeverIsOnCallIsToldAndPassedOnTo(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.place(1, "America/Chicago")
	r := b.put(setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{}, Shifts: &[]setup.Shift{dated(200, -100, "bob"), dated(2, 3, "ann")}}, 200)
	if r.Zone != "America/Chicago" || len(r.OnCall) != 2 || !slices.Equal(r.OnCall[0].Members, []string{"ann"}) || len(r.OnCall[1].Members) != 0 || len(r.Gaps) != 1 || !r.Gaps[0].From.Equal(r.OnCall[0].Until) {
		t.Errorf("%+v", r)
	}
	b.told(opened(stay("one")))
	a := b.alerts("?encounter=" + stay("one").Encounter.String())[0]
	if diff := cmp.Diff([]string{"ann"}, a.Recipients); diff != "" {
		t.Errorf("last week's is told: %s", diff)
	}
	if why := b.detail(a.ID).Why[0].Reason; !strings.HasPrefix(why, "on call for unit ICU of MERCY until ") || !strings.Contains(why, "C") {
		t.Errorf("why: %s", why)
	}

	// Ann's shift is over; who has it now is who a step to the unit tells.
	b.put(setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{}, Shifts: &[]setup.Shift{dated(5, -1, "ann"), dated(1, 8, "bob")}}, 200)
	b.call(b.as(web.Admin), "PUT", "/rules", map[string]any{"rules": []setup.Rule{}, "policies": []setup.Policy{{Severity: "routine", Steps: []setup.Step{{After: "1h", Target: "unit"}}}}}, nil)
	b.told(opened(stay("two")))
	if got := b.alerts("?encounter=" + stay("two").Encounter.String())[0].Recipients; !slices.Equal(got, []string{"bob"}) {
		t.Errorf("the next one goes to whoever is on call then: %v", got)
	}
	b.fire(time.Now().Add(5 * time.Hour))
	if got := b.alerts("?encounter=" + stay("one").Encounter.String())[0].Recipients; !slices.Equal(got, []string{"ann", "bob"}) {
		t.Errorf("passed on to whoever is on call then: %v", got)
	}
	b.balanced()
}

func TestAShiftIsKeptUntilItIsSaidOtherwise(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	night := setup.Shift{Members: []string{"ann"}, Days: []string{"mon", "sun"}, Start: "19:00", End: "07:00"}
	roster := setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{"role:liaison"}, Shifts: &[]setup.Shift{night}}
	b.put(roster, 422) // nobody knows yet where it is
	roster.Zone = "America/Denver"
	if r := b.put(roster, 200); r.Zone != "America/Denver" || len(*r.Shifts) != 1 || len(r.Gaps) != 0 {
		t.Errorf("%+v", r)
	}
	roster.Zone = "America/Phoenix" // the first was a mistake
	if r := b.put(roster, 200); r.Zone != "America/Phoenix" {
		t.Errorf("the zone cannot be corrected: %s", r.Zone)
	}
	b.place(7, "America/Chicago")
	b.place(5, "America/New_York") // heard late
	r := b.put(setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{"bob"}}, 200)
	if diff := cmp.Diff([]setup.Shift{night}, *r.Shifts); diff != "" || r.Zone != "America/Chicago" {
		t.Errorf("who answers at any time was changed, nothing was said of shifts: %s %s", diff, r.Zone)
	}
	for name, s := range map[string]setup.Shift{
		"of nobody": {Days: []string{"mon"}, Start: "19:00", End: "07:00"}, "with dates and days": {Members: []string{"ann"}, From: dated(1, 1).From, Until: dated(1, 1).Until, Days: []string{"mon"}},
		"that ends before it begins": dated(-2, -1, "ann"), "on no day": {Members: []string{"ann"}, Start: "19:00", End: "07:00"}, "of a role there is not": {Members: []string{"role:king"}, Days: []string{"mon"}, Start: "19:00", End: "07:00"},
		"without minutes": {Members: []string{"ann"}, Days: []string{"mon"}, Start: "7", End: "19:00"}, "of one digit": {Members: []string{"ann"}, Days: []string{"mon"}, Start: "7:00", End: "19:00"}, "on a feast": {Members: []string{"ann"}, Days: []string{"easter"}, Start: "07:00", End: "19:00"},
		"of half a time": {Members: []string{"ann"}, From: dated(1, 1).From},
	} {
		in := map[string]any{"rosters": []setup.Roster{{Facility: "MERCY", Unit: "ICU", Members: []string{}, Shifts: &[]setup.Shift{s}}}}
		if code := b.call(b.as(web.Admin), "PUT", "/rosters", in, nil); code != 422 {
			t.Errorf("a shift %s: %d", name, code)
		}
	}
	if r := b.put(setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{"bob"}, Shifts: &[]setup.Shift{}}, 200); len(*r.Shifts) != 0 || len(r.OnCall) != 0 {
		t.Errorf("%+v", r)
	}
	if r := b.put(setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{}}, 200); r.Facility != "" {
		t.Errorf("it is there still: %+v", r)
	}
}

func TestWhoWouldBeToldDependsOnTheHour(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.place(1, "America/Chicago")
	b.put(setup.Roster{Facility: "MERCY", Unit: "ICU", Members: []string{}, Shifts: &[]setup.Shift{{Members: []string{"ann"}, Days: []string{"mon"}, Start: "19:00", End: "07:00"}}}, 200)
	for at, want := range map[string]string{"2026-11-24T02:30:00Z": "selected ann console", "2026-11-24T14:00:00Z": "selected role:liaison console"} { // Monday 8:30 PM, Tuesday 8 AM
		var w would
		if code := b.call(b.as(web.Liaison), "GET", "/routing?kind=transition-opened&facility=MERCY&unit=ICU&at="+at, nil, &w); code != 200 {
			t.Fatal(code)
		}
		if !slices.Contains(said(w.Choices), want) {
			t.Errorf("%s: %v", at, said(w.Choices))
		}
	}
}
