package linkage

import (
	"cmp"
	"slices"
)

// Rank is how strong a reason to link is; of links that cannot all hold the stronger ones do.
type Rank int

// The ranks, strongest first.
const (
	Decided  Rank = iota // a person said so
	Said                 // a hospital said so
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
// to the other. apart names pairs that a link of a rank must not bring together; a link that would is
// left out, the weakest such links first. So the groups depend on the set of links alone, and taking
// a link away undoes what adding it did. Of Decided links apart is not asked.
func Components(n int, edges []Edge, apart func(r Rank, a, b int) bool) []Group {
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
		if a == b || e.Rank != Decided && anyApart(e.Rank, members[a], members[b], apart) {
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

func anyApart(r Rank, a, b []int, apart func(r Rank, a, b int) bool) bool {
	for _, x := range a {
		for _, y := range b {
			if apart(r, x, y) {
				return true
			}
		}
	}
	return false
}
