package identity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/phi"
)

func whole(at int64, list ...Allergy) *Statement {
	s := &Statement{At: at}
	s.Values[Allergies] = Encode(list)
	return s
}

func changed(at int64, items ...Item) *Statement {
	s := &Statement{At: at}
	s.Values[Allergies] = EncodeChanges(items)
	return s
}

func codes(r *Record) (out []string) {
	for _, a := range Items[Allergy](r, Allergies) {
		out = append(out, a.Code+a.Severity)
	}
	return out
}

func TestChangesOfSingleItems(t *testing.T) {
	peanut, latex := Allergy{Code: "peanut"}, Allergy{Code: "latex"}
	severe := Allergy{Code: "peanut", Severity: "SV"}
	var r Record
	for i, step := range []struct {
		s    *Statement
		want []string
	}{
		{changed(10, Item{Key: peanut.ItemKey(), Data: peanut}), []string{"peanut"}},
		{changed(20, Item{Key: latex.ItemKey(), Data: latex}, Item{Key: peanut.ItemKey(), Data: severe}), []string{"latex", "peanutSV"}},
		{changed(15, Item{Key: peanut.ItemKey(), Gone: true}), []string{"latex", "peanutSV"}}, // older
		{changed(30, Item{Key: latex.ItemKey(), Gone: true}), []string{"peanutSV"}},
		{whole(25, Allergy{Code: "egg"}), []string{"egg"}}, // a whole list, but one change is newer
		{whole(40), nil},
		{changed(50, Item{Key: latex.ItemKey(), Data: latex}), []string{"latex"}},
	} {
		r.Merge(step.s)
		if diff := cmp.Diff(step.want, codes(&r)); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
}

func TestPayerFollowsChangedCoverages(t *testing.T) {
	list := Statement{At: 10}
	list.Values[Coverages], list.Values[Payer] = Encode([]Coverage{{Order: 1, Plan: "A", Class: "medicare"}, {Order: 2, Plan: "B", Class: "medicaid"}}), phi.Of("medicare")
	gone := Statement{At: 20}
	gone.Values[Coverages] = EncodeChanges([]Item{{Key: Coverage{Plan: "A"}.ItemKey(), Gone: true}})
	for _, order := range [][]*Statement{{&list, &gone}, {&gone, &list}, {&gone, &list, &list, &gone}} {
		var r Record
		for _, s := range order {
			r.Merge(s)
		}
		if got := r.Value(Payer); got != "medicaid" {
			t.Errorf("payer %s", got)
		}
	}
}

// Whole lists and changes in any order, repeated, and by way of two records that become one.
func TestListedIsOrderIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *Statement {
			at := int64(rapid.IntRange(1, 6).Draw(t, "at"))
			a := Allergy{Code: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "code"), Severity: rapid.SampledFrom([]string{"", "SV"}).Draw(t, "severity")}
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				return whole(at, a)
			case 1:
				return whole(at)
			case 2:
				return changed(at, Item{Key: a.ItemKey(), Gone: true})
			}
			return changed(at, Item{Key: a.ItemKey(), Data: a})
		}), 1, 8).Draw(t, "statements")
		merge := func(list []*Statement) (r Record) {
			for _, s := range list {
				r.Merge(s)
			}
			return r
		}
		same := func(what string, a, b Record) {
			if a.Value(Allergies) != b.Value(Allergies) || a.Stamps != b.Stamps {
				t.Fatalf("%s: %q at %d, not %q at %d", what, b.Value(Allergies), b.Stamps[Allergies], a.Value(Allergies), a.Stamps[Allergies])
			}
		}
		want := merge(list)
		same("shuffled", want, merge(append(rapid.Permutation(list).Draw(t, "order"), list[0])))
		cut := rapid.IntRange(0, len(list)).Draw(t, "cut")
		a, b := merge(list[:cut]), merge(list[cut:])
		a.Absorb(&b)
		same("absorbed", want, a)
	})
}
