package identity

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/phi"
)

func TestMergeIsOrderIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Statement {
			s := Statement{At: int64(rapid.IntRange(1, 5).Draw(t, "at"))}
			for _, g := range []Group{Name, Sex, Death} {
				s.Values[g] = phi.Of(rapid.SampledFrom([]string{"", "a", "b", Deleted}).Draw(t, "value"))
			}
			return s
		}), 1, 8).Draw(t, "statements")
		merge := func(list []Statement) (r Record) {
			for i := range list {
				r.Merge(&list[i])
			}
			return r
		}
		want, got := merge(list), merge(append(rapid.Permutation(list).Draw(t, "order"), list[0]))
		for g := range Groups {
			if want.Value(g) != got.Value(g) || want.Stamps[g] != got.Stamps[g] {
				t.Fatalf("group %d: %q at %d, in another order %q at %d", g, want.Value(g), want.Stamps[g], got.Value(g), got.Stamps[g])
			}
		}
	})
}

func TestMerge(t *testing.T) {
	state := func(at int64, sex string) *Statement {
		s := &Statement{At: at}
		s.Values[Sex] = phi.Of(sex)
		return s
	}
	var r Record
	for i, step := range []struct {
		s                *Statement
		want             string
		stamped, changed bool
	}{
		{state(10, "F"), "F", true, true},
		{state(10, "F"), "F", false, false},
		{state(20, "F"), "F", true, false},
		{state(15, "M"), "F", false, false},
		{state(30, ""), "F", false, false},
		{state(40, Deleted), "", true, true},
	} {
		stamped, changed := r.Merge(step.s)
		if r.Value(Sex) != step.want || stamped != step.stamped || changed != step.changed {
			t.Errorf("step %d: %q stamped %v changed %v", i, r.Value(Sex), stamped, changed)
		}
	}
}

func TestLinks(t *testing.T) {
	org := events.Derive("org", "a")
	for _, tt := range []struct {
		kind, value string
		stated      bool
		want        bool
	}{
		{"MC", "1EG4TE5MK72", true, true},
		{"MC", "1EG4TE5MK72", false, false},
		{"MC", "000000000", true, false},
		{"MC", "unknown", true, false},
		{"AN", "A1000001", true, false},
		{"SS", "123121234", true, false},
		{"MR", "10023", true, true},
	} {
		if got := NewIdentifier(org, tt.kind, "CMS", tt.stated, tt.value).Links(); got != tt.want {
			t.Errorf("%s stated=%v: %v", tt.kind, tt.stated, got)
		}
	}
	if NewIdentifier(org, "MC", "A", true, "1").Key == NewIdentifier(org, "MC", "B", true, "1").Key {
		t.Error("two authorities share a key")
	}
}

func TestRecord(t *testing.T) {
	var r Record
	r.Values[Birth], r.Values[Death] = phi.Of("1949-06"), phi.Of("Y 2026-03-02T05:01:00Z")
	if diff := cmp.Diff(time.Date(1949, 6, 1, 0, 0, 0, 0, time.UTC), r.BirthDate()); diff != "" {
		t.Error(diff)
	}
	dead, at := r.Deceased()
	if !dead || at == nil || !at.Equal(time.Date(2026, 3, 2, 5, 1, 0, 0, time.UTC)) {
		t.Errorf("deceased %v at %v", dead, at)
	}
}

func TestStampOrdersWithinASecond(t *testing.T) {
	second := time.Date(2026, 3, 2, 5, 1, 0, 0, time.UTC)
	if a, b := Stamp(second, "MER00000009"), Stamp(second, "MER00000010"); a >= b {
		t.Errorf("%d before %d", a, b)
	}
}
