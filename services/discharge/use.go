package discharge

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// service is what the discharge service can do. Safe for concurrent use.
type service struct {
	outbox  *outbox.Outbox
	rules   *transition.Rules
	shelf   *shelf
	clock   func() time.Time
	toTask  prometheus.Histogram // from the receipt of a frame to the tasks it led to
	toHuman prometheus.Histogram // and to the first person who took one on

	federal   *calendar.Calendar
	ruled     sync.Map // *rulebook.Rules -> *transition.Rules
	calendars sync.Map // closures, as text -> *calendar.Calendar
}

func newService(out *outbox.Outbox, rules *transition.Rules) *service {
	return &service{
		outbox: out, rules: rules, shelf: newShelf(nil, rules.Protocols, slog.Default()), clock: time.Now, federal: calendar.USFederal(),
		toTask: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "handoff_received_to_task_seconds", Buckets: telemetry.Latency,
			Help: "Time from the receipt of a frame to the tasks of the discharge it told of; late arrivals are not counted.",
		}),
		toHuman: prometheus.NewHistogram(telemetry.ToHuman),
	}
}

// work is one transaction's worth of decisions: rows loaded, changed in memory, and
// saved together at the end.
type work struct {
	s          *service
	tx         pgx.Tx
	at         time.Time
	trial      *transition.Rules   // rules that are tried; nil: each organization's own
	books      *books              // of protocols, the same for all that is decided here
	cares      map[events.ID]*care // by encounter
	facilities map[events.ID]store.Facility
	people     *people // nil: nobody looks for returns
	out        store.Changes
	beside     store.Aside // see aside.go
	events     []events.Event
}

// care is one encounter in the making.
type care struct {
	store.Care
	stay    *events.Encounter // the newest snapshot heard of in this transaction
	stored  int               // so many of the tasks, the first, are rows already
	changed []bool            // which of the tasks; none: none
	moved   bool              // the transition changed
	running
}

func (s *service) begin(tx pgx.Tx) *work {
	return &work{
		s: s, tx: tx, at: s.clock().UTC().Truncate(time.Microsecond), books: s.shelf.look(),
		cares: make(map[events.ID]*care), facilities: make(map[events.ID]store.Facility),
	}
}

// add takes loaded rows into the work.
func (w *work) add(loaded map[events.ID]*store.Care) {
	for encounter, found := range loaded {
		if w.cares[encounter] != nil {
			continue
		}
		w.cares[encounter] = &care{Care: *found, stored: len(found.Tasks)}
	}
}

func (w *work) care(encounter events.ID) *care {
	c := w.cares[encounter]
	if c == nil {
		c = &care{}
		w.cares[encounter] = c
	}
	return c
}

// decide brings an encounter's transition in line with its stay, because of an event.
func (w *work) decide(c *care, stay events.Encounter, dead bool, cause events.Event) error {
	cal := w.place(&stay)
	if c.stay == nil {
		c.stay = new(events.Encounter)
	}
	*c.stay, c.cause = stay, cause
	change, err := w.rules(cause.Org).Decide(transition.Now{
		At: w.at, Org: cause.Org, Stay: stay, Dead: dead, Received: cause.Received,
		Calendar: cal, Current: c.Transition, Tasks: c.Tasks, Book: w.books.book(cause.Org),
		Around: w.people.around(stay, w.facilities[stay.FacilityID].Kind, c.Transition),
	})
	if err != nil {
		return err
	}
	if err := w.aside(c, dead, cal, change, cause); err != nil {
		return err
	}
	if change.Empty() {
		c.learn(c.stay)
		return nil
	}
	w.apply(c, change, cause)
	return nil
}

// apply takes a change into memory, to be saved, and its facts, to be announced.
func (w *work) apply(c *care, change transition.Change, cause events.Event) {
	c.cause = cause
	if change.Transition != nil {
		c.Transition, c.moved = change.Transition, true
	}
	c.put(change.Tasks)
	if _, opened := firstOf(change.Facts).(events.TransitionOpened); opened && !c.Transition.LateArrival {
		w.s.toTask.Observe(w.s.clock().Sub(cause.Received).Seconds())
	}
	if change.Created {
		w.tally(c.Transition.Org, store.Tally{Transitions: 1})
	}
	w.tell(change, cause)
}

// put takes new and changed tasks.
func (c *care) put(tasks []transition.Task) {
	if len(tasks) == 0 {
		return
	}
	if len(c.Tasks) == 0 {
		c.Tasks, c.changed = tasks, slices.Repeat([]bool{true}, len(tasks))
		return
	}
	for i := range tasks {
		at := c.find(tasks[i].ID)
		if at == len(c.Tasks) {
			c.Tasks = append(c.Tasks, tasks[i])
		}
		if missing := len(c.Tasks) - len(c.changed); missing > 0 {
			c.changed = append(c.changed, make([]bool, missing)...)
		}
		c.Tasks[at], c.changed[at] = tasks[i], true
	}
}

// find is where a task is among those of the stay; behind them where it is none of them.
func (c *care) find(task events.ID) int {
	for i := range c.Tasks {
		if c.Tasks[i].ID == task {
			return i
		}
	}
	return len(c.Tasks)
}

func firstOf(facts []events.Fact) events.Fact {
	if len(facts) == 0 {
		return nil
	}
	return facts[0]
}

// tell keeps facts to be announced, and the history of the transition.
func (w *work) tell(change transition.Change, cause events.Event) {
	for _, f := range change.Facts {
		w.events = append(w.events, cause.Caused(f, cause.Occurred))
	}
	for _, f := range change.Facts {
		switch f := f.(type) {
		case events.TaskRescheduled:
			w.corrected("rescheduled", f.Work, cause)
		case events.TaskCancelled:
			w.corrected("cancelled", f.Work, cause)
		}
	}
	if is, told := change.Transition, firstOf(change.Facts); is != nil && ofTransition(told) {
		w.out.History = append(w.out.History, store.History{
			Org: cause.Org, Encounter: is.Encounter, Version: is.Version, Type: told.Type(), State: is.State,
			Reason: is.Reason, Previous: change.Previous, Cause: cause.ID,
		})
	}
}

func ofTransition(f events.Fact) bool {
	_, is := f.(events.TransitionFact)
	return is
}

// corrected keeps what a correction of the stay did to a task, for its log.
func (w *work) corrected(action string, f events.Work, cause events.Event) {
	if f.Why != "" {
		w.out.Corrections = append(w.out.Corrections, store.Correction{
			Org: cause.Org, Task: f.Task.ID, Action: action, Why: f.Why, Previous: f.Previous, Cause: cause.ID,
		})
	}
}

func (w *work) tally(org events.ID, n store.Tally) {
	if w.out.Tally == nil {
		w.out.Tally = make(map[events.ID]store.Tally)
	}
	t := w.out.Tally[org]
	t.Transitions += n.Transitions
	t.Tasks += n.Tasks
	w.out.Tally[org] = t
}

// save writes everything that changed, sets the timers and announces: the last
// statement of the transaction locks the keys of what is told.
func (w *work) save(ctx context.Context) error {
	var set []timer.Timer
	var cancel []events.ID
	w.out.At = w.at
	w.out.Aside = w.beside
	for encounter, c := range w.cares {
		if err := w.runClocks(c); err != nil {
			return err
		}
		if c.moved {
			w.out.Transitions = append(w.out.Transitions, c.Transition)
		}
		w.gather(c)
		if len(c.changed) == 0 && !c.ran {
			continue
		}
		if at := first(transition.WakeAt(c.Tasks), c.wake); !at.IsZero() {
			set = append(set, timer.Timer{Name: timerTask, Key: encounter, Org: c.Transition.Org, Due: at})
		} else if c.stored > 0 || c.hadClocks {
			cancel = append(cancel, encounter)
		}
	}
	if err := store.Save(ctx, w.tx, w.out); err != nil {
		return err
	}
	if err := timer.Set(ctx, w.tx, set...); err != nil {
		return err
	}
	if err := timer.Cancel(ctx, w.tx, timerTask, cancel...); err != nil {
		return err
	}
	return w.s.outbox.Announce(ctx, w.tx, w.events...)
}

// gather keeps the tasks of a stay that are to be saved.
func (w *work) gather(c *care) {
	for i, changed := range c.changed {
		if !changed {
			continue
		}
		t := &c.Tasks[i]
		if i >= c.stored {
			w.out.Created = append(w.out.Created, t)
			w.tally(t.Org, store.Tally{Tasks: 1})
		}
		if i < c.stored || t.Version > 1 {
			w.out.Changed = append(w.out.Changed, t)
		}
	}
}

// place gives a stay the zone its facility says it is in now, and the facility's
// business calendar. Of a facility that has not told of itself the stay's own zone
// and the federal calendar are taken.
func (w *work) place(stay *events.Encounter) *calendar.Calendar {
	f, known := w.facilities[stay.FacilityID]
	if !known {
		return w.s.federal
	}
	if f.Zone != "" {
		stay.Zone = f.Zone
	}
	return w.s.calendar(f.Closures)
}

// calendar is the federal calendar with local closures; a day that cannot be read is
// passed over, since admission has checked them.
func (s *service) calendar(closures []string) *calendar.Calendar {
	if len(closures) == 0 {
		return s.federal
	}
	key := strings.Join(closures, " ")
	if c, ok := s.calendars.Load(key); ok {
		return c.(*calendar.Calendar)
	}
	var list []calendar.Closure
	for _, text := range closures {
		if d, err := calendar.ParseDate(text); err == nil {
			list = append(list, calendar.Closure{Date: d})
		}
	}
	c, _ := s.calendars.LoadOrStore(key, calendar.USFederal(list...))
	return c.(*calendar.Calendar)
}
