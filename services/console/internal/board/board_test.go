package board

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

func TestCountdownSaysHowLongThereIs(t *testing.T) {
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		left time.Duration
		text string
		tone Tone
	}{
		{-49 * time.Hour, "Overdue by 2 days", Overdue},
		{-90 * time.Minute, "Overdue by 1 h 30 min", Overdue},
		{0, "Overdue by less than a minute", Overdue},
		{59 * time.Second, "Due in less than a minute", Soon},
		{61 * time.Second, "Due in 1 minute", Soon},
		{2*time.Hour + 59*time.Second, "Due in 2 hours", Soon},
		{2*time.Hour + 10*time.Minute, "Due in 2 h 10 min", Soon},
		{23*time.Hour + 59*time.Minute, "Due in 23 hours", Today},
		{47*time.Hour + 59*time.Minute, "Due in 47 hours", Later},
		{72*time.Hour - time.Second, "Due in 2 days", Later},
	} {
		due := now.Add(c.left)
		text, tone := Countdown(t.Context(), &due, now)
		if text != c.text || tone != c.tone {
			t.Errorf("%v: got %q %s, want %q %s", c.left, text, tone, c.text, c.tone)
		}
	}
	if text, tone := Countdown(t.Context(), nil, now); text != "No due time" || tone != NoDue {
		t.Errorf("no due time: got %q %s", text, tone)
	}
}

// apply does what a browser does: it resolves every target first, then edits.
func apply(t *rapid.T, list []Shown, edits []Edit, after map[string]uint64) []Shown {
	for _, e := range edits {
		if e.Kind != Insert || e.ID != "" {
			if !slices.ContainsFunc(list, func(s Shown) bool { return s.ID == e.ID }) {
				t.Fatalf("edit %+v names a row that is not there", e)
			}
		}
	}
	for _, e := range edits {
		i := slices.IndexFunc(list, func(s Shown) bool { return s.ID == e.ID })
		switch e.Kind {
		case Delete:
			list = slices.Delete(list, i, i+1)
		case Replace:
			list[i].Hash = after[e.ID]
		case Insert:
			var rows []Shown
			for _, id := range e.Added {
				rows = append(rows, Shown{id, after[id]})
			}
			list = slices.Insert(list, i+1, rows...)
		}
	}
	return list
}

func TestDiffBringsAnyListToAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []Shown {
			ids := rapid.SliceOfDistinct(rapid.IntRange(0, 12), rapid.ID[int]).Draw(t, label)
			var out []Shown
			for _, id := range ids {
				out = append(out, Shown{fmt.Sprint("t-", id), uint64(rapid.IntRange(0, 1).Draw(t, "hash"))})
			}
			return out
		}
		before, after := draw("before"), draw("after")
		hashes := map[string]uint64{}
		for _, s := range after {
			hashes[s.ID] = s.Hash
		}
		edits := Diff(before, after)
		got := apply(t, slices.Clone(before), edits, hashes)
		if d := cmp.Diff(after, got); d != "" && len(after)+len(got) > 0 {
			t.Fatalf("before %v edits %v:\n%s", before, edits, d)
		}
	})
}

func TestDiffOfTheSameListIsEmpty(t *testing.T) {
	list := []Shown{{"a", 1}, {"b", 2}}
	if edits := Diff(list, list); len(edits) != 0 {
		t.Errorf("got %v", edits)
	}
}

func TestConfidentialRowsShowNothingThatTellsWhoItIs(t *testing.T) {
	age := 81
	w := Work{
		Task:    events.Task{ID: events.NewID(), Patient: events.NewID(), OwnerRole: "liaison", State: "requested", Sensitive: true, Unit: "BH1"},
		Episode: events.Transition{Age: &age, Sex: "F", Class: "inpatient", Disposition: "65", Diagnoses: []string{"F200"}, Risk: &events.Risk{Min: 3}},
	}
	owner := RowOf(w, web.Principal{Subject: "a", Org: events.NewID(), Roles: []web.Role{web.Liaison}})
	if !owner.Hidden || owner.Age == nil || !owner.CanWork {
		t.Errorf("the owning role works the task without the name: %+v", owner)
	}
	other := RowOf(w, web.Principal{Subject: "b", Org: events.NewID(), Roles: []web.Role{web.Intake}})
	if !other.Hidden || other.CanWork || other.Age != nil || other.Sex != "" || other.Unit != "" || other.Disposition != "" || other.Risk != nil || other.Diagnoses != nil {
		t.Errorf("others see too much: %+v", other)
	}
	if ids := Patients([]Row{owner, other}); ids != nil {
		t.Errorf("no name may be asked for: %v", ids)
	}
	w.Task.Sensitive = false
	if ids := Patients([]Row{RowOf(w, web.Principal{}), RowOf(w, web.Principal{})}); len(ids) != 1 {
		t.Errorf("one patient, one question: %v", ids)
	}
}

func TestNamesOfAnyAlphabetKeepTheirFirstLetter(t *testing.T) {
	for said, want := range map[string][2]string{
		"Ángel Ortiz": {"Ángel Ortiz", "ángel Ortiz"}, "élodie": {"Élodie", "élodie"}, "every liaison": {"Every liaison", "every liaison"}, "": {"", ""}, "\xff": {"\xff", "\xff"},
	} {
		if got := [2]string{Upper(said), Lower(said)}; got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
	if got := Sentence("él está en casa"); got != "Él está en casa." {
		t.Errorf("a sentence: %q", got)
	}
}

// What is on the line of a stay is told in words of our own, not by the name of its type.
func TestEveryFactOfAStayHasWords(t *testing.T) {
	for _, f := range events.Types() {
		switch f.(type) {
		case events.EncounterFact, events.TransitionFact, events.TaskFact, events.ReferralFact, events.ReadmissionFact, events.AlertFact:
			if _, made := f.(events.TaskCreated); !made && said[f.Type()] == "" {
				t.Errorf("%s has no words", f.Type())
			}
		}
	}
	h := Happening{Type: (events.RequestReceived{}).Type(), Code: "authorization-requested", State: "expedited", By: "dana"}
	if l := Tell(t.Context(), h, map[string]string{"dana": "Dana Whitfield"}, time.UTC); l.Said != "The payer’s agreement was asked for" || l.Aside != "urgent, by Dana Whitfield" || l.Correct {
		t.Errorf("%+v", l)
	}
	h.Type = (events.RequestCorrected{}).Type()
	if l := Tell(t.Context(), h, nil, time.UTC); l.Said != "Was a mistake: “The payer’s agreement was asked for”" || !l.Correct {
		t.Errorf("%+v", l)
	}
}
