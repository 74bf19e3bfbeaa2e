package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// actions are the routes by which people work on tasks. Each carries If-Match with
// the version the person saw, but claim: there the first wins, and the others are
// told who it was.
func (a *api) actions(r *web.Router) {
	act(a, r, "claim", "Take a task", noted)
	act(a, r, "release", "Give a task back", noted)
	act(a, r, "start", "Begin work", noted)
	act(a, r, "reopen", "Undo the end of a task", noted)
	act(a, r, "assign", "Give a task to somebody", func(b *assignBody) done {
		return done{action: transition.Action{To: b.Owner}, entry: store.Entry{Outcome: b.Owner, Note: b.Note}}
	})
	act(a, r, "snooze", "Put a task off", func(b *snoozeBody) done {
		return done{action: transition.Action{Until: b.Until, Reason: b.Reason}, entry: store.Entry{Outcome: b.Reason, NextAt: b.Until}}
	})
	act(a, r, "attempt", "Record an attempt", func(b *attemptBody) done {
		return done{
			action: transition.Action{Outcome: b.Outcome, Until: b.NextAt}, performed: b.Performed,
			entry: store.Entry{Channel: b.Channel, Outcome: b.Outcome, Duration: b.Duration, Note: b.Note, NextAt: b.NextAt},
		}
	})
	act(a, r, "complete", "Record that a task is done (outcome failed: that it could not be)", func(b *completeBody) done {
		return done{action: transition.Action{Outcome: b.Outcome}, entry: store.Entry{Outcome: b.Outcome, Note: b.Note}, performed: b.Performed}
	})
	act(a, r, "cancel", "Cancel a task that is not needed", func(b *cancelBody) done {
		return done{action: transition.Action{Reason: b.Reason}, entry: store.Entry{Outcome: b.Reason, Note: b.Note}}
	})
}

// noted reads the body of an action that needs no more than its name.
func noted(b *noteBody) done { return done{entry: store.Entry{Note: b.Note}} }

// Codes (outcome, channel, reason) travel in events; notes do not.
type (
	noteBody struct {
		Note string `json:"note,omitempty" maxLength:"4000"`
	}
	assignBody struct {
		Owner string `json:"owner" maxLength:"200" doc:"the person (token subject)"`
		Note  string `json:"note,omitempty" maxLength:"4000"`
	}
	snoozeBody struct {
		Until  *time.Time `json:"until"`
		Reason string     `json:"reason,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code"`
	}
	attemptBody struct {
		Channel  string     `json:"channel,omitempty" maxLength:"64" doc:"phone, visit, message..."`
		Outcome  string     `json:"outcome" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code: reached, no-answer, left-message, wrong-number..."`
		Duration *int       `json:"duration_s,omitempty" minimum:"0"`
		Note     string     `json:"note,omitempty" maxLength:"4000"`
		NextAt   *time.Time `json:"next_at,omitempty"`
		// the clocks of the stay go by when it took place, not by when it was written down
		Performed *time.Time `json:"performed_at,omitempty" doc:"when it took place, if not now"`
	}
	completeBody struct {
		Outcome   string     `json:"outcome,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code"`
		Note      string     `json:"note,omitempty" maxLength:"4000"`
		Performed *time.Time `json:"performed_at,omitempty" doc:"when it took place, if not now"`
	}
	cancelBody struct {
		Reason string `json:"reason" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code: duplicate, not-needed, patient-declined..."`
		Note   string `json:"note,omitempty" maxLength:"4000"`
	}
)

// done is a request as an action and the entry it leaves in the log.
type done struct {
	action    transition.Action
	entry     store.Entry
	performed *time.Time // when it took place, if not now
}

type actIn[B any] struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"the version you decided on"`
	Key     string    `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    *B
}

type taskOut struct {
	ETag string `header:"ETag" json:"-"`
	Body taskView
}

func act[B any](a *api, r *web.Router, name, summary string, read func(*B) done) {
	permission := web.TasksWork
	if name == "assign" {
		permission = web.TasksAssign
	}
	web.Handle(r, permission, "POST", "/tasks/{id}/"+name, summary, func(ctx context.Context, in *actIn[B]) (*taskOut, error) {
		body := in.Body
		if body == nil {
			body = new(B)
		}
		d := read(body)
		d.action.Name, d.entry.Action = name, name
		version := 0
		if name != "claim" {
			var err error
			if version, err = web.IfMatch(in.IfMatch); err != nil {
				return nil, err
			}
		}
		said, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		request := fmt.Sprintf("%s %s %d %s", name, in.ID, version, said)
		var out *taskOut
		err = a.service.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
			out, err = web.Once(ctx, tx, request, func() (*taskOut, error) { return a.service.act(ctx, tx, in.ID, version, d) })
			return err
		})
		if err != nil {
			return nil, err
		}
		out.ETag = etag(out.Body.Version)
		return out, nil
	})
}

// act applies a person's action to a task: lock its transition, decide, save,
// announce. version 0 is any.
func (s *service) act(ctx context.Context, tx pgx.Tx, id events.ID, version int, d done) (*taskOut, error) {
	encounter, err := store.EncounterOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if encounter.IsZero() {
		return nil, errNoTask
	}
	found, err := store.Load(ctx, tx, store.Wanted{Encounters: []events.ID{encounter}})
	if err != nil {
		return nil, err
	}
	w := s.begin(tx)
	w.add(found.Cares)
	c := w.cares[encounter]
	i := slices.IndexFunc(c.Tasks, func(t transition.Task) bool { return t.ID == id })
	if was := c.Tasks[i].Version; version != 0 && version != was {
		return nil, fault.New(fault.Stale, "the task has changed since you looked: it is at version %d", was).With("version", was)
	}
	untouched := c.Tasks[i].Version == 1
	who := web.From(ctx)
	d.action.By, d.action.At, d.action.Lead = who.Subject, w.at, who.Is(web.Lead)
	task, fact, err := transition.Act(c.Tasks[i], *c.Transition, c.Tasks, d.action)
	if err != nil {
		return nil, err
	}
	if err := w.evidence(c, task, d); err != nil {
		return nil, err
	}
	by := events.Event{Org: who.Org, Occurred: w.at, Received: w.at}
	w.apply(c, transition.Change{Tasks: []transition.Task{task}, Facts: []events.Fact{fact}}, by)
	after, err := transition.AfterTask(*c.Transition, c.Tasks)
	if err != nil {
		return nil, err
	}
	w.apply(c, after, by)
	d.entry.By, d.entry.At = who.Subject, w.at
	if err := store.Log(ctx, tx, who.Org, id, d.entry); err != nil {
		return nil, err
	}
	if err := w.save(ctx); err != nil {
		return nil, err
	}
	if was := c.Transition; d.action.Name == "claim" && untouched && !was.Received.IsZero() && !was.LateArrival {
		s.toHuman.Observe(w.at.Sub(was.Received).Seconds())
	}
	rows, err := store.Tasks(ctx, tx, store.TaskQuery{ID: id, Limit: 1})
	if err != nil {
		return nil, err
	}
	return &taskOut{Body: s.viewTask(rows[0])}, nil
}

func etag(version int) string { return fmt.Sprintf("%q", fmt.Sprint(version)) }
