package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Touched is one projected batch as a follower reads it.
type Touched struct {
	Seq   int64
	Items []Touch
}

// TouchedSince returns the committed batches with a number above floor that are not known, in order
// of their numbers. A batch whose transaction took longer shows up later with a lower number, so
// floor stays some seconds back.
func (s *Store) TouchedSince(ctx context.Context, floor int64, known []int64) (list []Touched, err error) {
	rows, err := s.db.System.Query(ctx, `SELECT seq, orgs, encounters, received FROM touch
		WHERE seq > $1 AND seq <> ALL($2::bigint[]) ORDER BY seq LIMIT 1000`, floor, known)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Touched, error) {
		var t Touched
		var orgs, encounters []events.ID
		var received []time.Time
		if err := row.Scan(&t.Seq, &orgs, &encounters, &received); err != nil {
			return t, err
		}
		for i := range orgs {
			t.Items = append(t.Items, Touch{orgs[i], encounters[i], received[i]})
		}
		return t, nil
	})
}

// LastTouch returns the highest number given so far, 0 for none.
func (s *Store) LastTouch(ctx context.Context) (seq int64, err error) {
	err = s.db.System.QueryRow(ctx, `SELECT coalesce(max(seq), 0) FROM touch`).Scan(&seq)
	return seq, err
}

// Sweep deletes touches and sessions that nobody needs any more.
func (s *Store) Sweep(ctx context.Context) error {
	return s.db.SystemTx(ctx, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`DELETE FROM touch WHERE at < now() - interval '2 minutes'`)
		b.Queue(`DELETE FROM session WHERE expires_at < now()`)
		b.Queue(`DELETE FROM deed WHERE at < now() - interval '2 days'`)
		b.Queue(`DELETE FROM press WHERE at < now() - interval '2 days'`)
		b.Queue(`DELETE FROM minute WHERE at < now() - interval '8 days'`)
		return tx.SendBatch(ctx, b).Close()
	})
}

// Minute is how many facts of a kind were received in the minute that starts at At.
type Minute struct {
	At   time.Time
	Kind string
	N    int64
}

// Minutes returns the figures of the last minutes, oldest first.
func (s *Store) Minutes(ctx context.Context, org events.ID, last time.Duration) (list []Minute, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT at, kind, n FROM minute WHERE at > now() - $1::interval ORDER BY at, kind`, last)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Minute])
		return err
	})
	return list, err
}

// TaskHasItsPlace is true of a task t whose transition is known, and of one that asks whether a stay has ended: a
// stay that nobody ended has no transition (docs/adr/0006).
const TaskHasItsPlace = `(t.snapshot::json ->> 'code' = 'close-the-visit' OR EXISTS (SELECT FROM episode e WHERE e.encounter_id = t.encounter_id))`

// Balance is how many rows there are, and how many of them are in a state that contract.md knows.
type Balance struct {
	Tasks, TasksInState, TasksWithEpisode              int64
	Episodes, EpisodesInState                          int64
	Referrals, ReferralsInState, Alerts, AlertsInState int64
}

// Balance counts the read model of an organization.
func (s *Store) Balance(ctx context.Context, org events.ID) (b Balance, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT
			(SELECT count(*) FROM task),
			(SELECT count(*) FROM task WHERE state IN ('requested','accepted','in-progress','on-hold','completed','failed','cancelled')),
			(SELECT count(*) FROM task t WHERE `+TaskHasItsPlace+`),
			(SELECT count(*) FROM episode),
			(SELECT count(*) FROM episode WHERE state IN ('planning','active','completed','cancelled','expired','readmitted','closed')),
			(SELECT count(*) FROM referral),
			(SELECT count(*) FROM referral WHERE state IN ('drafted','sent','acknowledged','offered','declined','accepted','booked','arrived','no-show','withdrawn','expired')),
			(SELECT count(*) FROM alert),
			(SELECT count(*) FROM alert WHERE state IN ('raised','acknowledged','resolved'))`).
			Scan(&b.Tasks, &b.TasksInState, &b.TasksWithEpisode, &b.Episodes, &b.EpisodesInState,
				&b.Referrals, &b.ReferralsInState, &b.Alerts, &b.AlertsInState)
	})
	return b, err
}
