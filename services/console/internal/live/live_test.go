package live

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

func hub(t *testing.T) (*Hub, *postgres.DB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	db := pgtest.DB(t, "console", postgres.MigrationSet{Name: "own", FS: store.Migrations()})
	h := New(store.New(db), slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
		goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction(pgtest.Guard))
	})
	return h, db
}

// touch writes a batch that touches an encounter, up to just before its commit.
func touch(ctx context.Context, tx pgx.Tx, org, encounter events.ID) error {
	var c store.Changes
	c.Touch(store.Touch{Org: org, Encounter: encounter, Received: time.Now()})
	return store.Save(ctx, tx, &c)
}

// await takes until an encounter was told of.
func await(t *testing.T, s *Subscription, encounter events.ID) {
	t.Helper()
	late := time.After(15 * time.Second)
	for {
		if _, ok := s.Take()[encounter]; ok {
			return
		}
		select {
		case <-s.C:
		case <-late:
			t.Fatalf("nobody told of %s", encounter)
		}
	}
}

func TestEverySubscriberOfTheOrganizationIsToldAndNobodyElse(t *testing.T) {
	h, db := hub(t)
	org, other := events.NewID(), events.NewID()
	a, b, foreign := h.Subscribe(org), h.Subscribe(org), h.Subscribe(other)
	<-a.C // it follows from here on
	<-b.C
	<-foreign.C
	mine, theirs := events.NewID(), events.NewID()
	for o, e := range map[events.ID]events.ID{org: mine, other: theirs} {
		if err := db.SystemTx(t.Context(), func(tx pgx.Tx) error { return touch(t.Context(), tx, o, e) }); err != nil {
			t.Fatal(err)
		}
	}
	h.Ring()
	await(t, a, mine)
	await(t, b, mine)
	late := time.After(15 * time.Second)
	for told := false; !told; {
		select {
		case <-foreign.C:
		case <-late:
			t.Fatal("the other organization was not told")
		}
		for e := range foreign.Take() {
			if e != theirs {
				t.Errorf("another organization heard of %s", e)
			}
			told = true
		}
	}
}

// A batch that took its number first may commit last.
func TestABatchThatCommitsLateIsNotPassedOver(t *testing.T) {
	h, db := hub(t)
	org := events.NewID()
	s := h.Subscribe(org)
	<-s.C
	early, late := events.NewID(), events.NewID()
	ctx := t.Context()
	tx, err := db.System.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := touch(ctx, tx, org, late); err != nil { // the lower number, not yet committed
		t.Fatal(err)
	}
	if err := db.SystemTx(ctx, func(tx pgx.Tx) error { return touch(ctx, tx, org, early) }); err != nil {
		t.Fatal(err)
	}
	await(t, s, early)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, s, late)
}

func TestWhoIsToldOnceIsNotToldAgain(t *testing.T) {
	f := &follower{told: map[int64]time.Time{}}
	now := time.Now()
	one := store.Touch{Encounter: events.NewID()}
	if got := f.news([]store.Touched{{Seq: 5, Items: []store.Touch{one}}}, now); len(got) != 1 {
		t.Fatalf("told %d things, want 1", len(got))
	}
	if f.floor != 0 || len(f.known()) != 1 {
		t.Errorf("a young number is settled: floor %d, known %v", f.floor, f.known())
	}
	f.news([]store.Touched{{Seq: 6}}, now.Add(Margin))
	if f.floor != 5 || len(f.known()) != 1 || f.known()[0] != 6 {
		t.Errorf("after the margin: floor %d, known %v; want 5 and [6]", f.floor, f.known())
	}
}
