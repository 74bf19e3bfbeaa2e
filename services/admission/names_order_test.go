package admission

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Stories that once ended otherwise in one order than in another, and what the rules for names leave
// to be decided. Every order of each ends as it says.
func TestEveryOrderOfAStoryEndsAlike(t *testing.T) {
	b := newBench(t)
	for name, tt := range map[string]struct {
		told []tale
		want []string // stays with number, owner and state; who is one person with whom
	}{
		"deleted after a merge, the merge told last, the stay somebody else's by then": {
			[]tale{{Trigger: "A01", Hour: 1, MR: "A", Visit: "V2"}, {Trigger: "A40", Hour: 8, MR: "C", Other: "A"}, {Trigger: "A29", Hour: 18, MR: "A"}, {Trigger: "A04", Hour: 45, MR: "B", Visit: "V2"}},
			[]string{"person A+C", "person B", "stay V2 B in-progress"},
		},
		"the survivor of a merge deleted: what was said under the retired name stays": {
			[]tale{{Trigger: "A01", Hour: 1, MR: "A", Visit: "V1"}, {Trigger: "A01", Hour: 2, MR: "B", Visit: "V2"}, {Trigger: "A40", Hour: 8, MR: "B", Other: "A"}, {Trigger: "A29", Hour: 18, MR: "B"}},
			[]string{"person A+B", "stay V1 A+B in-progress", "stay V2 A+B entered-in-error"},
		},
		"an account given on": {
			[]tale{{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 10, MR: "B", Other: "A", From: "X1"}, {Trigger: "A44", Hour: 12, MR: "C", Other: "B", From: "X1"}},
			[]string{"person A", "person B", "person C", "stay V1 C in-progress"},
		},
		"an account moved whose visit gets another number": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 10, MR: "B", Other: "A", From: "X1"},
				{Trigger: "A50", Hour: 12, MR: "B", Visit: "V1", Next: "V2"}, {Trigger: "A03", Hour: 14, MR: "B", Visit: "V2"},
			},
			[]string{"person A", "person B", "stay V2 B finished"},
		},
		"an account moved whose visit another one is merged into": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A01", Hour: 8, MR: "A", Visit: "V2", Account: "X2"},
				{Trigger: "A44", Hour: 10, MR: "B", Other: "A", From: "X2"}, {Trigger: "A42", Hour: 12, MR: "B", Visit: "V1", Next: "V2"},
			},
			[]string{"person A", "person B", "stay V2 B in-progress"},
		},
		"an account moved after another was merged into it": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A41", Hour: 9, MR: "A", From: "X1", Account: "X2"},
				{Trigger: "A44", Hour: 11, MR: "B", Other: "A", From: "X2"},
			},
			[]string{"person A", "person B", "stay V1 B in-progress"},
		},
		"an account moved before another was merged into it": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 9, MR: "B", Other: "A", From: "X2"},
				{Trigger: "A41", Hour: 11, MR: "A", From: "X1", Account: "X2"},
			},
			[]string{"person A", "person B", "stay V1 A in-progress"},
		},
		"an account moved that got its number later": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 9, MR: "B", Other: "A", From: "X2"},
				{Trigger: "A49", Hour: 11, MR: "A", From: "X1", Account: "X2"},
			},
			[]string{"person A", "person B", "stay V1 B in-progress"},
		},
		"an account moved of a patient who was merged": {
			[]tale{{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A40", Hour: 8, MR: "B", Other: "A"}, {Trigger: "A44", Hour: 10, MR: "C", Other: "B", From: "X1"}},
			[]string{"person A+B", "person C", "stay V1 C in-progress"},
		},
		"an account moved of a patient whose identifier was changed": {
			[]tale{{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 8, MR: "C", Other: "B", From: "X1"}, {Trigger: "A47", Hour: 9, MR: "B", Other: "A"}},
			[]string{"person A+B", "person C", "stay V1 C in-progress"},
		},
		"an account moved, and a stay of it that is neither's": {
			[]tale{{Trigger: "A01", Hour: 7, MR: "C", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 10, MR: "B", Other: "A", From: "X1"}},
			[]string{"person A", "person B", "person C", "stay V1 C in-progress"},
		},
		"an account moved, and a later word of the patient who had it": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "C", Visit: "V1", Account: "X1"}, {Trigger: "A44", Hour: 10, MR: "B", Other: "A", From: "X1"},
				{Trigger: "A45", Hour: 8, MR: "A", Other: "C", Visit: "V1"}, {Trigger: "A08", Hour: 12, MR: "A", Visit: "V1"},
			},
			[]string{"person A", "person B", "person C", "stay V1 A in-progress"},
		},
		"a visit moved to the patient whose account is moved then": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "C", Visit: "V1", Account: "X1"}, {Trigger: "A45", Hour: 8, MR: "A", Other: "C", Visit: "V1"},
				{Trigger: "A44", Hour: 10, MR: "B", Other: "A", From: "X1"},
			},
			[]string{"person A", "person B", "person C", "stay V1 B in-progress"},
		},
		"an account given on by one message": {
			[]tale{{Trigger: "A01", Hour: 7, MR: "C", Visit: "V1", Account: "X1"}, {Trigger: "A44 A44", Hour: 10, MR: "A", Other: "B", From: "X1"}},
			[]string{"person A", "person B", "person C", "stay V1 B in-progress"}, // B to A, then C to B
		},
		"linked by a name that was retired then, parted by the survivor's": {
			[]tale{{Trigger: "A24", Hour: 5, MR: "A", Other: "C"}, {Trigger: "A40", Hour: 8, MR: "B", Other: "A"}, {Trigger: "A37", Hour: 10, MR: "B", Other: "C"}},
			[]string{"person A+B", "person C"},
		},
		"parted by a name that was retired then, linked by the survivor's": {
			[]tale{{Trigger: "A37", Hour: 5, MR: "A", Other: "C"}, {Trigger: "A40", Hour: 8, MR: "B", Other: "A"}, {Trigger: "A24", Hour: 10, MR: "B", Other: "C"}},
			[]string{"person A+B = C"},
		},
		"two links that would join who is parted: the newer link holds": {
			[]tale{{Trigger: "A24", Hour: 5, MR: "A", Other: "B"}, {Trigger: "A24", Hour: 6, MR: "B", Other: "C"}, {Trigger: "A37", Hour: 7, MR: "A", Other: "C"}},
			[]string{"person A", "person B = C"},
		},
		"two links that would join who was parted before: the newer link holds": {
			[]tale{{Trigger: "A37", Hour: 4, MR: "A", Other: "C"}, {Trigger: "A24", Hour: 5, MR: "A", Other: "B"}, {Trigger: "A24", Hour: 6, MR: "B", Other: "C"}},
			[]string{"person A", "person B = C"},
		},
		"a link of one record with itself, after a merge": {
			[]tale{{Trigger: "A37", Hour: 5, MR: "A", Other: "B"}, {Trigger: "A40", Hour: 8, MR: "B", Other: "A"}},
			[]string{"person A+B"},
		},
		"beds swapped between two numbers of one stay: the place of the lower number counts": {
			[]tale{{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1"}, {Trigger: "A17", Hour: 9, MR: "A", Visit: "V1", Unit: "3W", Other: "B", Next: "V2"}, {Trigger: "A42", Hour: 12, MR: "A", Visit: "V1", Next: "V2"}},
			[]string{"person A", "person B", "stay V2 A in-progress"},
		},
		"beds swapped, and swapped again": {
			[]tale{
				{Trigger: "A01", Hour: 7, MR: "A", Visit: "V1", Unit: "3W"}, {Trigger: "A01", Hour: 7, Minute: 1, MR: "B", Visit: "V2", Unit: "2N"},
				{Trigger: "A17", Hour: 9, MR: "B", Visit: "V2", Unit: "3W", Other: "A", Next: "V1"}, {Trigger: "A17", Hour: 10, MR: "A", Visit: "V1", Unit: "3W", Other: "B", Next: "V2"},
			},
			[]string{"person A", "person B", "stay V1 A in-progress", "stay V2 B in-progress"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := ""
			orders(tt.told, func(list []tale) {
				b.n++
				s := &teller{fmt.Sprintf("o%d-", b.n)}
				for _, x := range list {
					b.apply(t, [][]byte{s.message(x)}, func(int) int { return 1 })
				}
				b.compared(t)
				is := b.projection(t, s)
				if first == "" {
					first = is
				}
				if diff := cmp.Diff(tt.want, inShort(is)); diff != "" {
					t.Fatalf("%s\nin the order %+v", diff, list)
				}
				if diff := cmp.Diff(first, is); diff != "" {
					t.Fatalf("%s\nin the order %+v", diff, list)
				}
			})
		})
	}
	b.balanced()
}

// inShort are the stays and persons of a projection.
func inShort(projection string) (out []string) {
	for _, line := range strings.Split(projection, "\n") {
		if strings.HasPrefix(line, "stay ") || strings.HasPrefix(line, "person ") {
			short, _, _ := strings.Cut(line, " {")
			out = append(out, short)
		}
	}
	return out
}

// orders visits every order of a list.
func orders(list []tale, visit func([]tale)) {
	var next func(done, left []tale)
	next = func(done, left []tale) {
		if len(left) == 0 {
			visit(done)
		}
		for i := range left {
			next(append(slices.Clone(done), left[i]), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	next(nil, list)
}
