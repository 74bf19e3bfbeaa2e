package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
)

// bump makes every cached directory of the organization old.
func bump(ctx context.Context, tx pgx.Tx, org events.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO directory (org_id, version) VALUES ($1, 1)
		ON CONFLICT (org_id) DO UPDATE SET version = directory.version + 1`, org)
	return err
}

// Directory reads what an organization's routing depends on.
func Directory(ctx context.Context, tx pgx.Tx, org events.ID) (d routing.Data, err error) {
	d.Rules, d.Steps, d.Zones = map[string][]string{}, map[notice.Severity][]routing.Step{}, map[string]string{}
	b := &pgx.Batch{}
	b.Queue(`SELECT version FROM directory WHERE org_id = $1`, org).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&d.Version}, func() error { return nil })
		return err
	})
	b.Queue(`SELECT id, name, roles, email, email_from, active FROM person WHERE org_id = $1 ORDER BY id`, org).Query(func(rows pgx.Rows) (err error) {
		d.People, err = pgx.CollectRows(rows, pgx.RowToStructByPos[routing.Person])
		return err
	})
	b.Queue(`SELECT id, facility, unit, members, shifts FROM roster WHERE org_id = $1 ORDER BY facility, unit`, org).Query(func(rows pgx.Rows) (err error) {
		d.Rosters, err = pgx.CollectRows(rows, pgx.RowToStructByPos[routing.Roster])
		return err
	})
	b.Queue(`SELECT id, kinds, facilities, active FROM endpoint WHERE org_id = $1 ORDER BY created_at, id`, org).Query(func(rows pgx.Rows) (err error) {
		d.Endpoints, err = pgx.CollectRows(rows, pgx.RowToStructByPos[routing.Endpoint])
		return err
	})
	b.Queue(`SELECT `+muteColumns+` FROM mute WHERE org_id = $1 AND lifted_at IS NULL AND until > now() ORDER BY made_at`, org).Query(func(rows pgx.Rows) (err error) {
		d.Mutes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[routing.Mute])
		return err
	})
	b.Queue(`SELECT person, array_agg(DISTINCT role) FROM device, unnest(roles) AS role WHERE org_id = $1 GROUP BY person ORDER BY person`, org).Query(func(rows pgx.Rows) (err error) {
		d.Phones, err = pgx.CollectRows(rows, pgx.RowToStructByPos[routing.Phone])
		return err
	})
	b.Queue(`SELECT code, zone FROM facility WHERE org_id = $1`, org).Query(func(rows pgx.Rows) error {
		var code, zone string
		_, err := pgx.ForEachRow(rows, []any{&code, &zone}, func() error { d.Zones[code] = zone; return nil })
		return err
	})
	b.Queue(`SELECT kind, targets FROM routing_rule WHERE org_id = $1`, org).Query(func(rows pgx.Rows) error {
		var kind string
		var targets []string
		_, err := pgx.ForEachRow(rows, []any{&kind, &targets}, func() error {
			d.Rules[kind] = targets
			targets = nil
			return nil
		})
		return err
	})
	b.Queue(`SELECT severity, waits_s, targets FROM escalation_policy WHERE org_id = $1`, org).Query(func(rows pgx.Rows) error {
		var s notice.Severity
		var waits []int32
		var targets []string
		_, err := pgx.ForEachRow(rows, []any{&s, &waits, &targets}, func() error {
			d.Steps[s] = []routing.Step{}
			for i := range min(len(waits), len(targets)) {
				d.Steps[s] = append(d.Steps[s], routing.Step{Wait: time.Duration(waits[i]) * time.Second, Target: targets[i]})
			}
			waits, targets = nil, nil
			return nil
		})
		return err
	})
	return d, tx.SendBatch(ctx, b).Close()
}

// PutPeople creates or replaces people.
func PutPeople(ctx context.Context, tx pgx.Tx, org events.ID, people []routing.Person) error {
	b := &pgx.Batch{}
	for _, p := range people {
		b.Queue(`INSERT INTO person (org_id, id, name, roles, email, email_from, active) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name, roles = excluded.roles, email = excluded.email,
				email_from = excluded.email_from, active = excluded.active`,
			org, p.ID, p.Name, p.Roles, p.Email, p.EmailFrom, p.Active)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// PutRosters creates or replaces the rosters of places; nil shifts stay as they are. One that names nobody at any
// time is taken away.
func PutRosters(ctx context.Context, tx pgx.Tx, org events.ID, rosters []routing.Roster) error {
	b := &pgx.Batch{}
	for _, r := range rosters {
		if len(r.Members) == 0 && len(r.Shifts) == 0 {
			b.Queue(`DELETE FROM roster WHERE org_id = $1 AND facility = $2 AND unit = $3`, org, r.Facility, r.Unit)
			continue
		}
		var shifts []byte
		if r.Shifts != nil {
			text, err := json.Marshal(r.Shifts)
			if err != nil {
				return err
			}
			shifts = text
		}
		b.Queue(`INSERT INTO roster (id, org_id, facility, unit, members, shifts) VALUES ($1, $2, $3, $4, $5, coalesce($6::text::jsonb, '[]'))
			ON CONFLICT (org_id, facility, unit) DO UPDATE SET members = excluded.members, shifts = coalesce($6::text::jsonb, roster.shifts)`,
			events.Derive("roster", org.String(), r.Facility, r.Unit), org, r.Facility, r.Unit, r.Members, text(shifts))
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// text is JSON as a text, nil where there is none.
func text(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(string(b))
}

// Facility is what is known of a facility: in which zone it is.
type Facility struct {
	Org     events.ID
	Code    string
	Zone    string
	Version int64 // of the fact that said so; 0: somebody who set up a roster did
}

// PutFacilities takes in where facilities are, whatever order it is heard in, and makes the directories old that
// something changed in.
func PutFacilities(ctx context.Context, tx pgx.Tx, list []Facility) error {
	orgs, codes, zones, versions := make([]events.ID, len(list)), make([]string, len(list)), make([]string, len(list)), make([]int64, len(list))
	for i, f := range list {
		orgs[i], codes[i], zones[i], versions[i] = f.Org, f.Code, f.Zone, f.Version
	}
	_, err := tx.Exec(ctx, `WITH put AS (
			INSERT INTO facility (org_id, code, zone, version)
			SELECT DISTINCT ON (org, code) org, code, zone, v FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS x (org, code, zone, v)
			ORDER BY org, code, v DESC
			ON CONFLICT (org_id, code) DO UPDATE SET zone = excluded.zone, version = excluded.version
			WHERE facility.version < excluded.version OR excluded.version = 0 AND facility.version = 0 AND facility.zone <> excluded.zone
			RETURNING org_id)
		INSERT INTO directory (org_id, version) SELECT DISTINCT org_id, 1 FROM put
		ON CONFLICT (org_id) DO UPDATE SET version = directory.version + 1`, orgs, codes, zones, versions)
	return err
}

// PutRule sets where alerts of a kind go; without targets the default applies again.
func PutRule(ctx context.Context, tx pgx.Tx, org events.ID, kind string, targets []string) (err error) {
	if len(targets) == 0 {
		_, err = tx.Exec(ctx, `DELETE FROM routing_rule WHERE org_id = $1 AND kind = $2`, org, kind)
	} else {
		_, err = tx.Exec(ctx, `INSERT INTO routing_rule (org_id, kind, targets) VALUES ($1, $2, $3)
			ON CONFLICT (org_id, kind) DO UPDATE SET targets = excluded.targets`, org, kind, targets)
	}
	if err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// PutPolicy sets the escalation steps of a severity.
func PutPolicy(ctx context.Context, tx pgx.Tx, org events.ID, s notice.Severity, steps []routing.Step) error {
	waits, targets := make([]int32, len(steps)), make([]string, len(steps))
	for i, st := range steps {
		waits[i], targets[i] = int32(st.Wait/time.Second), st.Target
	}
	if _, err := tx.Exec(ctx, `INSERT INTO escalation_policy (org_id, severity, waits_s, targets) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id, severity) DO UPDATE SET waits_s = excluded.waits_s, targets = excluded.targets`, org, s, waits, targets); err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// Endpoint is a webhook receiver as its owner sees it; the secrets are not read back.
type Endpoint struct {
	ID         events.ID
	URL        string
	Kinds      []string
	Facilities []string
	Active     bool
	Disabled   string
	CreatedAt  time.Time
}

// AddEndpoint creates a webhook receiver.
func AddEndpoint(ctx context.Context, tx pgx.Tx, org events.ID, e Endpoint, secret string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO endpoint (id, org_id, url, secrets, kinds, facilities, active) VALUES ($1, $2, $3, $4, $5, $6, true)`,
		e.ID, org, e.URL, []string{secret}, e.Kinds, e.Facilities); err != nil {
		return err
	}
	return bump(ctx, tx, org)
}

// Endpoints lists an organization's webhook receivers.
func Endpoints(ctx context.Context, tx pgx.Tx, org events.ID) ([]Endpoint, error) {
	rows, err := tx.Query(ctx, `SELECT id, url, kinds, facilities, active, disabled, created_at FROM endpoint WHERE org_id = $1 ORDER BY created_at, id`, org)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Endpoint])
}

// SetEndpoint switches a webhook receiver on or off.
func SetEndpoint(ctx context.Context, tx pgx.Tx, org, id events.ID, active bool, why string) error {
	tag, err := tx.Exec(ctx, `UPDATE endpoint SET active = $3, disabled = $4 WHERE org_id = $1 AND id = $2`, org, id, active, why)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Unknown, "there is no such webhook endpoint")
	}
	return bump(ctx, tx, org)
}

// RotateSecret puts a new secret first and keeps the one before it: both sign until the next rotation.
func RotateSecret(ctx context.Context, tx pgx.Tx, org, id events.ID, secret string) error {
	tag, err := tx.Exec(ctx, `UPDATE endpoint SET secrets = ARRAY[$3, secrets[1]] WHERE org_id = $1 AND id = $2`, org, id, secret)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Unknown, "there is no such webhook endpoint")
	}
	return err
}

// FirstUse tells whether an organization had no directory yet, and begins one.
func FirstUse(ctx context.Context, tx pgx.Tx, org events.ID) (bool, error) {
	tag, err := tx.Exec(ctx, `INSERT INTO directory (org_id, version) VALUES ($1, 1) ON CONFLICT (org_id) DO NOTHING`, org)
	return tag.RowsAffected() > 0, err
}
