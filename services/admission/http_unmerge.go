package admission

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/alias"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// unmergedView is what came of taking a merge back.
type unmergedView struct {
	ID       events.ID   `json:"patient_id" doc:"stands for itself again"`
	Survivor events.ID   `json:"survivor_patient_id" doc:"who had its stays until now"`
	Stays    []events.ID `json:"encounter_ids" doc:"the stays that are its own again"`
}

type unmergedOut struct{ Body unmergedView }

// unmerge takes a merge back: a hospital has no message for that. What was said under the retired name
// is the patient's own again; what was said under the survivor's stays the survivor's.
func (s *service) unmerge(ctx context.Context, in *byID) (*unmergedOut, error) {
	out := &unmergedOut{}
	var done *work
	err := s.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		now, err := s.store.Now(ctx, tx)
		if err != nil {
			return err
		}
		w := newWork(store.NewLoaded(), s.directory.Setup().Facilities)
		if err := s.complete(ctx, tx, w, nil, store.More{Known: []events.ID{in.ID}}); err != nil {
			return err
		}
		p := w.Patients[in.ID]
		if p == nil {
			return fault.New(fault.Unknown, "there is no such patient")
		}
		survivor := w.root(p)
		if why := w.names.Reason(p.ID); survivor == p || why == "" {
			return fault.New(fault.Conflict, "this patient was not merged into another, or not any more")
		} else if why == alias.Renamed {
			return fault.New(fault.Conflict, "this is another name of the same patient, not a merge")
		}
		var m store.More
		w.staysOf(p, &m)
		if err := s.complete(ctx, tx, w, nil, m); err != nil {
			return err
		}
		if last := w.names.Last(); !now.After(last) {
			now = last.Add(time.Microsecond) // the hospital's clock is ahead of ours
		}
		it := s.asked(ctx, w, p, now)
		if err := w.guarded(func() {
			id := events.NewID()
			w.state(it, p, nil, alias.Statement{From: p.ID, Message: id, Org: p.Org, Recorded: now, Sent: now, Hash: id, Reason: reasonUnmerge})
		}); err != nil {
			return err
		}
		if err := s.settleLater(ctx, tx, w, nil); err != nil {
			return err
		}
		out.Body = unmergedView{ID: p.ID, Survivor: survivor.ID, Stays: []events.ID{}}
		for _, e := range w.byPatient[p.ID] {
			if known(e) && e.Into.IsZero() {
				out.Body.Stays = append(out.Body.Stays, e.ID)
			}
		}
		done = w
		if err := s.looked(ctx, tx, "patients.unmerge", in.purpose(), p.ID, []events.ID{p.ID, survivor.ID}); err != nil {
			return err
		}
		return s.finish(ctx, tx, w)
	})
	if err == nil {
		s.store.Remember(done.changes.Encounters)
	}
	return out, err
}

// asked is a person's own request about a patient, in the place of a message.
func (s *service) asked(ctx context.Context, w *work, p *store.Patient, now time.Time) *item {
	c := &adt.Command{}
	c.Fact.Occurred, c.Fact.Recorded, c.Fact.Sent, c.Fact.Happened, c.Fact.Received = now, now, now, now, now
	return &item{
		in:   &adt.Inbound{Feed: &adt.Feed{Org: p.Org}, Facility: w.facilities[p.Facility], Received: now},
		cmd:  c,
		span: trace.SpanContextFromContext(ctx),
	}
}
