package discharge

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// ruleMoved is why a task was moved to another version of its rule.
const ruleMoved = "rule-moved"

// moveAtOnce is how many encounters one transaction of a move takes; moveShown how
// many of its changes the answer lists.
const (
	moveAtOnce = 500
	moveShown  = 100
)

type moveIn struct {
	Body struct {
		Rule    string `json:"rule" doc:"the rule's id"`
		From    string `json:"from" doc:"the version open clocks run by"`
		To      string `json:"to" doc:"the version they are to run by"`
		Preview bool   `json:"preview,omitempty" doc:"say what would move, and move nothing"`
	}
}

type moveOut struct{ Body moved }

// moved is what a move changed, or would change.
type moved struct {
	Rule    string   `json:"rule"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	Preview bool     `json:"preview"`
	Clocks  int      `json:"clocks"`
	Tasks   int      `json:"tasks"`
	Sooner  int      `json:"sooner" doc:"of both, those that are due earlier by it"`
	Past    int      `json:"past" doc:"of both, those whose due time would have passed already"`
	Changes []change `json:"changes" doc:"the first of them"`
}

type change struct {
	Encounter events.ID `json:"encounter_id"`
	Task      events.ID `json:"task_id,omitzero" doc:"empty: a clock of the encounter"`
	Was       time.Time `json:"was_due_at"`
	Is        time.Time `json:"due_at"`
}

func (m *moved) add(encounter, task events.ID, was, is, now time.Time) {
	if is.Before(was) {
		m.Sooner++
	}
	if !is.After(now) {
		m.Past++
	}
	if len(m.Changes) < moveShown {
		m.Changes = append(m.Changes, change{encounter, task, was.UTC(), is.UTC()})
	}
}

func (a *api) moveRule(ctx context.Context, in *moveIn) (*moveOut, error) {
	b := in.Body
	to, ok := a.service.table(web.From(ctx).Org).Version(b.Rule, b.To)
	if _, known := a.service.table(web.From(ctx).Org).Version(b.Rule, b.From); !known || !ok {
		return nil, fault.New(fault.Unknown, "there is no such rule, or no such version of it")
	}
	if b.From == b.To {
		return nil, fault.New(fault.Invalid, "from and to are the same version")
	}
	out := &moveOut{moved{Rule: b.Rule, From: b.From, To: b.To, Preview: b.Preview, Changes: []change{}}}
	var after events.ID
	for {
		next := after
		err := a.service.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
			next, err = a.service.moveRule(ctx, tx, after, to, &out.Body, nil)
			return err
		})
		if err != nil {
			return nil, err
		}
		if next == after {
			return out, nil
		}
		after = next
	}
}

// moveRule moves the clocks and tasks of the next encounters after one, by rules that are
// tried or, without, by those in force, and returns the last it looked at. Each part is a transaction: a move that was cut short goes on
// where it is asked for again.
func (s *service) moveRule(ctx context.Context, tx pgx.Tx, after events.ID, to clock.Rule, m *moved, trial *transition.Rules) (events.ID, error) {
	w := s.begin(tx)
	w.trial = trial
	ref := m.Rule + "@" + m.From
	ids, err := store.RunBy(ctx, tx, ref, w.at, after, moveAtOnce)
	if err != nil || len(ids) == 0 {
		return after, err
	}
	found, err := store.Load(ctx, tx, store.Wanted{Encounters: ids})
	if err != nil {
		return after, err
	}
	w.add(found.Cares)
	by := events.Event{Org: web.From(ctx).Org, Occurred: w.at, Received: w.at}
	for _, id := range ids {
		c := w.cares[id]
		if c == nil {
			continue
		}
		c.cause = by
		if err := w.moveClock(c, to, m); err != nil {
			return after, err
		}
		if err := w.moveTasks(c, ref, to, m, by); err != nil {
			return after, err
		}
	}
	last := slices.MaxFunc(ids, func(a, b events.ID) int { return slices.Compare(a[:], b[:]) })
	if m.Preview {
		return last, nil
	}
	return last, w.save(ctx)
}

func (w *work) moveClock(c *care, to clock.Rule, m *moved) error {
	t := c.Transition
	rec, err := recordOf(t)
	if err != nil {
		return err
	}
	where, err := w.s.where(t.Zone, t.Calendar)
	if err != nil {
		return err
	}
	next, moved := w.table(t.Org).Move(rec, to.ID, m.From, m.To, where)
	for _, k := range moved {
		if !k.Was.Due.After(w.at) && k.Was.State == "" {
			next = next.Put(k.Was) // it has run out
			continue
		}
		m.Clocks++
		m.add(t.Encounter, events.ID{}, k.Was.Due, k.Is.Due, w.at)
		c.record = &next
	}
	return nil
}

func (w *work) moveTasks(c *care, ref string, to clock.Rule, m *moved, by events.Event) error {
	change := transition.Change{}
	for _, t := range c.Tasks {
		if !t.Open() || t.Rule != ref {
			continue
		}
		where, err := w.s.where(t.Zone, t.Calendar)
		if err != nil {
			return err
		}
		next := transition.MoveRule(t, to, where)
		next.Warned, next.Overdue = next.Warned && !next.WarnAt.After(w.at), next.Overdue && !next.DueAt.After(w.at)
		next.Version++
		m.Tasks++
		m.add(t.Encounter, t.ID, *t.DueAt, *next.DueAt, w.at)
		previous := map[string]string{"rule": t.Rule, "due_at": t.DueAt.UTC().Format(time.RFC3339Nano)}
		change.Tasks = append(change.Tasks, next)
		change.Facts = append(change.Facts, events.TaskRescheduled{Work: events.Work{Task: next.Task, Why: ruleMoved, Previous: previous}})
	}
	if len(change.Tasks) > 0 {
		w.apply(c, change, by)
	}
	return nil
}

// where is the place that a zone and a calendar's id name.
func (s *service) where(zone, calendarID string) (clock.Where, error) {
	z, err := calendar.Zone(zone)
	if err != nil {
		return clock.Where{}, err
	}
	cal, err := s.calendarOf(calendarID)
	return clock.Where{Zone: z, Calendar: cal}, err
}
