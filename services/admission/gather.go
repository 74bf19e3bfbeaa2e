package admission

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// wanted is what a batch touches, as far as the messages alone say.
func wanted(items []*item) store.Wanted {
	var w store.Wanted
	for _, it := range items {
		w.Messages = append(w.Messages, it.in.ID)
		if it.verdict.State != "" {
			continue
		}
		for c := range it.cmd.Parts {
			wantedBy(&w, it.in.Facility.ID, c)
		}
	}
	return w
}

func wantedBy(w *store.Wanted, facility events.ID, c *adt.Command) {
	visit := func(key string) {
		if key != "" {
			w.Visits = append(w.Visits, store.Visit{Facility: facility, Key: key})
		}
	}
	for _, id := range c.Identifiers {
		w.Identifiers = append(w.Identifiers, id.Key)
	}
	if c.Kind != 0 {
		visit(c.Visit.Key)
		if account := accountKey(&c.Fact); account != c.Visit.Key {
			visit(account)
		}
		if mother := c.Fact.Values.Mother; !mother.IsZero() {
			w.Identifiers = append(w.Identifiers, mother)
		}
		if c.Fact.Values.Class == encounter.Obstetrics {
			for _, id := range identity.Primary(c.Identifiers) {
				w.Identifiers = append(w.Identifiers, motherOf(id.Key))
			}
		}
	}
	for i := range c.Acts {
		a := &c.Acts[i]
		if !a.From.Key.IsZero() {
			w.Identifiers = append(w.Identifiers, a.From.Key)
		}
		visit(a.FromVisit.Key)
		visit(a.ToVisit.Key)
	}
}

// accountKey is the visit key of the account that a fact names; "" if it names none.
func accountKey(f *encounter.Fact) string {
	if v := f.Values.Account; v != "" && v != encounter.Deleted {
		return "AN:" + v
	}
	return ""
}

// motherOf is the key under which newborns are found by an identifier of their mother.
func motherOf(key events.ID) events.ID { return events.Derive("mother", key.String()) }

// gather loads what a batch touches: by the messages first, then, as long as what was found leads to
// more, that. Nearly always the second look is the last.
func (s *service) gather(ctx context.Context, tx pgx.Tx, items []*item) (*work, error) {
	loaded, err := s.store.Load(ctx, tx, wanted(items))
	if err != nil {
		return nil, err
	}
	w := newWork(loaded, s.directory.Setup().Facilities)
	return w, s.complete(ctx, tx, w, items, store.More{})
}

// complete loads until nothing is missing, m first.
func (s *service) complete(ctx context.Context, tx pgx.Tx, w *work, items []*item, m store.More) error {
	for {
		w.more(items, &m)
		if m.Empty() {
			break
		}
		past, err := s.store.LoadMore(ctx, tx, w.Loaded, m)
		if err != nil {
			return err
		}
		w.took(past)
		m = store.More{}
	}
	w.index()
	return nil
}

// took makes what was loaded known: statements about names, and persons' stays.
func (w *work) took(past []store.Past) {
	for _, st := range w.Aliases {
		w.names.Add(st)
	}
	w.Aliases = nil
	for _, v := range past {
		w.past[v.Person] = append(w.past[v.Person], v)
	}
}

// ask reports whether something is asked for the first time.
func (w *work) ask(what string, id events.ID) bool {
	k := asked{what, id}
	if id.IsZero() || w.asked[k] {
		return false
	}
	w.asked[k] = true
	return true
}

type asked struct {
	what string
	id   events.ID
}

// more adds what is known of and not loaded: the stays of patients whose message names no visit, whose
// demographics change or whose names do; the patients of stays; whole clusters of names; what stays a
// person had.
func (w *work) more(items []*item, m *store.More) {
	for _, e := range w.Encounters {
		w.byVisit[store.Visit{Facility: e.Facility, Key: e.VisitKey}] = e
	}
	names, others := false, map[*store.Encounter]bool{} // stays that somebody else is named for
	for _, it := range items {
		if it.verdict.State != "" || !w.Mine[it.in.ID] {
			continue
		}
		for c := range it.cmd.Parts {
			part := it.part(c)
			names = names || len(c.Acts) > 0
			if e := w.spokenOf(part); e != nil && len(e.Facts) > 0 {
				if p := w.find(part); p == nil || p.ID != e.Facts[0].Patient {
					others[e] = true
				}
			}
			w.moreOf(part, m)
		}
	}
	known := func(id events.ID) {
		if w.Patients[id] == nil && w.ask("patient", id) {
			m.Known = append(m.Known, id)
		}
	}
	for _, e := range w.Encounters {
		known(e.Patient)
		for i := range e.Facts {
			known(e.Facts[i].Patient)
			known(e.Facts[i].Values.From)
		}
		w.moreOfAccounts(e, others[e], names, m)
		if w.ask("visits", e.Cluster) {
			m.VisitClusters = append(m.VisitClusters, e.Cluster)
		}
	}
	for _, p := range w.Patients {
		if w.ask("person", p.Person) {
			m.Persons = append(m.Persons, p.Person)
		}
		if w.ask("names", p.Cluster) {
			m.Clusters = append(m.Clusters, p.Cluster)
		}
	}
}

// spokenOf is the row of the visit key that a message names; nil if there is none.
func (w *work) spokenOf(it *item) *store.Encounter {
	if it.cmd.Kind == 0 || it.cmd.Visit.Key == "" {
		return nil
	}
	return w.byVisit[store.Visit{Facility: it.in.Facility.ID, Key: it.cmd.Visit.Key}]
}

func (w *work) moreOf(it *item, m *store.More) {
	c := it.cmd
	if p := w.find(it); p != nil {
		after, before := p.Record, p.Record
		after.Merge(&c.Person)
		if c.Kind != 0 && c.Visit.Key == "" || !p.Cluster.IsZero() || whose(&after) != whose(&before) || len(c.Acts) > 0 {
			w.staysOf(p, m)
		}
	}
	if c.Fact.Values.Class == encounter.Obstetrics {
		for _, id := range identity.Primary(c.Identifiers) {
			w.staysOfNamed(motherOf(id.Key), m)
		}
	}
	w.staysOfNamed(c.Fact.Values.Mother, m)
	for i := range c.Acts {
		w.staysOfNamed(c.Acts[i].From.Key, m)
		w.staysOfNamed(c.Acts[i].To.Key, m)
	}
}

func (w *work) staysOfNamed(key events.ID, m *store.More) {
	for _, n := range w.named[key] {
		if p := w.Patients[n.Patient]; p != nil {
			w.staysOf(p, m)
		}
	}
}

// staysOf asks for the stays of a patient by any of its names.
func (w *work) staysOf(p *store.Patient, m *store.More) {
	for _, q := range w.cluster(p) {
		if w.ask("stays", q.ID) {
			m.Patients = append(m.Patients, q.ID)
		}
		for _, id := range q.Former {
			if w.Encounters[id] == nil && w.ask("stay", id) {
				m.Stays = append(m.Stays, id)
			}
		}
	}
}
