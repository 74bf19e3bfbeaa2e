package console

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// pace: a screen that is an eighth of a second behind is live, and larger batches are cheaper.
const pace = 125 * time.Millisecond

// projection keeps the read model in step with the four other services.
type projection struct{ wake func() }

// hears lists the facts the read model is made of. Patients' facts are not among them: what a
// patient is called is asked of admission by whoever may know.
func (p projection) hears() []bus.Subscription {
	return []bus.Subscription{
		{Stream: "admission", Handle: p.handle(store.Admission), Pace: pace, Types: []events.Fact{
			events.EncounterPlanned{}, events.EncounterAdmitted{}, events.EncounterTransferred{}, events.EncounterClassChanged{},
			events.EncounterDischargeExpected{}, events.EncounterDischarged{}, events.EncounterDischargeCancelled{},
			events.EncounterAdmissionCancelled{}, events.EncounterUpdated{}, events.EncounterMoved{}, events.FacilityChanged{},
		}},
		{Stream: "discharge", Handle: p.handle(store.Discharge), Pace: pace},
		{Stream: "referral", Handle: p.handle(store.Referral), Pace: pace},
		{Stream: "notification", Handle: p.handle(store.Notification), Pace: pace, Types: []events.Fact{
			events.AlertRaised{}, events.AlertCorrected{}, events.AlertDelivered{}, events.AlertAcknowledged{},
			events.AlertHandedOver{}, events.AlertEscalated{}, events.AlertResolved{}, events.AlertFailed{},
		}},
	}
}

func (p projection) handle(source store.Source) bus.Handler {
	return func(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
		err := store.Save(ctx, tx, fold(source, batch))
		p.wake() // the commit follows at once; whoever wakes looks again until it is there
		return err
	}
}

// fold adds a batch of facts up. Pure.
func fold(source store.Source, batch []events.Event) *store.Changes {
	c := store.NewChanges(room(batch))
	for i := range batch {
		e := &batch[i]
		m := store.Mark{Org: e.Org, Seen: e.Version, At: e.Occurred}
		switch f := e.Fact.(type) {
		case events.TaskFact:
			foldTask(c, e, m, f)
		case events.TransitionFact:
			t := f.Snapshot()
			c.Episode(m, t)
			for _, task := range f.Created() {
				c.Task(m, task)
				c.Count(e.Org, e.Received, counted[events.TaskCreated{}.Type()])
			}
			story(c, source, e, store.Detail{Subject: t.ID, State: t.State, Reason: t.Reason, Class: t.Class, Disposition: t.Disposition, Unit: t.Unit, Previous: previous(f)})
			touch(c, e)
		case events.ReadmissionFact:
			r := f.Snapshot()
			story(c, source, e, store.Detail{Subject: r.ID, Code: returned(r), State: r.State, Reason: r.Reason, Outcome: r.Outcome, Class: r.Arrival.Class})
			touch(c, e)
		case events.RequestFact:
			word, by := said(f)
			story(c, source, e, store.Detail{Code: word.Event, State: f.Snapshot().Urgency, Outcome: word.Outcome, By: by})
			touch(c, e)
		case events.EncounterFact:
			s := f.Snapshot()
			story(c, source, e, store.Detail{State: s.State, Class: s.Class, Disposition: s.Disposition, Unit: s.Unit, Previous: previous(f)})
		case events.ReferralFact:
			r := f.Snapshot()
			c.Referral(m, r)
			story(c, source, e, store.Detail{Subject: r.ID, Code: r.Need, State: r.State, Reason: cmp.Or(why(f), r.Reason), Previous: previous(f)})
			touch(c, e)
		case events.AlertFact:
			a := f.Snapshot()
			c.Alert(m, a)
			if !a.Encounter.IsZero() {
				story(c, source, e, store.Detail{Subject: a.ID, Code: a.Kind, State: a.State, Reason: a.Reason, By: a.By, To: a.Recipients})
			}
			touch(c, e) // also one of no stay: the inbox shows it
		case events.FacilityChanged:
			c.Facility(m, f)
		}
		if kind, ok := counted[e.Fact.Type()]; ok {
			c.Count(e.Org, e.Received, kind)
		}
	}
	return c
}

// room is how much a batch may tell of.
func room(batch []events.Event) (r store.Room) {
	for i := range batch {
		r.Entries++
		switch f := batch[i].Fact.(type) {
		case events.TaskCreated:
			r.Tasks++
			r.Entries-- // the task's own row says so
		case events.TaskFact:
			r.Tasks++
		case events.TransitionFact:
			r.Episodes++
			r.Tasks += len(f.Created())
		case events.ReferralFact:
			r.Referrals++
		case events.AlertFact:
			r.Alerts++
		}
	}
	return r
}

func foldTask(c *store.Changes, e *events.Event, m store.Mark, f events.TaskFact) {
	t, by := f.Snapshot(), actor(f)
	m.By = by
	c.Task(m, t)
	touch(c, e)
	if _, created := f.(events.TaskCreated); created {
		return // the task's own row says so
	}
	story(c, store.Discharge, e, store.Detail{
		Subject: t.ID, Code: t.Code, Title: t.Title, State: t.State, Reason: cmp.Or(why(f), t.Reason), Outcome: t.Outcome, Owner: t.Owner, By: by, Due: t.DueAt, Previous: previous(f),
	})
}

func touch(c *store.Changes, e *events.Event) {
	c.Touch(store.Touch{Org: e.Org, Encounter: e.Fact.Key(), Received: e.Received})
}

func story(c *store.Changes, source store.Source, e *events.Event, d store.Detail) {
	c.Entry(store.Entry{
		Org: e.Org, Encounter: e.Fact.Key(), Source: source, Version: e.Version, ID: e.ID, Type: e.Fact.Type(),
		Occurred: e.Occurred, Received: e.Received, Cause: e.Cause, Detail: d,
	})
}

// counted names the facts that operations see as figures per minute.
var counted = map[string]string{
	events.EncounterAdmitted{}.Type():   "admissions",
	events.EncounterDischarged{}.Type(): "discharges",
	events.TransitionOpened{}.Type():    "transitions",
	events.TaskCreated{}.Type():         "tasks",
	events.TaskCompleted{}.Type():       "done",
	events.AlertRaised{}.Type():         "alerts",
}

// actor is the person behind a task's fact.
func actor(f events.TaskFact) string {
	switch f := f.(type) {
	case events.TaskAssigned:
		return f.By
	case events.TaskAttempted:
		return f.By
	case events.TaskRescheduled:
		return f.By
	case events.TaskCompleted:
		return f.By
	case events.TaskReopened:
		return f.By
	case events.TaskCancelled:
		return f.By
	}
	return ""
}

// said is what a fact tells of a request, and who wrote it down.
func said(f events.RequestFact) (word events.RequestWord, by string) {
	if f, is := f.(events.RequestCorrected); is {
		return f.Undone, f.By
	}
	if all := f.Snapshot().Said; len(all) > 0 {
		word = all[len(all)-1]
	}
	return word, word.By
}

// why is which correction of the stay led to a fact, as a code; "" where none did.
func why(f events.Fact) string {
	switch f := f.(type) {
	case events.TaskRescheduled:
		return f.Why
	case events.TaskCancelled:
		return f.Why
	case events.ReferralUpdated:
		if len(f.Previous) > 0 {
			return "stay-corrected"
		}
	}
	return ""
}

// previous is what a fact changed, old values; ids, codes and times only.
func previous(f events.Fact) map[string]string {
	switch f := f.(type) {
	case events.TaskAssigned:
		return f.Previous
	case events.TaskRescheduled:
		return f.Previous
	case events.TaskReopened:
		return f.Previous
	case events.TaskCancelled:
		return f.Previous
	case events.ReferralUpdated:
		return f.Previous
	case events.TransitionFact:
		return previousOf(f)
	case events.EncounterFact:
		return previousStay(f)
	}
	return nil
}

// returned is what kind of return it was.
func returned(r events.Readmission) string {
	if r.Planned {
		return "planned"
	}
	return "unplanned"
}

func previousOf(f events.TransitionFact) map[string]string {
	switch f := f.(type) {
	case events.TransitionPlanned:
		return f.Previous
	case events.TransitionOpened:
		return f.Previous
	case events.TransitionReplanned:
		return f.Previous
	case events.TransitionUpdated:
		return f.Previous
	case events.TransitionCancelled:
		return f.Previous
	case events.TransitionExpired:
		return f.Previous
	case events.TransitionReadmitted:
		return f.Previous
	}
	return nil
}

func previousStay(f events.EncounterFact) map[string]string {
	switch f := f.(type) {
	case events.EncounterTransferred:
		return f.Previous
	case events.EncounterClassChanged:
		return f.Previous
	case events.EncounterDischargeExpected:
		return f.Previous
	case events.EncounterDischarged:
		return f.Previous
	case events.EncounterDischargeCancelled:
		return f.Previous
	case events.EncounterUpdated:
		return f.Previous
	case events.EncounterMoved:
		return f.Previous
	}
	return nil
}
