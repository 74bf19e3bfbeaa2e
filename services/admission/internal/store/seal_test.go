package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

var org = events.Derive("org", "demo")

// unlocked is a store on a database of its own.
func unlocked(t testing.TB) *Store {
	t.Helper()
	keys, err := seal.Parse([]byte(seal.Line()))
	if err != nil {
		t.Fatal(err)
	}
	s := New(pgtest.DB(t, "admission", postgres.MigrationSet{Name: "own", FS: Migrations()}))
	if err := s.Unlock(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureDemo(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Release(context.Background()) })
	return s
}

// inbound makes n messages of about a kilobyte.
func inbound(t testing.TB, s *Store, n int) (batch []*adt.Inbound) {
	t.Helper()
	d := NewDirectory(s, func(context.Context, pgx.Tx, *adt.Facility) error { return nil })
	d.Development = true
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		text := fmt.Sprintf("MSH|^~\\&|SEND|GENERAL|RECV|RFAC|202603021000||ADT^A01|%d-%s|P|2.5.1\rPID|1||7||Canary^Nightingale\rNTE|1||%s\r", i, events.NewID(), strings.Repeat("x", 900))
		in, err := adt.Receive(t.Context(), d, d.Setup().Loopback(), []byte(text), "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, in)
	}
	return batch
}

// A process that has sealed with a key as often as it may takes another, in the middle of its work.
func TestASpentKeyIsReplaced(t *testing.T) {
	s := unlocked(t)
	keep := func(n int) {
		t.Helper()
		if err := s.Keep(t.Context(), inbound(t, s, n)); err != nil {
			t.Fatal(err)
		}
	}
	defer func(was int) { most = was }(most)
	most = 5
	keep(2) // each of these also has the process read its setup anew, and forget its keys
	keep(3)
	if n, err := s.DataKeys(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d keys (%v)", n, err)
	}
	keep(4)
	keep(1)
	if n, err := s.DataKeys(t.Context()); err != nil || n != 2 {
		t.Errorf("%d keys (%v)", n, err)
	}
	rows, err := s.DB.System.Query(t.Context(), `SELECT count(*) FROM message_raw GROUP BY key_id ORDER BY key_id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil || len(got) != 2 || got[0] != 5 || got[1] != 5 {
		t.Errorf("messages by key: %v (%v)", got, err)
	}
}

// Nothing is kept in the clear for want of a key.
func TestALockedStoreKeepsNothing(t *testing.T) {
	s := unlocked(t)
	batch := inbound(t, s, 2)
	s.vault.Store(nil)
	for _, list := range [][]*adt.Inbound{batch, batch[:1]} {
		if err := s.Keep(t.Context(), list); err == nil {
			t.Error("it was kept")
		}
	}
}

// Whoever seals, opens and forgets at once sees keys that work.
func TestKeysAreSharedSafely(t *testing.T) {
	s := unlocked(t)
	batch := inbound(t, s, 1)
	if err := s.Keep(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				err := s.DB.Tx(t.Context(), org, func(tx pgx.Tx) error {
					body, err := s.Content(t.Context(), tx, batch[0].ID)
					if err == nil && string(body) != string(batch[0].Raw) {
						err = fmt.Errorf("read as %q", body)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
				s.Forget()
				if _, _, err := s.sealer(t.Context(), s.vault.Load(), org, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkSealAll is what sealing adds to a batch, for each message.
func BenchmarkSealAll(b *testing.B) {
	s := unlocked(b)
	for _, n := range []int{1, 16, 100} {
		batch := inbound(b, s, n)
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.sealAll(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/message")
		})
	}
}

// BenchmarkKeep is a whole commit of a batch, on a server that does not flush.
func BenchmarkKeep(b *testing.B) {
	s := unlocked(b)
	for _, n := range []int{1, 16, 100} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			batches := make([][]*adt.Inbound, b.N)
			for i := range batches {
				batches[i] = inbound(b, s, n)
			}
			b.ResetTimer()
			for _, batch := range batches {
				if err := s.Keep(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "us/message")
		})
	}
}

// BenchmarkSealOlder is the background's work: a batch of messages that are in the clear.
func BenchmarkSealOlder(b *testing.B) {
	const size = 32
	s := unlocked(b)
	for range b.N {
		if err := s.Keep(b.Context(), inbound(b, s, size)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.DB.System.Exec(b.Context(), `UPDATE message_raw SET key_id = NULL`); err != nil { // as good as in the clear
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		if n, err := s.SealOlder(b.Context(), size); err != nil || n != size {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "us/message")
}
