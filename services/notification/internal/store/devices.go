package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Device is a browser's push subscription: where it is told, and with which keys.
type Device struct {
	ID       events.ID `json:"id"`
	Endpoint string    `json:"endpoint"`
	P256dh   []byte    `json:"p256dh"`
	Auth     []byte    `json:"auth"`
}

// DevicesEach is how many devices of one person are told; an older one gives way.
const DevicesEach = 5

// PushKey returns the key by which an organization is known to push services: the one it has, else fresh.
func PushKey(ctx context.Context, tx pgx.Tx, org events.ID, fresh []byte) (key []byte, err error) {
	if _, err := tx.Exec(ctx, `INSERT INTO push_key (org_id, private) VALUES ($1, $2) ON CONFLICT DO NOTHING`, org, fresh); err != nil {
		return nil, err
	}
	err = tx.QueryRow(ctx, `SELECT private FROM push_key WHERE org_id = $1`, org).Scan(&key)
	return key, err
}

// PutDevice makes a device tell a person, until a time. A device tells one person: whoever had it before is
// told there no more.
func PutDevice(ctx context.Context, tx pgx.Tx, org events.ID, person string, roles []string, d Device, until time.Time) error {
	if _, err := tx.Exec(ctx, `INSERT INTO device (id, org_id, person, roles, endpoint, p256dh, auth, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (org_id, endpoint) DO UPDATE SET person = excluded.person, roles = excluded.roles, p256dh = excluded.p256dh, auth = excluded.auth,
			until = excluded.until, created_at = now()`, d.ID, org, person, roles, d.Endpoint, d.P256dh, d.Auth, until); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM device WHERE org_id = $1 AND person = $2 AND id NOT IN (
		SELECT id FROM device WHERE org_id = $1 AND person = $2 ORDER BY created_at DESC, id LIMIT $3)`, org, person, DevicesEach); err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// RenewDevice lets a person's device tell them until later, and tells whether it is theirs.
func RenewDevice(ctx context.Context, tx pgx.Tx, org events.ID, person string, roles []string, endpoint string, until time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE device SET until = $5, roles = $3 WHERE org_id = $1 AND person = $2 AND endpoint = $4`, org, person, roles, endpoint, until)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	return true, bump(ctx, tx, org)
}

// ForgetDevice ends what a person's device tells them.
func ForgetDevice(ctx context.Context, tx pgx.Tx, org events.ID, person, endpoint string) error {
	tag, err := tx.Exec(ctx, `DELETE FROM device WHERE org_id = $1 AND person = $2 AND endpoint = $3`, org, person, endpoint)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return bump(ctx, tx, org)
}

// LoseDevices ends devices of an organization that push services do not know any more.
func LoseDevices(ctx context.Context, tx pgx.Tx, org events.ID, ids []events.ID) error {
	tag, err := tx.Exec(ctx, `DELETE FROM device WHERE org_id = $1 AND id = ANY($2)`, org, ids)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return bump(ctx, tx, org)
}

// PersonsDevice is a device as its owner sees it.
type PersonsDevice struct {
	ID               events.ID
	CreatedAt, Until time.Time
}

// DevicesOf lists a person's devices.
func DevicesOf(ctx context.Context, tx pgx.Tx, org events.ID, person string) ([]PersonsDevice, error) {
	rows, err := tx.Query(ctx, `SELECT id, created_at, until FROM device WHERE org_id = $1 AND person = $2 AND until > now() ORDER BY created_at, id`, org, person)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PersonsDevice])
}

// PruneDevices ends devices whose time is over.
func PruneDevices(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `DELETE FROM device WHERE until < now() RETURNING org_id`)
	if err != nil {
		return err
	}
	orgs, err := pgx.CollectRows(rows, pgx.RowTo[events.ID])
	if err != nil {
		return err
	}
	for _, org := range orgs { // a handful, at the end of a shift
		if err := bump(ctx, tx, org); err != nil {
			return err
		}
	}
	return nil
}
