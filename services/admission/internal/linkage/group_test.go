package linkage

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func never(Rank, int, int) bool { return false }

// TestGroupsDependOnTheSetOfLinks: any order and any repetition gives the same groups; a link taken
// away leaves the groups as if it had never been; a cycle is no trouble; pairs said to be apart stay so.
func TestGroupsDependOnTheSetOfLinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 8).Draw(t, "patients")
		edge := rapid.Custom(func(t *rapid.T) Edge {
			a := rapid.IntRange(0, n-1).Draw(t, "a")
			return Edge{A: a, B: (a + rapid.IntRange(1, n-1).Draw(t, "b")) % n, Rank: Rank(rapid.IntRange(1, 3).Draw(t, "rank")), Score: float64(rapid.IntRange(5, 9).Draw(t, "score"))}
		})
		edges := rapid.SliceOfN(edge, 0, 10).Draw(t, "links")
		x, y := rapid.IntRange(0, n-1).Draw(t, "x"), rapid.IntRange(0, n-1).Draw(t, "y")
		apart := func(_ Rank, a, b int) bool { return x != y && (a == x && b == y || a == y && b == x) }
		want := Components(n, edges, apart)
		again := Components(n, append(rapid.Permutation(edges).Draw(t, "order"), edges...), apart)
		if !slices.Equal(want, again) {
			t.Fatalf("%v, in another order %v", want, again)
		}
		if x != y && want[x] == want[y] {
			t.Fatalf("%d and %d are in one group", x, y)
		}
		if len(edges) > 0 {
			with, without := Components(n, edges, never), Components(n, edges[1:], never)
			for i := range n {
				for j := range i {
					if without[i] == without[j] && with[i] != with[j] {
						t.Fatalf("a link more separates %d and %d", i, j)
					}
				}
			}
		}
	})
}

func TestAPersonsWordOutranksAScore(t *testing.T) {
	edges := []Edge{{A: 0, B: 1, Rank: Probable, Score: 40}, {A: 1, B: 2, Rank: Decided}, {A: 0, B: 2, Rank: Shared}}
	apart := func(_ Rank, a, b int) bool { return min(a, b) == 0 && max(a, b) == 2 }
	if got := Components(3, edges, apart); got[1].Root != 1 || got[2].Root != 1 || got[0].Root != 0 {
		t.Errorf("%v", got)
	}
}
