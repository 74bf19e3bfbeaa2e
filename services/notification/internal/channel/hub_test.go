package channel

import (
	"context"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// write commits n stream events in one transaction.
func write(t *testing.T, db *postgres.DB, n int) {
	t.Helper()
	w := &store.Work{}
	for range n {
		w.Lines = append(w.Lines, store.Line{Org: events.Derive("org"), Received: now(), Name: "alert", Audience: []string{"role:liaison"}, Data: []byte("{}")})
	}
	if err := db.SystemTx(t.Context(), func(tx pgx.Tx) error { return store.Save(t.Context(), tx, w, now()) }); err != nil {
		t.Fatal(err)
	}
}

// read collects frames until there are n.
func read(t *testing.T, r *Reader, n int) (seqs []int64) {
	t.Helper()
	for len(seqs) < n {
		frames, wake, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if len(seqs) > 0 && f.Seq <= seqs[len(seqs)-1] {
				t.Fatalf("%d after %d", f.Seq, seqs[len(seqs)-1])
			}
			seqs = append(seqs, f.Seq)
		}
		if wake != nil {
			select {
			case <-wake:
			case <-t.Context().Done():
				t.Fatal("nothing came")
			}
		}
	}
	return seqs
}

func TestReadersGoOnFromTheirPlaceWhateverTheHubKeeps(t *testing.T) {
	db := pgtest.DB(t, "notification", postgres.MigrationSet{Name: "own", FS: store.Migrations, Dir: "migrations"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := NewHub(db.System, slog.New(slog.DiscardHandler))
	go func() { _ = h.Run(ctx) }()
	join := func(last int64) *Reader {
		r, err := h.Join(ctx, last)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	write(t, db, 10)
	live := join(-1)
	write(t, db, 3)
	if got := read(t, live, 3); got[0] != 11 {
		t.Errorf("from now on: %v", got)
	}
	old := join(4)
	if got := read(t, old, 9); got[0] != 5 || got[8] != 13 {
		t.Errorf("resumed: %v", got)
	}
	slow := join(-1)
	for range 3 {
		write(t, db, ringSize) // more than is kept in memory
		read(t, live, ringSize)
	}
	if got := read(t, slow, 3*ringSize); got[0] != 14 || got[len(got)-1] != int64(13+3*ringSize) {
		t.Errorf("a slow reader got %d to %d", got[0], got[len(got)-1])
	}
	if n := h.Open(); n != 3 {
		t.Errorf("%d open", n)
	}
}
