package admission

import (
	"bytes"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/linkage"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// groups is what the links among some patients make of them.
type groups struct {
	members []*store.Patient
	number  map[events.ID]int
	pairs   []*store.Pair
	edges   []linkage.Edge
	apart   map[[2]int]bool // pairs that somebody rejected
	found   []linkage.Group
}

// regroup makes the groups of touched patients anew, from the links there are: identifiers that are
// shared, hospitals' words, decisions and scores. It writes what is different and adds what others
// are told.
func (r *round) regroup(ctx context.Context, tx pgx.Tx, reason string) error {
	g, err := r.loadGroups(ctx, tx)
	if err != nil || g == nil {
		return err
	}
	g.found = linkage.Components(len(g.members), g.edges, g.keptApart())
	for pair := range g.apart {
		r.torn = r.torn || g.found[pair[0]] == g.found[pair[1]]
	}
	if err := r.store.SavePairs(ctx, tx, g.leftOut()); err != nil {
		return err
	}
	before := make([]events.ID, len(g.members))
	var moved, persons []events.ID
	for i := range g.members {
		m := g.members[i]
		before[i] = m.Person
		if p := g.members[g.found[i].Root].ID; p != m.Person {
			m.Person = p
			moved, persons = append(moved, m.ID), append(persons, p)
		}
	}
	if err := r.markApart(ctx, tx, g); err != nil || len(moved) == 0 {
		return err
	}
	r.tell(g, before, reason)
	if err := r.store.MovePersons(ctx, tx, moved, persons); err != nil {
		return err
	}
	return r.recount(ctx, tx, g)
}

// markApart notes of which members it was said that they are not another.
func (r *round) markApart(ctx context.Context, tx pgx.Tx, g *groups) error {
	is := map[events.ID]bool{}
	for _, p := range g.pairs {
		if p.Apart() {
			is[p.Low], is[p.High] = true, true
		}
	}
	var changed []events.ID
	for _, m := range g.members {
		if is[m.ID] != m.Apart {
			changed = append(changed, m.ID)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return r.store.MarkApart(ctx, tx, changed)
}

// loadGroups reads and locks the whole groups of touched patients, and of whoever is linked with one
// of their members.
func (r *round) loadGroups(ctx context.Context, tx pgx.Tx) (*groups, error) {
	if len(r.touched) == 0 {
		return nil, nil
	}
	touched := make([]events.ID, 0, len(r.touched))
	for id := range r.touched {
		touched = append(touched, id)
	}
	persons, err := r.store.PersonsTouched(ctx, tx, touched)
	if err != nil || len(persons) == 0 {
		return nil, err
	}
	for {
		g := &groups{number: map[events.ID]int{}, apart: map[[2]int]bool{}}
		if g.members, err = r.store.LockGroups(ctx, tx, persons); err != nil {
			return nil, err
		}
		ids := make([]events.ID, len(g.members))
		for i, m := range g.members {
			ids[i] = m.ID
			g.number[m.ID] = i
		}
		if g.pairs, err = r.store.PairsOf(ctx, tx, ids); err != nil {
			return nil, err
		}
		if beyond := g.beyond(); len(beyond) > 0 {
			more, err := r.store.Persons(ctx, tx, beyond)
			if err != nil {
				return nil, err
			}
			persons = append(persons, more...)
			continue
		}
		shared, err := r.store.SharedBy(ctx, tx, ids, true)
		if err != nil {
			return nil, err
		}
		g.link(shared)
		return g, nil
	}
}

// beyond are patients who are linked with a member and are none.
func (g *groups) beyond() (ids []events.ID) {
	want := func(id events.ID) {
		if _, known := g.number[id]; !known && !id.IsZero() {
			ids = append(ids, id)
		}
	}
	for _, m := range g.members {
		want(m.Into)
	}
	for _, p := range g.pairs {
		if p.Holds() {
			want(p.Low)
			want(p.High)
		}
	}
	return ids
}

// link makes edges of what links the members.
func (g *groups) link(shared []store.Shared) {
	for _, s := range shared {
		if links(s) {
			g.edges = append(g.edges, linkage.Edge{A: g.number[s.A], B: g.number[s.B], Rank: linkage.Shared})
		}
	}
	for i, m := range g.members {
		if !m.Into.IsZero() { // a name of that patient
			g.edges = append(g.edges, linkage.Edge{A: i, B: g.number[m.Into], Rank: linkage.Decided})
		}
	}
	said := map[[2]int]*store.Pair{} // the newest word of hospitals on two, by whatever names
	decided := map[[2]int]bool{}
	for _, p := range g.pairs {
		a, known := g.number[p.Low]
		b, also := g.number[p.High]
		if !known || !also {
			continue
		}
		of := g.standing(a, b)
		switch {
		case p.Decision == store.Rejected:
			g.apart[[2]int{min(a, b), max(a, b)}] = true
		case p.Decision == store.Linked:
			g.edges = append(g.edges, linkage.Edge{A: a, B: b, Rank: linkage.Decided})
		case p.Decision != "":
		case p.Stated != "":
			if last := said[of]; last == nil || p.StatedAt.After(last.StatedAt) || p.StatedAt.Equal(last.StatedAt) && p.Stated > last.Stated {
				said[of] = p
			}
		case p.Holds():
			g.edges = append(g.edges, linkage.Edge{A: a, B: b, Rank: linkage.Probable, Score: p.Score})
		}
		decided[of] = decided[of] || p.Decision != ""
	}
	for of, p := range said {
		switch {
		case decided[of] || of[0] == of[1]:
		case p.Stated == store.Unlinked:
			g.apart[of] = true
		default: // of words that cannot all be true the newer ones hold
			g.edges = append(g.edges, linkage.Edge{A: of[0], B: of[1], Rank: linkage.Said, Score: float64(p.StatedAt.UnixMicro())})
		}
	}
}

// standing are the two that two members stand for, the lower number first.
func (g *groups) standing(a, b int) [2]int {
	for _, x := range []*int{&a, &b} {
		if root, known := g.number[g.members[*x].Into]; known {
			*x = root
		}
	}
	return [2]int{min(a, b), max(a, b)}
}

// links reports whether sharing an identifier makes two patients one person.
func links(s store.Shared) bool {
	id := identity.Identifier{Kind: s.Kind, Authority: s.Authority, Stated: s.Stated, Value: phi.Of(s.Value)}
	return id.Links()
}

// keptApart says which members a link must not bring together: those that somebody said are two; by
// an identifier none that contradict each other otherwise; by a score alone none that are told apart
// by what is known of both (twins by way of a record that says too little).
func (g *groups) keptApart() func(linkage.Rank, int, int) bool {
	profiles := make([]*linkage.Profile, len(g.members))
	profile := func(i int) *linkage.Profile {
		if profiles[i] == nil {
			p := linkage.Read(&g.members[i].Record)
			profiles[i] = &p
		}
		return profiles[i]
	}
	return func(r linkage.Rank, a, b int) bool {
		switch {
		case g.apart[[2]int{min(a, b), max(a, b)}]:
			return true
		case r == linkage.Shared:
			return linkage.Contradicts(profile(a), profile(b))
		}
		return r == linkage.Probable && linkage.Vetoed(profile(a), profile(b))
	}
}

// leftOut are the pairs whose scores link them, and whose groups do not, or do again.
func (g *groups) leftOut() (changed []*store.Pair) {
	for _, p := range g.pairs {
		a, known := g.number[p.Low]
		b, also := g.number[p.High]
		if !known || !also {
			continue
		}
		out := p.Decision == "" && p.Stated == "" && p.Verdict == store.Linked && g.found[a] != g.found[b]
		if out != p.LeftOut {
			p.LeftOut = out
			p.Note(store.Step{At: now(), What: "state", State: p.Now(), Decision: p.Decision, Score: p.Score})
			changed = append(changed, p)
		}
	}
	return changed
}

// tell says of each patient whose person is another now with whom it is one, or no more.
func (r *round) tell(g *groups, before []events.ID, reason string) {
	for i := range g.members {
		m := g.members[i]
		if m.Person == before[i] {
			continue
		}
		var parted, joined events.ID
		for j := range g.members {
			switch was, is := before[j] == before[i], g.members[j].Person == m.Person; {
			case i == j:
			case was && !is && parted.IsZero():
				parted = g.members[j].ID
			case is && !was && joined.IsZero():
				joined = g.members[j].ID
			}
		}
		at := now()
		add := func(f events.Fact) {
			r.steps = append(r.steps, events.Event{Org: m.Org, Occurred: at, Received: at, Fact: f})
		}
		if !parted.IsZero() {
			add(events.PatientUnlinked{Patient: tellPatient(m, &m.Record), Other: parted, Reason: reason})
		}
		if !joined.IsZero() || parted.IsZero() {
			if joined.IsZero() {
				joined = m.Person
			}
			add(events.PatientLinked{Patient: tellPatient(m, &m.Record), Other: joined, Reason: reason})
		}
	}
	slices.SortStableFunc(r.steps, func(a, b events.Event) int {
		x, y := a.Fact.Key(), b.Fact.Key()
		return bytes.Compare(x[:], y[:])
	})
}
