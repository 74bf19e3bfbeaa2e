package protocol

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

// titled is a set that differs from the shipped one in the instructions of a task.
func titled(t testing.TB, how string) *Set {
	t.Helper()
	f := ShippedFiles()
	f["tasks.yaml"] = strings.Replace(f["tasks.yaml"], "Headache, sight", how, 1)
	r, err := f.Load(shippedSet(t).Rules())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheNewestDecisionHoldsFromItsTimeOn(t *testing.T) {
	shipped, a, b := shippedSet(t), titled(t, "A"), titled(t, "B")
	idA, idB := events.Derive("A"), events.Derive("B")
	day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
	book := NewBook(shipped, map[events.ID]*Set{idA: a, idB: b},
		Act{Version: 1, Kind: ActActivate, Set: idA, From: day(1)},
		Act{Version: 2, Kind: ActActivate, Set: idB, From: day(10), Facility: "EAST"},
		Act{Version: 3, Kind: ActActivate, Set: idB, From: day(20)},                        // planned
		Act{Version: 4, Kind: ActRollBack, From: day(15)},                                  // and superseded: back to shipped
		Act{Version: 5, Kind: ActActivate, Inherit: true, From: day(18), Facility: "EAST"}, //
		Act{Version: 6, Kind: ActShadow, Set: idB, From: day(18)},                          //
		Act{Version: 7, Kind: ActShadow, Set: idA, From: day(18), Facility: "WEST"},        //
		Act{Version: 8, Kind: ActEndShadow, From: day(19), Facility: "WEST"},               //
	)
	for _, c := range []struct {
		facility string
		at       time.Time
		want     *Set
	}{
		{"NORTH", time.Time{}, shipped},
		{"NORTH", day(1).Add(-1), shipped},
		{"NORTH", day(1), a},
		{"NORTH", day(15).Add(-1), a},
		{"NORTH", day(15), shipped},
		{"NORTH", day(21), shipped}, // a newer decision than the one planned for the 20th
		{"EAST", day(9), a},
		{"EAST", day(10), b},
		{"EAST", day(16), b},
		{"EAST", day(18), shipped},
		{"", day(2), a},
	} {
		if got := book.At(c.facility, c.at); got != c.want {
			t.Errorf("%s at %s: another set", c.facility, c.at)
		}
	}
	if set, act := book.Shadow("NORTH"); set != b || act.Version != 6 {
		t.Error("the organization's shadow is not tried at NORTH")
	}
	if set, _ := book.Shadow("WEST"); set != b {
		t.Error("WEST ended its own shadow and has the organization's")
	}
	if book.Version() != 8 {
		t.Errorf("version %d", book.Version())
	}
	if how, _ := book.Instructions("EAST", day(11), "postpartum-warning"); !strings.HasPrefix(how, "B") {
		t.Errorf("instructions %q, want those of the set in force then", how)
	}
}

func TestGoingBack(t *testing.T) {
	shipped, a := shippedSet(t), titled(t, "A")
	id := events.Derive("A")
	now := time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
	sets := map[events.ID]*Set{id: a}
	first := Act{Version: 1, Kind: ActActivate, Set: id, From: now.AddDate(0, 0, -5)}
	for name, c := range map[string]struct {
		acts     []Act
		facility string
		want     events.ID
		inherit  bool
		found    bool
	}{
		"nothing to go back from":   {},
		"from the first activation": {acts: []Act{first}, found: true},
		"from the second":           {acts: []Act{first, {Version: 2, Kind: ActActivate, From: now.Add(-1)}}, want: id, found: true},
		"from one still to come":    {acts: []Act{first, {Version: 2, Kind: ActActivate, From: now.AddDate(0, 0, 1)}}, want: id, found: true},
		"from a facility's own": {acts: []Act{first, {Version: 2, Kind: ActActivate, From: now.Add(-1), Facility: "EAST"}},
			facility: "EAST", inherit: true, found: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, found := NewBook(shipped, sets, c.acts...).Former(c.facility, now)
			if got.Set != c.want || got.Inherit != c.inherit || found != c.found {
				t.Errorf("%+v, %t", got, found)
			}
		})
	}
}

// A book gives what a slow reading of its acts gives, whatever the order they come in.
func TestABookIsItsActs(t *testing.T) {
	shipped := shippedSet(t)
	sets := map[events.ID]*Set{events.Derive("A"): titled(t, "A"), events.Derive("B"): titled(t, "B")}
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		hour := rapid.IntRange(0, 20)
		var acts []Act
		for v := range rapid.IntRange(0, 8).Draw(t, "acts") {
			a := Act{Version: int64(v + 1), Kind: ActActivate, From: start.Add(time.Duration(hour.Draw(t, "from")) * time.Hour)}
			a.Facility = rapid.SampledFrom([]string{"", "EAST", "WEST"}).Draw(t, "facility")
			a.Set = rapid.SampledFrom([]events.ID{{}, events.Derive("A"), events.Derive("B")}).Draw(t, "set")
			a.Inherit = a.Facility != "" && rapid.Bool().Draw(t, "inherit")
			acts = append(acts, a)
		}
		facility := rapid.SampledFrom([]string{"EAST", "WEST", "NORTH"}).Draw(t, "of")
		at := start.Add(time.Duration(hour.Draw(t, "at")) * time.Hour)
		var own, org *Act
		for i := range acts {
			switch a := &acts[i]; {
			case a.From.After(at):
			case a.Facility == facility:
				own = a
			case a.Facility == "":
				org = a
			}
		}
		want := shipped
		switch {
		case own != nil && !own.Inherit:
			want = own.lookup(shipped, sets)
		case org != nil:
			want = org.lookup(shipped, sets)
		}
		if NewBook(shipped, sets, rapid.Permutation(acts).Draw(t, "order")...).At(facility, at) != want {
			t.Fatalf("%s at %s of %+v", facility, at, acts)
		}
	})
}

func (a *Act) lookup(shipped *Set, sets map[events.ID]*Set) *Set {
	if s := sets[a.Set]; s != nil {
		return s
	}
	return shipped
}
