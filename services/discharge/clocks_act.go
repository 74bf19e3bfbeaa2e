package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// wordBody is what a person says of a clock.
type wordBody struct {
	Kind    string     `json:"kind,omitempty" enum:"met,attempt" doc:"record: what happened"`
	At      *time.Time `json:"at,omitempty" doc:"when, if not now"`
	Outcome string     `json:"outcome,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code"`
	Reason  string     `json:"reason,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"pause: a code, such as patient-request"`
}

type wordIn struct {
	Encounter events.ID `path:"encounter"`
	Rule      string    `path:"rule" doc:"the id of the clock's rule"`
	Key       string    `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body      *wordBody
}

type clockOut struct{ Body clockView }

// said is one word of a person on a clock.
type said struct {
	rule, by string
	at       time.Time
	wordBody
}

// word is a route by which a person says something of a clock.
func word(a *api, r *web.Router, name, summary string, apply func(w *work, c *care, rec clock.Record, s said) (clock.Record, error)) {
	web.Handle(r, web.TasksWork, "POST", "/encounters/{encounter}/clocks/{rule}/"+name, summary, func(ctx context.Context, in *wordIn) (*clockOut, error) {
		s := said{rule: in.Rule, by: web.From(ctx).Subject}
		if in.Body != nil {
			s.wordBody = *in.Body
		}
		text, err := json.Marshal(s.wordBody)
		if err != nil {
			return nil, err
		}
		request := fmt.Sprintf("clock %s %s %s %s", name, in.Encounter, in.Rule, text)
		var out *clockOut
		err = a.service.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
			out, err = web.Once(ctx, tx, request, func() (*clockOut, error) { return a.service.word(ctx, tx, in.Encounter, s, apply) })
			return err
		})
		return out, err
	})
}

// word takes a person's word on a clock: lock its transition, change the record,
// judge, save, announce.
func (s *service) word(ctx context.Context, tx pgx.Tx, encounter events.ID, said said,
	apply func(w *work, c *care, rec clock.Record, s said) (clock.Record, error)) (*clockOut, error) {
	found, err := store.Load(ctx, tx, store.Wanted{Encounters: []events.ID{encounter}})
	if err != nil {
		return nil, err
	}
	w := s.begin(tx)
	c, rec, err := w.withClocks(found, encounter)
	if err != nil {
		return nil, err
	}
	if err := w.table(c.Transition.Org).Takes(rec, said.rule); err != nil {
		return nil, fault.New(fault.Unknown, "%s", err)
	}
	said.at = w.at
	if said.At != nil {
		said.at = said.At.UTC().Truncate(time.Microsecond)
	}
	if said.at.After(w.at) {
		return nil, fault.New(fault.Invalid, "at is in the future")
	}
	rec, err = apply(w, c, rec, said)
	if err != nil {
		return nil, err
	}
	c.record, c.cause = &rec, events.Event{Org: c.Transition.Org, Occurred: said.at, Received: w.at}
	if err := w.save(ctx); err != nil {
		return nil, err
	}
	list, err := s.clocksOf(c.Transition, w.at, &listClocksIn{})
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if v.Rule == said.rule {
			return &clockOut{v}, nil
		}
	}
	return nil, errNoClocks
}

func (s *service) record(_ *work, _ *care, rec clock.Record, said said) (clock.Record, error) {
	e := clock.Evidence{Kind: clock.Done, Rule: said.rule, At: said.at, Outcome: said.Outcome, By: said.by}
	switch said.Kind {
	case "met":
	case "attempt":
		e.Kind = clock.Attempt
	default:
		return rec, fault.New(fault.Invalid, "say what happened: kind is met or attempt")
	}
	return rec.Say(e), nil
}

func (s *service) pause(w *work, c *care, rec clock.Record, said said) (clock.Record, error) {
	if said.Reason == "" {
		return rec, fault.New(fault.Invalid, "say why: reason is empty")
	}
	rec, err := w.table(c.Transition.Org).Pause(rec, said.rule, said.Reason, said.by, said.at)
	return rec, conflict(err)
}

func (s *service) resume(w *work, c *care, rec clock.Record, said said) (clock.Record, error) {
	where, err := s.where(c.Transition.Zone, c.Transition.Calendar)
	if err != nil {
		return rec, err
	}
	rec, err = w.table(c.Transition.Org).Resume(rec, said.rule, said.at, where)
	return rec, conflict(err)
}

func (s *service) undo(_ *work, _ *care, rec clock.Record, said said) (clock.Record, error) {
	rec, ok := rec.Unsay(said.rule)
	if !ok {
		return rec, fault.New(fault.Conflict, "nothing was recorded on this clock")
	}
	return rec, nil
}

func conflict(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Conflict, "%s", err)
}
