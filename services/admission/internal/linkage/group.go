package linkage

import (
	"cmp"
	"slices"
)

// Rank is how strong a reason to link is; of links that cannot all hold the stronger ones do.
type Rank int

// The ranks, strongest first.
const (
	Decided  Rank = iota // a person said so, or a hospital did
	Shared               // a shared identifier
	Probable             // a score
)

// Edge is a link between two of n patients, by number.
type Edge struct {
	A, B  int
	Rank  Rank
	Score float64
}

// Group is the group a patient is in. Root is the lowest number in it.
type Group struct{ Root int }

// Components makes groups of linked patients: two are in one group if a way of links leads from one
// to the other. apart names pairs that must not be; a link that would bring such a pair into one
// group is left out, the weakest such links first. So the groups depend on the set of links alone,
// and removing a link undoes what adding it did. A person's own decision is never left out for a
// score: apart is asked only of pairs that a Shared or Probable link would bring together.
func Components(n int, edges []Edge, apart func(a, b int) bool) []Group {
	edges = slices.Clone(edges)
	slices.SortFunc(edges, func(x, y Edge) int {
		return cmp.Or(cmp.Compare(x.Rank, y.Rank), cmp.Compare(y.Score, x.Score),
			cmp.Compare(min(x.A, x.B), min(y.A, y.B)), cmp.Compare(max(x.A, x.B), max(y.A, y.B)))
	})
	root := make([]int, n)
	members := make([][]int, n)
	for i := range root {
		root[i], members[i] = i, []int{i}
	}
	for _, e := range edges {
		a, b := root[e.A], root[e.B]
		if a == b || e.Rank != Decided && anyApart(members[a], members[b], apart) {
			continue
		}
		keep, drop := min(a, b), max(a, b)
		for _, x := range members[drop] {
			root[x] = keep
		}
		members[keep], members[drop] = append(members[keep], members[drop]...), nil
	}
	out := make([]Group, n)
	for i := range root {
		out[i].Root = root[i]
	}
	return out
}

func anyApart(a, b []int, apart func(a, b int) bool) bool {
	for _, x := range a {
		for _, y := range b {
			if apart(x, y) {
				return true
			}
		}
	}
	return false
}
