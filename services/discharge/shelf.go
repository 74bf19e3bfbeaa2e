package discharge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// A decision on protocols takes effect bookLead after it was taken or later, and no
// replica plans by what it read longer than bookAge ago: so by the time a discharge
// asks for it, every replica knows.
const (
	bookLook = 500 * time.Millisecond
	bookAge  = 2 * time.Second
	bookLead = 3 * time.Second
)

// shelf holds every organization's book of protocols, compiled. Whoever plans takes
// one look at it for a transaction's worth of decisions, so that all are made by the
// same books; a look costs no query and no lock.
type shelf struct {
	db      *postgres.DB
	shipped *protocol.Set
	none    *protocol.Book // of an organization that never decided anything
	log     *slog.Logger

	now   atomic.Pointer[books]
	mu    sync.Mutex
	sets  map[events.ID]*protocol.Set // every set that was ever compiled: they never change
	wrong map[events.ID]string        // why a set could not be

	rules    *rulebook.Rules               // the shipped ones, once somebody has asked for them
	ruleSets map[events.ID]*rulebook.Rules // every set of rules that was ever read
}

// books are the books of one moment.
type books struct {
	of     map[events.ID]*protocol.Book
	none   *protocol.Book
	ruled  map[events.ID]*ruled // of organizations that decided on rules
	readAt time.Time
}

// book is an organization's.
func (b *books) book(org events.ID) *protocol.Book {
	if found := b.of[org]; found != nil {
		return found
	}
	return b.none
}

func newShelf(db *postgres.DB, shipped *protocol.Set, log *slog.Logger) *shelf {
	s := &shelf{
		db: db, shipped: shipped, none: protocol.NewBook(shipped, nil), log: log,
		sets: map[events.ID]*protocol.Set{}, wrong: map[events.ID]string{},
		ruleSets: map[events.ID]*rulebook.Rules{},
	}
	s.now.Store(&books{none: s.none})
	return s
}

// look gives the books as they were read last.
func (s *shelf) look() *books { return s.now.Load() }

// run keeps the shelf up to date until ctx is done. What goes wrong is seen by fresh.
func (s *shelf) run(ctx context.Context) error {
	tick := time.NewTicker(bookLook)
	defer tick.Stop()
	for {
		if err := s.refresh(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the books of protocols were not read", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// fresh makes sure that what look gives is not too old to plan by.
func (s *shelf) fresh(ctx context.Context) error {
	if s.db == nil || time.Since(s.look().readAt) < bookAge {
		return nil // without a database, there is the shipped set and no other
	}
	return s.refresh(ctx)
}

// refresh reads the versions of all books, and those books that have a new one.
func (s *shelf) refresh(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, asked := s.look(), time.Now()
	next := &books{of: was.of, none: s.none, ruled: was.ruled, readAt: asked}
	err := s.db.SystemTx(ctx, func(tx pgx.Tx) error {
		if err := s.refreshRules(ctx, tx, next); err != nil {
			return err
		}
		versions, err := store.BookVersions(ctx, tx)
		if err != nil {
			return err
		}
		var changed []events.ID
		for org, version := range versions {
			if was.book(org).Version() != version {
				changed = append(changed, org)
			}
		}
		if len(changed) == 0 {
			return nil
		}
		acts, err := store.ProtocolActs(ctx, tx, changed...)
		if err != nil {
			return err
		}
		if err := s.compile(ctx, tx, acts, next); err != nil {
			return err
		}
		next.of = maps.Clone(was.of)
		if next.of == nil {
			next.of = map[events.ID]*protocol.Book{}
		}
		maps.Copy(next.of, s.bind(acts))
		return nil
	})
	if err != nil {
		return err
	}
	s.now.Store(next)
	return nil
}

// compile makes the sets that acts name and that are not on the shelf yet. One that
// this build cannot read is replaced by the shipped set: patients who leave meanwhile
// get that one's tasks rather than none.
func (s *shelf) compile(ctx context.Context, tx pgx.Tx, acts []store.ProtocolAct, now *books) error {
	var missing []events.ID
	of := map[events.ID]events.ID{}
	for _, a := range acts {
		if !a.Set.IsZero() && s.sets[a.Set] == nil && s.wrong[a.Set] == "" && !slices.Contains(missing, a.Set) {
			missing = append(missing, a.Set)
			of[a.Set] = a.Org
		}
	}
	if len(missing) == 0 {
		return nil
	}
	files, err := store.ProtocolFiles(ctx, tx, missing)
	if err != nil {
		return err
	}
	for _, id := range missing {
		table := s.shipped.Rules()
		if own, _ := now.ruled[of[id]].at(now.readAt); own != nil {
			table = own.Table // protocols may go by the organization's own rules
		}
		set, err := files[id].Restore(table)
		if files[id] == nil {
			err = errors.New("it is not in the database")
		}
		if err != nil {
			s.wrong[id] = err.Error()
			s.log.Error("a set of protocols in force cannot be read by this build; the shipped one stands in for it", "set", id, "error", err)
			continue
		}
		s.sets[id] = set
	}
	return nil
}

// bind makes the books of the organizations whose acts they are.
func (s *shelf) bind(acts []store.ProtocolAct) map[events.ID]*protocol.Book {
	by := map[events.ID][]protocol.Act{}
	sets := map[events.ID]map[events.ID]*protocol.Set{}
	for _, a := range acts {
		by[a.Org] = append(by[a.Org], a.Act)
		if sets[a.Org] == nil {
			sets[a.Org] = map[events.ID]*protocol.Set{}
		}
		if set := s.sets[a.Set]; set != nil {
			sets[a.Org][a.Set] = set
		}
	}
	out := make(map[events.ID]*protocol.Book, len(by))
	for org, acts := range by {
		out[org] = protocol.NewBook(s.shipped, sets[org], acts...)
	}
	return out
}

// broken says why a set cannot be used by this build; empty: it can.
func (s *shelf) broken(set events.ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong[set]
}
