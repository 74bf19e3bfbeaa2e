package referral

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// hearDischarge lets the referrals of each transition follow its newest snapshot.
func (s *service) hearDischarge(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
	encounters, needed := leaving(batch)
	known, err := store.OfEncounters(ctx, tx, encounters)
	if err != nil || len(known) == 0 && !needed {
		return err
	}
	directories, err := s.directories.of(ctx, tx, organizations(batch)...)
	if err != nil {
		return err
	}
	latest := map[events.ID]events.Event{} // by transition
	w := newWork(now(), func(r *referral.Referral) events.Event { return latest[r.Transition] })
	byTransition := map[events.ID][]*referral.Referral{}
	for _, r := range known {
		byTransition[r.Transition] = append(byTransition[r.Transition], r)
	}
	for _, e := range batch {
		f, ok := e.Fact.(events.TransitionFact)
		if !ok {
			continue
		}
		t := f.Snapshot()
		list := byTransition[t.ID]
		list = append(list, referral.Follow(list, e.Org, t, w.at, s.directories.ranker(directories[e.Org], w.at))...)
		byTransition[t.ID], latest[t.ID] = list, e
		w.take(list...)
	}
	if err := s.settle(ctx, tx, w, directories, w.moved()); err != nil {
		return err
	}
	return s.finish(ctx, tx, w)
}

// leaving lists the stays of a batch, and whether any of them needs a next caregiver now.
func leaving(batch []events.Event) (encounters []events.ID, needed bool) {
	for _, e := range batch {
		if f, ok := e.Fact.(events.TransitionFact); ok {
			t := f.Snapshot()
			encounters = append(encounters, t.Encounter)
			needed = needed || t.State == "active" && len(t.Needs) > 0
		}
	}
	return encounters, needed
}

func organizations(batch []events.Event) (orgs []events.ID) {
	for _, e := range batch {
		if !slices.Contains(orgs, e.Org) {
			orgs = append(orgs, e.Org)
		}
	}
	return orgs
}

// hearAdmission notes who is which person and who was admitted where a provider is, and closes the
// referrals that waited for it.
func (s *service) hearAdmission(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
	directories, err := s.directories.of(ctx, tx, organizations(batch)...)
	if err != nil {
		return err
	}
	h := hear(batch, directories)
	if err := h.save(ctx, tx); err != nil || len(h.patients) == 0 {
		return err
	}
	list, persons, err := h.affected(ctx, tx)
	if err != nil {
		return err
	}
	w := newWork(now(), func(r *referral.Referral) events.Event { return h.cause(r, persons) })
	if err := s.settle(ctx, tx, w, directories, list); err != nil {
		return err
	}
	return s.finish(ctx, tx, w)
}

// heard is what a batch of admission's facts says that matters here.
type heard struct {
	arrivals   []referral.Arrival
	kinships   []store.Kinship
	alone      []events.ID // patients that are persons of their own again
	facilities []store.Facility
	patients   []events.ID // whose referrals may be affected
	stays      []events.ID
	by         map[events.ID]events.Event // what was heard of a stay or a patient
}

func hear(batch []events.Event, directories map[events.ID]*held) *heard {
	h := &heard{by: map[events.ID]events.Event{}}
	for _, e := range batch {
		switch f := e.Fact.(type) {
		case events.EncounterFact:
			h.stay(e, f.Snapshot(), directories[e.Org])
		case events.PatientRegistered:
			h.person(e, f.Patient)
		case events.PatientUpdated:
			h.person(e, f.Patient)
		case events.PatientLinked:
			h.link(e, f.Patient)
			h.kinships = append(h.kinships, store.Kinship{Patient: f.Other, Person: f.Patient.Person, Org: e.Org})
		case events.PatientUnlinked:
			h.link(e, f.Patient)
		case events.FacilityChanged:
			h.facilities = append(h.facilities, store.Facility{ID: f.ID, Org: e.Org, Code: f.Code, Name: f.Name})
		}
	}
	return h
}

// stay keeps stays at tied facilities alone: no other can close a referral.
func (h *heard) stay(e events.Event, s events.Encounter, d *held) {
	if !d.tied(s.FacilityID, s.Facility) {
		return
	}
	at := e.Occurred
	if s.AdmittedAt != nil {
		at = *s.AdmittedAt
	}
	live := s.State == "arrived" || s.State == "in-progress" || s.State == "onleave" || s.State == "finished"
	h.arrivals = append(h.arrivals, referral.Arrival{
		Encounter: s.ID, Org: e.Org, Patient: s.Patient, FacilityID: s.FacilityID, Facility: s.Facility, At: at, Live: live, Fold: s.FoldVersion,
	})
	h.stays, h.patients = append(h.stays, s.ID), append(h.patients, s.Patient)
	h.by[s.ID] = e
}

// person keeps a patient's person where it is not its own: a patient without a row is a person of
// its own, so most of them need none.
func (h *heard) person(e events.Event, p events.Patient) {
	switch {
	case p.Person.IsZero():
	case p.Person == p.ID:
		h.alone = append(h.alone, p.ID)
	default:
		h.link(e, p)
	}
}

func (h *heard) link(e events.Event, p events.Patient) {
	h.kinships = append(h.kinships, store.Kinship{Patient: p.ID, Person: p.Person, Org: e.Org, Firm: true})
	h.patients = append(h.patients, p.ID)
	h.by[p.ID] = e
}

func (h *heard) save(ctx context.Context, tx pgx.Tx) error {
	if err := h.saveFacilities(ctx, tx); err != nil {
		return err
	}
	if err := store.SavePersons(ctx, tx, h.kinships, h.alone); err != nil {
		return err
	}
	return store.SaveArrivals(ctx, tx, h.arrivals)
}

// saveFacilities also ties the providers that named a facility's code before its id was known.
func (h *heard) saveFacilities(ctx context.Context, tx pgx.Tx) error {
	if len(h.facilities) == 0 {
		return nil
	}
	untied, err := store.SaveFacilities(ctx, tx, h.facilities)
	if err != nil || len(untied) == 0 {
		return err
	}
	for _, org := range untied {
		if _, err := store.Bump(ctx, tx, org); err != nil {
			return err
		}
	}
	return store.TieProviders(ctx, tx, untied)
}

// affected loads and locks the referrals that what was heard may close or open again.
func (h *heard) affected(ctx context.Context, tx pgx.Tx) ([]*referral.Referral, referral.Persons, error) {
	persons, err := store.Kin(ctx, tx, h.patients)
	if err != nil {
		return nil, nil, err
	}
	list, err := store.Waiting(ctx, tx, persons.All(), h.stays)
	return list, persons, err
}

// cause finds the event that moved a referral: of the stay that closed it, else of its person.
func (h *heard) cause(r *referral.Referral, persons referral.Persons) events.Event {
	if e, ok := h.by[r.Arrival]; ok {
		return e
	}
	for _, id := range h.patients {
		if e, ok := h.by[id]; ok && persons.Same(id, r.Patient) {
			return e
		}
	}
	return byItself(now())(r)
}

// Timers.
const (
	expireTimer = "expire" // key: a referral
	rankTimer   = "rank"   // key: an organization whose directory changed
	waveTimer   = "wave"   // key: a referral whose providers have until then to answer
)

// patience is how long a search may stand still before it expires: the 30 days that a transition of
// care lasts.
const patience = 30 * 24 * time.Hour

// expire ends searches that nobody moved for 30 days. A search that was moved since gets its time again.
func (s *service) expire(ctx context.Context, tx pgx.Tx, at time.Time, due []timer.Timer) error {
	ids := make([]events.ID, len(due))
	for i, t := range due {
		ids[i] = t.Key
	}
	list, err := store.ByIDs(ctx, tx, ids)
	if err != nil {
		return err
	}
	w := newWork(at, byItself(at))
	var again []timer.Timer
	for _, r := range list {
		end := r.TouchedAt.Add(patience)
		switch {
		case !referral.Can(referral.Expire, r.State):
		case end.After(at):
			again = append(again, timer.Timer{Name: expireTimer, Key: r.ID, Org: r.Org, Due: end})
		default:
			if err := r.Expire(referral.Act{At: at, Reason: "no-answer"}); err != nil {
				return err
			}
			w.take(r)
		}
	}
	if err := timer.Set(ctx, tx, again...); err != nil {
		return err
	}
	return s.finish(ctx, tx, w)
}

// rankChunk is how many referrals one turn of rankAgain ranks.
const rankChunk = 500

// rankAgain ranks by a changed directory what was ranked by an older one, a chunk at a time.
func (s *service) rankAgain(ctx context.Context, tx pgx.Tx, at time.Time, due []timer.Timer) error {
	w := newWork(at, byItself(at))
	for _, t := range due {
		directories, err := s.directories.of(ctx, tx, t.Org)
		if err != nil {
			return err
		}
		d := directories[t.Org]
		list, err := store.Stale(ctx, tx, t.Org, d.Version, rankChunk)
		if err != nil {
			return err
		}
		rank := s.directories.ranker(d, at)
		for _, r := range list {
			r.RankAgain(at, rank)
		}
		w.take(list...)
		if len(list) == rankChunk {
			if err := timer.Set(ctx, tx, timer.Timer{Name: rankTimer, Key: t.Org, Org: t.Org, Due: at}); err != nil {
				return err
			}
		}
	}
	return s.finish(ctx, tx, w)
}
