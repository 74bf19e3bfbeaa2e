package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
)

// SealOlder seals some messages that an older version kept in the clear, and says how many. Large
// frames are in memory twice, so limit is small.
func (s *Store) SealOlder(ctx context.Context, limit int) (n int, err error) {
	v := s.vault.Load()
	if v == nil {
		return 0, errLocked
	}
	err = s.DB.SystemTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, org_id, body FROM message_raw WHERE key_id IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, limit)
		if err != nil {
			return err
		}
		type clear struct {
			ID, Org events.ID
			Body    []byte
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[clear])
		if err != nil || len(list) == 0 {
			return err
		}
		ids, bodies, keys := make([]events.ID, len(list)), make([][]byte, len(list)), make([]int32, len(list))
		var room [33]byte
		for i, m := range list {
			id, key, err := s.sealer(ctx, v, m.Org, 1)
			if err != nil {
				return err
			}
			ids[i], keys[i], bodies[i] = m.ID, id, key.Seal(nil, m.Body, bodyLabel(&room, m.ID, m.Org))
		}
		n = len(list)
		_, err = tx.Exec(ctx, `UPDATE message_raw r SET body = u.body, key_id = u.key FROM unnest($1::uuid[], $2::bytea[], $3::int[]) AS u(id, body, key)
			WHERE r.id = u.id`, ids, bodies, keys)
		return err
	})
	return n, err
}

// InTheClear is how many messages' bytes are not sealed, of all organizations.
func (s *Store) InTheClear(ctx context.Context) (n int64, err error) {
	err = s.DB.System.QueryRow(ctx, `SELECT count(*) FROM message_raw WHERE key_id IS NULL`).Scan(&n)
	return n, err
}

// Sealing is how an organization's messages are sealed.
type Sealing struct {
	Clear     int64 `json:"in_the_clear" doc:"messages that an older version kept and that are not sealed yet"`
	Keys      int64 `json:"keys" doc:"data keys in use: one for each day on which messages came"`
	Destroyed int64 `json:"keys_destroyed" doc:"data keys that were destroyed: what they sealed is gone"`
}

// Sealing reads it for the transaction's organization.
func (s *Store) Sealing(ctx context.Context, tx pgx.Tx) (out Sealing, err error) {
	err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM message_raw WHERE key_id IS NULL),
		(SELECT count(*) FROM data_key WHERE wrapped IS NOT NULL), (SELECT count(*) FROM data_key WHERE wrapped IS NULL)`).
		Scan(&out.Clear, &out.Keys, &out.Destroyed)
	return out, err
}

// Shred destroys the data keys of the transaction's organization: nobody reads any more what its
// messages said. It refuses while something would be missed: a feed that is on, a message that waits,
// bytes in the clear.
func (s *Store) Shred(ctx context.Context, tx pgx.Tx) (keys int64, err error) {
	var feeds, open, plain int64
	err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM feed WHERE enabled), (SELECT count(*) FROM message_open), (SELECT count(*) FROM message_raw WHERE key_id IS NULL)`).
		Scan(&feeds, &open, &plain)
	switch {
	case err != nil:
		return 0, err
	case feeds > 0:
		return 0, ErrFeedsOn
	case open > 0:
		return 0, fault.New(fault.Conflict, "%d messages are not handled yet: try again when they are", open)
	case plain > 0:
		return 0, fault.New(fault.Conflict, "%d messages of an older version are still being sealed: try again when they are", plain)
	}
	tag, err := tx.Exec(ctx, `UPDATE data_key SET wrapped = NULL, destroyed_at = now() WHERE wrapped IS NOT NULL`)
	return tag.RowsAffected(), err
}

// ErrFeedsOn is a fault: messages may still come.
var ErrFeedsOn = fault.New(fault.Conflict, "a feed of the organization is switched on: switch all off first (handoff feed set ID --disable)")

// Forget drops what this process knows of keys, after some were destroyed.
func (s *Store) Forget() { s.forget() }

// FeedsOn is how many feeds of the transaction's organization are switched on.
func (s *Store) FeedsOn(ctx context.Context, tx pgx.Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM feed WHERE enabled`).Scan(&n)
	return n, err
}

// Code is the short name of the transaction's organization; "" if it has none.
func (s *Store) Code(ctx context.Context, tx pgx.Tx) (code string, err error) {
	err = tx.QueryRow(ctx, `SELECT coalesce((SELECT code FROM organization), '')`).Scan(&code)
	return code, err
}
