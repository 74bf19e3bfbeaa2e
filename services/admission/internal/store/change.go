package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// OrganizationRow is an organization.
type OrganizationRow struct {
	ID   events.ID `json:"id"`
	Code string    `json:"code"`
	Name string    `json:"name"`
}

// Organizations lists the organization of the transaction, if it has been named.
func (s *Store) Organizations(ctx context.Context, tx pgx.Tx) ([]OrganizationRow, error) {
	rows, err := tx.Query(ctx, `SELECT id, code, name FROM organization ORDER BY code`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OrganizationRow])
}

// NameOrganization gives the transaction's organization its code and name.
func (s *Store) NameOrganization(ctx context.Context, tx pgx.Tx, o OrganizationRow) error {
	_, err := tx.Exec(ctx, `INSERT INTO organization (id, org_id, code, name) VALUES ($1, $1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name`, o.ID, o.Code, o.Name)
	return taken(err, "this code belongs to another organization")
}

// taken turns a broken uniqueness into a conflict.
func taken(err error, text string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return fault.Wrap(fault.Conflict, err, "%s", text)
	}
	return err
}

// FacilityChange is what is stated of a facility; nil members stay as they are.
type FacilityChange struct {
	Code           string
	Name, Zone     *string
	Kind           *string
	Aliases        []string
	Closures       []string
	SensitiveUnits []string
	Units          []UnitRow
}

// UnitRow is a unit of a facility.
type UnitRow struct {
	Code      string `json:"code"`
	Name      string `json:"name,omitempty"`
	Sensitive bool   `json:"sensitive,omitempty"`
}

// PutFacility creates a facility or changes it. Stating anything of a facility verifies it.
func (s *Store) PutFacility(ctx context.Context, tx pgx.Tx, org events.ID, c FacilityChange) (*adt.Facility, error) {
	f := &adt.Facility{Org: org, Code: c.Code, Verified: true}
	err := tx.QueryRow(ctx, `INSERT INTO facility AS f (id, org_id, code, name, zone, verified, aliases, closures, kind)
		VALUES ($1, $2, $3, coalesce($4, $3), coalesce($5, $8), true, coalesce($6, '{}'::text[]), coalesce($7, '{}'::text[]), coalesce($9, ''))
		ON CONFLICT (org_id, code) DO UPDATE SET name = coalesce($4, f.name), zone = coalesce($5, f.zone), verified = true,
			aliases = coalesce($6, f.aliases), closures = coalesce($7, f.closures), kind = coalesce($9, f.kind), version = f.version + 1
		RETURNING id, name, zone, aliases, closures, kind`,
		events.Derive("facility", org.String(), c.Code), org, c.Code, c.Name, c.Zone, c.Aliases, c.Closures, DevelopmentZone, c.Kind).
		Scan(&f.ID, &f.Name, &f.Zone, &f.Aliases, &f.Closures, &f.Kind)
	if err != nil {
		return nil, err
	}
	if c.SensitiveUnits != nil {
		if _, err := tx.Exec(ctx, `UPDATE unit SET sensitive = code = ANY($2) WHERE facility_id = $1`, f.ID, c.SensitiveUnits); err != nil {
			return nil, err
		}
		for _, code := range c.SensitiveUnits {
			c.Units = append(c.Units, UnitRow{Code: code, Sensitive: true})
		}
	}
	b := &pgx.Batch{}
	for _, u := range c.Units {
		b.Queue(`INSERT INTO unit AS u (facility_id, code, org_id, name, sensitive) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (facility_id, code) DO UPDATE SET name = coalesce(nullif(excluded.name, ''), u.name), sensitive = excluded.sensitive`, f.ID, u.Code, org, u.Name, u.Sensitive)
	}
	return f, tx.SendBatch(ctx, b).Close()
}

// Units lists the units of the transaction's organization by facility.
func (s *Store) Units(ctx context.Context, tx pgx.Tx) (map[events.ID][]UnitRow, error) {
	rows, err := tx.Query(ctx, `SELECT facility_id, code, name, sensitive FROM unit ORDER BY code`)
	if err != nil {
		return nil, err
	}
	out := map[events.ID][]UnitRow{}
	var facility events.ID
	var u UnitRow
	_, err = pgx.ForEachRow(rows, []any{&facility, &u.Code, &u.Name, &u.Sensitive}, func() error {
		out[facility] = append(out[facility], u)
		return nil
	})
	return out, err
}

// FeedRow is a feed as it is set up.
type FeedRow struct {
	ID           events.ID
	Name         string
	Development  bool
	Loopback     bool
	Enabled      bool
	Dialect      adt.Dialect
	Certificates []string
	Facilities   []string // codes
	Version      int
	LastReceived *time.Time
	Beats        int64
	Gaps         []*float32 // usual seconds between two beats, by hour (UTC)
}

// Feeds lists the feeds of the transaction's organization, or one.
func (s *Store) Feeds(ctx context.Context, tx pgx.Tx, id events.ID) ([]FeedRow, error) {
	rows, err := tx.Query(ctx, `SELECT f.id, f.name, f.development, f.loopback, f.enabled, f.dialect, f.certificates, f.version, p.at, coalesce(p.beats, 0), p.gaps,
		array(SELECT c.code FROM facility c WHERE f.development OR c.id IN (SELECT facility_id FROM feed_facility ff WHERE ff.feed_id = f.id) ORDER BY c.code)
		FROM feed f LEFT JOIN feed_pulse p ON p.feed_id = f.id WHERE $1::uuid IS NULL OR f.id = $1 ORDER BY f.name`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f FeedRow, err error) {
		var dialect []byte
		if err = row.Scan(&f.ID, &f.Name, &f.Development, &f.Loopback, &f.Enabled, &dialect, &f.Certificates, &f.Version, &f.LastReceived, &f.Beats, &f.Gaps, &f.Facilities); err == nil {
			err = json.Unmarshal(dialect, &f.Dialect)
		}
		return f, err
	})
}

// PutFeed creates a feed (Version 0) or changes the one of that id and version.
func (s *Store) PutFeed(ctx context.Context, tx pgx.Tx, org events.ID, f *FeedRow) error {
	dialect, err := json.Marshal(f.Dialect)
	if err != nil {
		return err
	}
	if f.Certificates == nil {
		f.Certificates = []string{}
	}
	if f.Version == 0 {
		f.ID, f.Version = events.NewID(), 1
		_, err = tx.Exec(ctx, `INSERT INTO feed (id, org_id, name, loopback, enabled, dialect, certificates) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			f.ID, org, f.Name, f.Loopback, f.Enabled, string(dialect), f.Certificates)
	} else {
		err = tx.QueryRow(ctx, `UPDATE feed SET name = $3, loopback = $4, enabled = $5, dialect = $6, certificates = $7, version = version + 1
			WHERE id = $1 AND version = $2 RETURNING version`, f.ID, f.Version, f.Name, f.Loopback, f.Enabled, string(dialect), f.Certificates).Scan(&f.Version)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.Stale, "the feed has changed, or is not there")
		}
	}
	if err != nil {
		return taken(err, "a feed of this name exists")
	}
	if _, err := tx.Exec(ctx, `DELETE FROM feed_facility WHERE feed_id = $1`, f.ID); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO feed_facility (feed_id, facility_id, org_id) SELECT $1, id, org_id FROM facility WHERE code = ANY($2)`, f.ID, f.Facilities)
	if err == nil && int(tag.RowsAffected()) != len(f.Facilities) && !f.Development {
		err = fault.New(fault.Invalid, "one of the facilities is not known here; add it first")
	}
	return err
}

// KeyRow is an API key without its secret.
type KeyRow struct {
	ID      events.ID  `json:"id"`
	Prefix  string     `json:"prefix"`
	Created time.Time  `json:"created_at"`
	Expires *time.Time `json:"expires_at"`
	Revoked *time.Time `json:"revoked_at"`
}

// AddKey makes a key of a feed. Its text is returned this once and stored nowhere.
func (s *Store) AddKey(ctx context.Context, tx pgx.Tx, org, feed events.ID, expires *time.Time) (text string, row KeyRow, err error) {
	text, prefix, hash := NewKey()
	row = KeyRow{ID: events.NewID(), Prefix: prefix, Expires: expires}
	err = tx.QueryRow(ctx, `INSERT INTO api_key (id, org_id, feed_id, prefix, hash, expires_at)
		SELECT $1, $2, id, $4, $5, $6 FROM feed WHERE id = $3 RETURNING created_at`, row.ID, org, feed, prefix, hash, expires).Scan(&row.Created)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fault.New(fault.Unknown, "there is no such feed")
	}
	return text, row, err
}

// Keys lists a feed's keys, newest first.
func (s *Store) Keys(ctx context.Context, tx pgx.Tx, feed events.ID) ([]KeyRow, error) {
	rows, err := tx.Query(ctx, `SELECT id, prefix, created_at, expires_at, revoked_at FROM api_key WHERE feed_id = $1 ORDER BY id DESC`, feed)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[KeyRow])
}

// RevokeKey ends a key for good.
func (s *Store) RevokeKey(ctx context.Context, tx pgx.Tx, feed, key events.ID) error {
	tag, err := tx.Exec(ctx, `UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND feed_id = $2`, key, feed)
	if err == nil && tag.RowsAffected() == 0 {
		err = fault.New(fault.Unknown, "there is no such key")
	}
	return err
}

// gaps moves the usual gap of a beat's hour a little towards the latest. One long pause counts for little.
const gaps = `(SELECT array_agg(CASE WHEN h <> extract(hour FROM excluded.at AT TIME ZONE 'UTC') + 1 THEN p.gaps[h]
	ELSE coalesce(p.gaps[h] * 0.95 + least(extract(epoch FROM excluded.at - p.at), p.gaps[h] * 20 + 60) * 0.05, extract(epoch FROM excluded.at - p.at)) END ORDER BY h)
	FROM generate_series(1, 24) h)`

// Pulse notes when feeds were last heard of.
func (s *Store) Pulse(ctx context.Context, heard map[events.ID]Heard) error {
	feeds, orgs, at := make([]events.ID, 0, len(heard)), make([]events.ID, 0, len(heard)), make([]time.Time, 0, len(heard))
	for id, h := range heard {
		feeds, orgs, at = append(feeds, id), append(orgs, h.Org), append(at, h.At)
	}
	_, err := s.DB.System.Exec(ctx, `INSERT INTO feed_pulse AS p (feed_id, org_id, at) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) ORDER BY 1
		ON CONFLICT (feed_id) DO UPDATE SET at = greatest(p.at, excluded.at), beats = p.beats + 1, gaps[1:24] = `+gaps+`
		WHERE p.at <= excluded.at`, feeds, orgs, at)
	return err
}

// Heard is when a feed was last heard of.
type Heard struct {
	Org events.ID
	At  time.Time
}
