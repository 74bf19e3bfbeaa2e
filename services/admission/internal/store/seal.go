package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// keyLife is how long a data key seals. With seal.Most it bounds what is sealed with one key: in a day
// that is 2^32 messages, the bound of random nonces, at 50,000 a second of one organization.
const keyLife = 24 * time.Hour

// vault holds the data keys that this process has unwrapped, and which one seals for an organization now.
type vault struct {
	wrapper seal.Wrapper
	mu      sync.Mutex
	opened  map[int32]*seal.Key
	now     map[events.ID]*sealer
	used    map[int32]int // how many messages this process has sealed with a key; never forgotten
	forgot  int           // how often now was dropped: what was read before that is not kept
	slab    []byte        // where Keep seals
}

// mostOpened bounds a process's memory of data keys: one per organization and day is a kilobyte.
const mostOpened = 2000

// slabLimit is the largest room for sealing that is kept for the next batch.
const slabLimit = 4 << 20

// sealer is a data key while it seals.
type sealer struct {
	id    int32
	key   *seal.Key
	until time.Time
}

// errLocked cannot be: a service unlocks its store before anything is kept or read.
var errLocked = errors.New("the store has no keys yet")

// Unlock gives the store what data keys are wrapped under. It refuses a wrapper that lacks a key that
// was used before, and wraps what is under other keys than the active one anew.
func (s *Store) Unlock(ctx context.Context, w seal.Wrapper) error {
	rows, err := s.DB.System.Query(ctx, `SELECT under, count(*) FROM data_key WHERE wrapped IS NOT NULL GROUP BY under ORDER BY under`)
	if err != nil {
		return err
	}
	var under string
	var n int
	var missing error
	_, err = pgx.ForEachRow(rows, []any{&under, &n}, func() error {
		if !w.Has(under) && missing == nil {
			missing = fmt.Errorf("messages of this database are sealed with key %s, and that is not in the key file (it has %s): start with the file that has it", under, w.Active())
		}
		return nil
	})
	if err = errors.Join(err, missing); err != nil {
		return err
	}
	for again := true; again; {
		if again, err = s.rewrap(ctx, w); err != nil {
			return err
		}
	}
	s.vault.Store(&vault{wrapper: w, opened: map[int32]*seal.Key{}, now: map[events.ID]*sealer{}, used: map[int32]int{}})
	return nil
}

// DataKeys is how many data keys there are that were not destroyed.
func (s *Store) DataKeys(ctx context.Context) (n int64, err error) {
	err = s.DB.System.QueryRow(ctx, `SELECT count(*) FROM data_key WHERE wrapped IS NOT NULL`).Scan(&n)
	return n, err
}

// rewrap wraps some data keys anew; more says that there may be others.
func (s *Store) rewrap(ctx context.Context, w seal.Wrapper) (more bool, err error) {
	const batch = 500
	err = s.DB.SystemTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, org_id, under, wrapped FROM data_key WHERE wrapped IS NOT NULL AND under <> $1 ORDER BY id LIMIT $2 FOR UPDATE`, w.Active(), batch)
		if err != nil {
			return err
		}
		var ids []int32
		var under []string
		var wrapped [][]byte
		var id int32
		var org events.ID
		var old seal.Wrapped
		_, err = pgx.ForEachRow(rows, []any{&id, &org, &old.Under, &old.Bytes}, func() error {
			secret, err := w.Unwrap(ctx, old, keyLabel(org))
			if err != nil {
				return fmt.Errorf("data key %d: %w", id, err)
			}
			fresh, err := w.Wrap(ctx, secret, keyLabel(org))
			ids, under, wrapped = append(ids, id), append(under, fresh.Under), append(wrapped, fresh.Bytes)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		more = len(ids) == batch
		_, err = tx.Exec(ctx, `UPDATE data_key k SET under = u.under, wrapped = u.wrapped FROM unnest($1::int[], $2::text[], $3::bytea[]) AS u(id, under, wrapped) WHERE k.id = u.id`, ids, under, wrapped)
		return err
	})
	return more, err
}

// keyLabel is the place of a data key: no organization's is another's.
func keyLabel(org events.ID) []byte { return append([]byte("data key "), org[:]...) }

// bodyLabel is the place of a message's bytes: no message's are another's.
func bodyLabel(room *[33]byte, id, org events.ID) []byte {
	room[0] = 'm'
	copy(room[1:], id[:])
	copy(room[17:], org[:])
	return room[:]
}

// forget drops what is known of keys: one may have been destroyed.
func (s *Store) forget() {
	if v := s.vault.Load(); v != nil {
		v.mu.Lock()
		clear(v.opened)
		clear(v.now)
		v.forgot++
		v.mu.Unlock()
	}
}

// sealer is what seals n more messages of an organization, in the steady state without asking anybody.
func (s *Store) sealer(ctx context.Context, v *vault, org events.ID, n int) (int32, *seal.Key, error) {
	v.mu.Lock()
	c, forgot := v.now[org], v.forgot
	v.mu.Unlock()
	if c != nil && time.Now().Before(c.until) && v.take(c.id, n) {
		return c.id, c.key, nil
	}
	c, err := s.nextSealer(ctx, v, org, n)
	if err != nil {
		return 0, nil, err
	}
	v.mu.Lock()
	if v.forgot == forgot {
		v.now[org] = c
	}
	v.mu.Unlock()
	return c.id, c.key, nil
}

// take counts n more messages to be sealed with a key; false if this process may not.
func (v *vault) take(id int32, n int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.used[id]+n > most {
		return false
	}
	v.used[id] += n
	return true
}

// most is how many messages a process seals with one key.
var most = seal.Most

// nextSealer finds the organization's newest data key, unless this process has used that up, and makes
// one where there is none that is young enough.
func (s *Store) nextSealer(ctx context.Context, v *vault, org events.ID, n int) (*sealer, error) {
	out, fresh := &sealer{}, false
	err := s.DB.SystemTx(ctx, func(tx pgx.Tx) error {
		var w seal.Wrapped
		var left float64
		err := tx.QueryRow(ctx, `SELECT id, under, wrapped, extract(epoch FROM made_at + $2::interval - now()) FROM data_key
			WHERE org_id = $1 AND wrapped IS NOT NULL ORDER BY id DESC LIMIT 1`, org, keyLife).Scan(&out.id, &w.Under, &w.Bytes, &left)
		if err == nil && left > 0 && v.wrapper.Has(w.Under) && v.take(out.id, n) {
			out.until = time.Now().Add(time.Duration(left * float64(time.Second)))
			secret, err := v.wrapper.Unwrap(ctx, w, keyLabel(org))
			if err != nil {
				return fmt.Errorf("data key %d: %w", out.id, err)
			}
			out.key, err = seal.New(secret)
			return err
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		fresh = true
		secret := seal.Fresh()
		if w, err = v.wrapper.Wrap(ctx, secret, keyLabel(org)); err != nil {
			return err
		}
		if out.key, err = seal.New(secret); err != nil {
			return err
		}
		out.until = time.Now().Add(keyLife)
		return tx.QueryRow(ctx, `INSERT INTO data_key (org_id, under, wrapped) VALUES ($1, $2, $3) RETURNING id`, org, w.Under, w.Bytes).Scan(&out.id)
	})
	if err == nil && fresh {
		v.take(out.id, n)
	}
	return out, err
}

// sealAll seals the messages' bytes and says with which keys. What it returns is good until the next call.
func (s *Store) sealAll(ctx context.Context, batch []*adt.Inbound) (bodies [][]byte, keys []int32, err error) {
	v := s.vault.Load()
	if v == nil {
		return nil, nil, errLocked
	}
	size, of := 0, make(map[events.ID]int, 1)
	for _, in := range batch {
		size += len(in.Raw) + seal.Overhead
		of[in.Feed.Org]++
	}
	slab := v.room(size)
	by := make(map[events.ID]*sealer, len(of))
	for org, n := range of {
		id, key, err := s.sealer(ctx, v, org, n)
		if err != nil {
			return nil, nil, fmt.Errorf("data key: %w", err)
		}
		by[org] = &sealer{id: id, key: key}
	}
	var room [33]byte
	bodies, keys = make([][]byte, len(batch)), make([]int32, len(batch))
	for i, in := range batch {
		c, from := by[in.Feed.Org], len(slab)
		slab = c.key.Seal(slab, in.Raw, bodyLabel(&room, in.ID, in.Feed.Org))
		bodies[i], keys[i] = slab[from:len(slab):len(slab)], c.id
	}
	return bodies, keys, nil
}

// room is empty room for size bytes, the same each time where that is enough.
func (v *vault) room(size int) []byte {
	slab := v.slab[:0]
	if cap(slab) < size {
		slab = make([]byte, 0, size)
	}
	if v.slab = slab; cap(slab) > slabLimit {
		v.slab = nil
	}
	return slab
}

// sealed is a message's bytes as they are read: sealed, with the key that did it; without one, in the clear.
type sealed struct {
	body    []byte
	key     *int32
	under   *string
	wrapped []byte
}

// sealedColumns are the columns of a sealed, and sealedTables where they are: message_raw is r.
const (
	sealedColumns = `r.body, r.key_id, k.under, k.wrapped`
	sealedTables  = `message_raw r LEFT JOIN data_key k ON k.id = r.key_id`
)

func (r *sealed) into() []any { return []any{&r.body, &r.key, &r.under, &r.wrapped} }

// ErrGone is a fault: the bytes' key was destroyed.
var ErrGone = fault.New(fault.Gone, "the bytes of this message were destroyed")

// open is what a message said. ErrGone and seal.ErrDamaged are for ever; other errors may pass.
func (s *Store) open(ctx context.Context, id, org events.ID, r *sealed) ([]byte, error) {
	if r.key == nil {
		return r.body, nil
	}
	v := s.vault.Load()
	switch {
	case v == nil:
		return nil, errLocked
	case r.wrapped == nil || r.under == nil:
		return nil, ErrGone
	}
	key, err := v.unwrap(ctx, *r.key, org, seal.Wrapped{Under: *r.under, Bytes: r.wrapped})
	if err != nil {
		return nil, err
	}
	var room [33]byte
	return key.Open(nil, r.body, bodyLabel(&room, id, org))
}

func (v *vault) unwrap(ctx context.Context, id int32, org events.ID, w seal.Wrapped) (*seal.Key, error) {
	v.mu.Lock()
	key := v.opened[id]
	v.mu.Unlock()
	if key != nil {
		return key, nil
	}
	if !v.wrapper.Has(w.Under) {
		return nil, fmt.Errorf("data key %d is wrapped under key %s, which this process was not started with", id, w.Under)
	}
	secret, err := v.wrapper.Unwrap(ctx, w, keyLabel(org))
	if err != nil {
		return nil, fmt.Errorf("data key %d: %w", id, err)
	}
	if key, err = seal.New(secret); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.opened) >= mostOpened {
		clear(v.opened)
	}
	v.opened[id] = key
	return key, nil
}
