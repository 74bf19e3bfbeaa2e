package console

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// model is a read model alone, without pages.
type model struct {
	t   testing.TB
	db  *postgres.DB
	s   *store.Store
	org events.ID
}

func newModel(t testing.TB) *model {
	db := pgtest.DB(t, "console", postgres.MigrationSet{Name: "own", FS: store.Migrations()})
	return &model{t, db, store.New(db), events.NewID()}
}

func (m *model) project(source store.Source, batch ...events.Event) {
	m.t.Helper()
	err := m.db.SystemTx(context.Background(), func(tx pgx.Tx) error {
		return projection{func() {}}.handle(source)(context.Background(), tx, batch)
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// life is all that discharge says of one stay: opened, a task made, taken, tried, done, opened again.
func (m *model) life() (list []events.Event, last events.Task) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	tr := events.Transition{ID: events.NewID(), Encounter: events.NewID(), Patient: events.NewID(), Facility: "MERCY", State: "planning", Version: 1}
	due := now.Add(time.Hour)
	task := events.Task{ID: events.NewID(), Transition: tr.ID, Encounter: tr.Encounter, Patient: tr.Patient, Facility: "MERCY", Code: "tcm-contact", Title: call, State: "requested", Version: 1, OwnerRole: "liaison", DueAt: &due}
	add := func(f events.Fact) {
		list = append(list, events.Event{ID: events.NewID(), Org: m.org, Version: int64(len(list) + 1), Occurred: now.Add(time.Duration(len(list)) * time.Second), Received: now, Fact: f})
	}
	step := func(state, owner string) events.Work {
		task.State, task.Owner, task.Version = state, owner, task.Version+1
		return events.Work{Task: task, By: "dana"}
	}
	add(events.TransitionPlanned{Of: events.Of{Transition: tr}})
	tr.State, tr.Version = "active", 2
	add(events.TransitionOpened{Of: events.Of{Transition: tr}})
	add(events.TaskCreated{Work: events.Work{Task: task}})
	add(events.TaskAssigned{Work: step("accepted", "dana")})
	add(events.TaskAttempted{Work: step("in-progress", "dana")})
	add(events.TaskCompleted{Work: step("completed", "dana")})
	add(events.TaskReopened{Work: step("accepted", "dana")})
	return list, task
}

func TestAnyBatchingAndRepetitionGivesTheSameReadModel(t *testing.T) {
	m := newModel(t)
	ctx := context.Background()
	for round := range 40 {
		list, last := m.life()
		for rest := list; len(rest) > 0; {
			n := 1 + rand.IntN(len(rest))
			m.project(store.Discharge, rest[:n]...)
			if rand.IntN(3) == 0 { // what was handled comes again, as after a lost acknowledgement
				m.project(store.Discharge, list[:rand.IntN(len(list)-len(rest)+n)]...)
			}
			rest = rest[n:]
		}
		e, err := m.s.Episode(ctx, m.org, last.Encounter)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Tasks) != 1 || e.Tasks[0].Task.State != "accepted" || e.Tasks[0].Task.Version != last.Version || e.Tasks[0].DoneBy != "" {
			t.Fatalf("round %d: the task is %+v", round, e.Tasks)
		}
		if e.Transition.State != "active" {
			t.Fatalf("round %d: the transition is %s", round, e.Transition.State)
		}
		if len(e.Entries) != len(list)-1 { // all but the making of the task, which its row tells
			t.Fatalf("round %d: %d lines of %d facts", round, len(e.Entries), len(list))
		}
	}
}

func TestAnOlderFactNeverWins(t *testing.T) {
	m := newModel(t)
	list, last := m.life()
	m.project(store.Discharge, list[6])
	for _, e := range []int{5, 0, 3, 2, 4, 1} {
		m.project(store.Discharge, list[e])
	}
	e, err := m.s.Episode(context.Background(), m.org, last.Encounter)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Tasks[0].Task; got.Version != last.Version || got.State != "accepted" {
		t.Errorf("an older fact won: %+v", got)
	}
	if e.Transition.State != "active" {
		t.Errorf("an older transition won: %s", e.Transition.State)
	}
}

func TestOneOrganizationSeesNothingOfAnother(t *testing.T) {
	m := newModel(t)
	ctx := context.Background()
	list, last := m.life()
	m.project(store.Discharge, list[:5]...)
	m.project(store.Notification, events.Event{ID: events.NewID(), Org: m.org, Version: 1, Occurred: time.Now(), Received: time.Now(),
		Fact: events.AlertRaised{Notice: events.Notice{Alert: events.Alert{ID: events.NewID(), Encounter: last.Encounter, State: "raised"}}}})
	m.project(store.Admission, events.Event{ID: events.NewID(), Org: m.org, Version: 1, Occurred: time.Now(), Received: time.Now(),
		Fact: events.FacilityChanged{ID: events.NewID(), Code: "MERCY", Name: "Mercy", Zone: "America/New_York"}})
	for org, want := range map[events.ID]int{m.org: 1, events.NewID(): 0, {}: 0} {
		works, err := m.s.Worklist(ctx, org, store.Query{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		counts, err := m.s.Tally(ctx, org)
		if err != nil {
			t.Fatal(err)
		}
		places, err := m.s.Places(ctx, org)
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.s.Episode(ctx, org, last.Encounter)
		if err != nil {
			t.Fatal(err)
		}
		if len(works) != want || counts.All != want || len(places) != want || len(e.Tasks) != want || len(e.Alerts) != want || (len(e.Entries) > 0) != (want > 0) {
			t.Errorf("organization %q sees %d tasks, %+v, %d places, %d alerts; want %d of each", org, len(works), counts, len(places), len(e.Alerts), want)
		}
	}
}

func TestWorklistPagesGoThroughEverythingOnceInOrder(t *testing.T) {
	m := newModel(t)
	ctx := context.Background()
	now := time.Now().UTC().Truncate(time.Microsecond)
	var batch []events.Event
	want := 0
	for i := range 230 {
		tr := events.Transition{ID: events.NewID(), Encounter: events.NewID(), Facility: []string{"MERCY", "NORTH"}[i%2], State: "active"}
		task := events.Task{ID: events.NewID(), Transition: tr.ID, Encounter: tr.Encounter, Facility: tr.Facility, Title: call, State: "requested", Version: 1}
		if i%10 != 0 { // some have no due time, some the same one
			due := now.Add(time.Duration(rand.IntN(50)) * time.Hour)
			task.DueAt = &due
		}
		if tr.Facility == "NORTH" {
			want++
		}
		batch = append(batch, events.Event{ID: events.NewID(), Org: m.org, Version: 1, Occurred: now, Received: now, Fact: events.TransitionOpened{Of: events.Of{Transition: tr}}},
			events.Event{ID: events.NewID(), Org: m.org, Version: 2, Occurred: now, Received: now, Fact: events.TaskCreated{Work: events.Work{Task: task}}})
	}
	m.project(store.Discharge, batch...)
	for facility, total := range map[string]int{"": 230, "NORTH": want} {
		seen := map[events.ID]bool{}
		var at store.Position
		var before *board.Work
		for {
			works, err := m.s.Worklist(ctx, m.org, store.Query{View: board.View{Facility: facility}, Limit: 50, After: at})
			if err != nil {
				t.Fatal(err)
			}
			more := len(works) > 50
			for i := range works[:min(50, len(works))] {
				w := works[i]
				if seen[w.Task.ID] {
					t.Fatal("a task is on two pages")
				}
				seen[w.Task.ID] = true
				if before != nil && before.Task.DueAt == nil && w.Task.DueAt != nil {
					t.Fatal("a task with a due time comes after one without")
				}
				if before != nil && before.Task.DueAt != nil && w.Task.DueAt != nil && w.Task.DueAt.Before(*before.Task.DueAt) {
					t.Fatal("a task comes after a later one")
				}
				before = &works[i]
			}
			if !more {
				break
			}
			at = store.Position{Due: "infinity", ID: before.Task.ID}
			if before.Task.DueAt != nil {
				at.Due = before.Task.DueAt.UTC().Format(time.RFC3339Nano)
			}
		}
		if len(seen) != total {
			t.Errorf("facility %q: %d tasks on all pages, want %d", facility, len(seen), total)
		}
	}
}

func TestTheLawsBalanceAndNoticeWhatIsMissing(t *testing.T) {
	m := newModel(t)
	ctx := context.Background()
	list, _ := m.life()
	m.project(store.Discharge, list...)
	check := func(want int64) {
		t.Helper()
		found, err := laws(ctx, m.s, m.org)
		if err != nil {
			t.Fatal(err)
		}
		var off int64
		for _, l := range found {
			off += l.Difference
		}
		if off != want {
			t.Errorf("the laws are off by %d, want %d: %+v", off, want, found)
		}
		if err := m.db.Tx(ctx, m.org, func(tx pgx.Tx) error { return run.Agree(ctx, tx, found, numbers()) }); err != nil {
			t.Error(err)
		}
	}
	check(0)
	hanging, _ := m.life()
	made := hanging[2].Fact.(events.TaskCreated) // the task of a stay that nobody ended: there is no transition
	made.Task.Code = "close-the-visit"
	hanging[2].Fact = made
	m.project(store.Discharge, hanging[2])
	check(0)
	orphan, _ := m.life()
	m.project(store.Discharge, orphan[2]) // a task whose transition was never heard of
	check(1)
	behind := m.behind(1, run.Difference, "whose transition is not known", 10)
	if len(behind) != 1 || behind[0].Encounter != orphan[2].Fact.Key() {
		t.Errorf("behind the difference stand %+v", behind)
	}
}

// behind lists what is behind a number, page by page.
func (m *model) behind(law int, side, name string, size int) (all []run.Behind) {
	m.t.Helper()
	for _, n := range numbers() {
		if n.Law != law || n.Side != side || n.Name != name {
			continue
		}
		for after := (run.Place{}); ; {
			var page []run.Behind
			err := m.db.Tx(context.Background(), m.org, func(tx pgx.Tx) (err error) {
				page, err = n.List(context.Background(), tx, name, after, size)
				return err
			})
			if err != nil {
				m.t.Fatal(err)
			}
			if all = append(all, page...); len(page) < size {
				return all
			}
			after = run.Place{ID: page[size-1].ID, Part: page[size-1].Part}
		}
	}
	m.t.Fatalf("law %d has no such number", law)
	return nil
}

// Pages of what is behind a number hold each row once.
func TestWhatIsBehindANumberGoesPageByPage(t *testing.T) {
	m := newModel(t)
	var facts []events.Event
	for range 9 {
		list, _ := m.life()
		facts = append(facts, list...)
	}
	m.project(store.Discharge, facts...)
	all, paged := m.behind(0, run.Left, "known", 1000), m.behind(0, run.Left, "known", 4)
	if len(all) < 9 || !slices.EqualFunc(all, paged, func(a, b run.Behind) bool { return a.ID == b.ID && a.State == b.State }) {
		t.Errorf("%d rows in one page, %d in many", len(all), len(paged))
	}
}

// What is in a patient's name or identifiers must not be in this schema: it cannot be, for no fact
// carries it. This looks at what is there.
func TestTheSchemaHasNoPlaceForNames(t *testing.T) {
	m := newModel(t)
	rows, err := m.db.System.Query(context.Background(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'console' AND table_name NOT LIKE 'goose%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, c := range columns {
		for _, word := range []string{"name", "mrn", "birth", "address", "phone", "identifier", "note"} {
			if strings.Contains(c, word) {
				named = append(named, c)
			}
		}
	}
	// A facility's, a member of staff's and a filter's.
	if d := cmp.Diff([]string{"facility.name", "person.name", "saved_filter.name"}, named); d != "" {
		t.Error(d)
	}
}

func BenchmarkProject(b *testing.B) {
	m := newModel(b)
	ctx := context.Background()
	const stays = 60
	for b.Loop() {
		b.StopTimer()
		var batch []events.Event
		for range stays { // one opening with five tasks, as a discharge makes
			list, task := m.life()
			batch = append(batch, list[1])
			for i := range 5 {
				e := list[2]
				task.ID, task.State, task.Owner = events.NewID(), "requested", ""
				e.ID, e.Version, e.Fact = events.NewID(), int64(3+i), events.TaskCreated{Work: events.Work{Task: task}}
				batch = append(batch, e)
			}
		}
		b.StartTimer()
		err := m.db.SystemTx(ctx, func(tx pgx.Tx) error { return projection{func() {}}.handle(store.Discharge)(ctx, tx, batch) })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*stays*6), "us/event")
}
