package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
)

// muteColumns in the order of routing.Mute.
const muteColumns = `id, person, alert_id, kind, reason, until, step`

// Mutes lists what a person has muted and not lifted, the first that ends first.
func Mutes(ctx context.Context, tx pgx.Tx, org events.ID, person string) ([]routing.Mute, error) {
	rows, err := tx.Query(ctx, `SELECT `+muteColumns+` FROM mute
		WHERE org_id = $1 AND person = $2 AND lifted_at IS NULL AND until > now() ORDER BY until, id LIMIT 500`, org, person)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[routing.Mute])
}

// AddMute adds a mute; one of the same person and thing is lifted by it.
func AddMute(ctx context.Context, tx pgx.Tx, org events.ID, m routing.Mute) error {
	b := &pgx.Batch{}
	b.Queue(`UPDATE mute SET lifted_at = now() WHERE org_id = $1 AND person = $2 AND lifted_at IS NULL AND kind = $3 AND alert_id IS NOT DISTINCT FROM $4`,
		org, m.Person, m.Kind, m.Alert)
	b.Queue(`INSERT INTO mute (org_id, id, person, alert_id, kind, reason, until, step) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		org, m.ID, m.Person, m.Alert, m.Kind, m.Reason, m.Until, m.Step)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// LiftMute ends a person's mute. ok is false where there is none.
func LiftMute(ctx context.Context, tx pgx.Tx, org events.ID, person string, id events.ID) (m routing.Mute, ok bool, err error) {
	rows, err := tx.Query(ctx, `UPDATE mute SET lifted_at = now()
		WHERE org_id = $1 AND person = $2 AND id = $3 AND lifted_at IS NULL RETURNING `+muteColumns, org, person, id)
	if err != nil {
		return m, false, err
	}
	m, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[routing.Mute])
	if errors.Is(err, pgx.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	return m, true, bump(ctx, tx, org)
}
