package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Replan is the work of planning transitions again after a decision on protocols that
// reaches back, and how far it is.
type Replan struct {
	ID       events.ID
	Org      events.ID
	Act      int64 // version of the decision
	Facility string
	Place    Place
	Looked   int
	Changed  int
	Done     bool
	DoneAt   *time.Time
}

// PlaceAt is the place before all stays discharged at an instant or later.
func PlaceAt(at time.Time) Place { return Place{at: at} }

// AddReplan stores new work.
func AddReplan(ctx context.Context, tx pgx.Tx, r Replan) error {
	_, err := tx.Exec(ctx, `INSERT INTO protocol_replan (id, org_id, act, facility, at_time, at_id, looked, changed)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0)`, r.ID, r.Org, r.Act, r.Facility, r.Place.at, r.Place.after)
	if err != nil {
		return fmt.Errorf("plan transitions again: %w", err)
	}
	return nil
}

const replanColumns = `id, org_id, act, facility, at_time, at_id, looked, changed, done_at`

func scanReplan(row pgx.CollectableRow) (r Replan, err error) {
	err = row.Scan(&r.ID, &r.Org, &r.Act, &r.Facility, &r.Place.at, &r.Place.after, &r.Looked, &r.Changed, &r.DoneAt)
	r.Done = r.DoneAt != nil
	return r, err
}

// LockReplan loads and locks work; what is not there is done.
func LockReplan(ctx context.Context, tx pgx.Tx, id events.ID) (Replan, error) {
	rows, err := tx.Query(ctx, `SELECT `+replanColumns+` FROM protocol_replan WHERE id = $1 FOR UPDATE`, id)
	if err != nil {
		return Replan{}, fmt.Errorf("plan transitions again: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanReplan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Replan{Done: true}, nil
	}
	return r, err
}

// ReplanNext finds up to limit transitions after the work's place, as encounter ->
// patient, and the place after them. Those that were called off or ended by a death
// follow no protocol.
func ReplanNext(ctx context.Context, tx pgx.Tx, r Replan, limit int) (map[events.ID]events.ID, Place, error) {
	after := r.Place.after.String()
	if after == "" {
		after = "00000000-0000-0000-0000-000000000000"
	}
	w := where{}
	w.and("org_id = ?", r.Org)
	w.and("discharged_at >= ?", r.Place.at)
	w.and("(discharged_at, encounter_id) > ($2, ?::text::uuid)", after)
	if r.Facility != "" {
		w.and("facility = ?", r.Facility)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT encounter_id, patient_id, discharged_at FROM transition%s AND state IN ('active', 'completed')
		AND stay IS NOT NULL ORDER BY discharged_at, encounter_id LIMIT %d`, w.sql(), limit), w.args...)
	if err != nil {
		return nil, r.Place, fmt.Errorf("find transitions to plan again: %w", err)
	}
	out, next := map[events.ID]events.ID{}, r.Place
	var patient events.ID
	_, err = pgx.ForEachRow(rows, []any{&next.after, &patient, &next.at}, func() error {
		out[next.after] = patient
		return nil
	})
	return out, next, err
}

// SaveReplan stores how far the work is.
func SaveReplan(ctx context.Context, tx pgx.Tx, r Replan, now time.Time) error {
	if r.ID.IsZero() {
		return nil
	}
	var done *time.Time
	if r.Done {
		done = &now
	}
	_, err := tx.Exec(ctx, `UPDATE protocol_replan SET at_time = $2, at_id = $3, looked = $4, changed = $5, done_at = $6 WHERE id = $1`,
		r.ID, r.Place.at, r.Place.after, r.Looked, r.Changed, done)
	if err != nil {
		return fmt.Errorf("plan transitions again: %w", err)
	}
	return nil
}

// Replans lists an organization's work of this kind, newest first.
func Replans(ctx context.Context, tx pgx.Tx, org events.ID) ([]Replan, error) {
	rows, err := tx.Query(ctx, `SELECT `+replanColumns+` FROM protocol_replan WHERE org_id = $1 ORDER BY act DESC LIMIT 100`, org)
	if err != nil {
		return nil, fmt.Errorf("list transitions planned again: %w", err)
	}
	return pgx.CollectRows(rows, scanReplan)
}

// Organizations are those with a facility.
func Organizations(ctx context.Context, tx pgx.Tx) ([]events.ID, error) {
	return selected(ctx, tx, `SELECT DISTINCT org_id FROM facility`)
}

// NewestPreview is the newest preview of a candidate that covers a facility ("": all of
// them); false where there is none.
func NewestPreview(ctx context.Context, tx pgx.Tx, org events.ID, digest, facility string) (Preview, bool, error) {
	rows, err := tx.Query(ctx, `SELECT id, since, at FROM protocol_preview WHERE org_id = $1 AND digest = $2 AND facility IN ('', $3)
		ORDER BY at DESC LIMIT 1`, org, digest, facility)
	if err != nil {
		return Preview{}, false, fmt.Errorf("find a preview: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (p Preview, err error) {
		return p, row.Scan(&p.ID, &p.Since, &p.At)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}
