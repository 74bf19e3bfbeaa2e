package store

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/referral/internal/directory"
)

// Versions returns the versions of organizations' directories; one without providers has none (0).
func Versions(ctx context.Context, tx pgx.Tx, orgs []events.ID) (map[events.ID]int64, error) {
	rows, err := tx.Query(ctx, `SELECT org_id, version FROM directory WHERE org_id = ANY($1)`, orgs)
	if err != nil {
		return nil, err
	}
	out := make(map[events.ID]int64, len(orgs))
	var org events.ID
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&org, &version}, func() error {
		out[org] = version
		return nil
	})
	return out, err
}

// Bump counts a change of an organization's directory and holds other writers of it up until the
// transaction ends. It returns the new version.
func Bump(ctx context.Context, tx pgx.Tx, org events.ID) (version int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO directory AS d (org_id, version) VALUES ($1, 1)
		ON CONFLICT (org_id) DO UPDATE SET version = d.version + 1 RETURNING version`, org).Scan(&version)
	return version, err
}

// Directory loads all providers of an organization.
func Directory(ctx context.Context, tx pgx.Tx, org events.ID) ([]*directory.Provider, error) {
	return providers(ctx, tx, `org_id = $1 ORDER BY name, id`, org)
}

// ProvidersByID loads some providers of an organization.
func ProvidersByID(ctx context.Context, tx pgx.Tx, org events.ID, ids []events.ID) (map[events.ID]*directory.Provider, error) {
	list, err := providers(ctx, tx, `org_id = $1 AND id = ANY($2)`, org, ids)
	out := make(map[events.ID]*directory.Provider, len(list))
	for _, p := range list {
		out[p.ID] = p
	}
	return out, err
}

// Provider loads one provider; a fault.Unknown if there is none the caller may see.
func Provider(ctx context.Context, tx pgx.Tx, id events.ID) (*directory.Provider, error) {
	list, err := providers(ctx, tx, `id = $1`, id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Unknown, "there is no such provider")
	}
	return list[0], nil
}

// ProviderPosition is where a page of providers begins: after this one.
type ProviderPosition struct {
	Name string    `json:"n"`
	ID   events.ID `json:"i"`
}

// ListProviders returns a page of the caller's providers by name; need and facility narrow it.
func ListProviders(ctx context.Context, tx pgx.Tx, need, facility string, after *ProviderPosition, limit int) ([]*directory.Provider, error) {
	var name any
	var id events.ID
	if after != nil {
		name, id = after.Name, after.ID
	}
	return providers(ctx, tx, `($1 = '' OR $1 = ANY(needs)) AND ($2 = '' OR facility = $2)
		AND ($3::text IS NULL OR (name, id) > ($3, $4::uuid)) ORDER BY name, id LIMIT $5`, need, facility, name, id, limit)
}

func providers(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]*directory.Provider, error) {
	rows, err := tx.Query(ctx, `SELECT to_json(provider) FROM provider WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*directory.Provider, error) {
		var b []byte
		if err := row.Scan(&b); err != nil {
			return nil, err
		}
		p := &directory.Provider{}
		return p, json.Unmarshal(b, p)
	})
}

// SaveProviders stores providers as they are given: new ones at version 1, known ones one version up.
// It leaves alone those for which nothing is different, and returns how many it wrote.
func SaveProviders(ctx context.Context, tx pgx.Tx, org events.ID, list []*directory.Provider) (written int, err error) {
	if len(list) == 0 {
		return 0, nil
	}
	doc, err := json.Marshal(list)
	if err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, saveProviders, org, doc)
	if constraint(err) == "provider_ccn" {
		return 0, fault.Wrap(fault.Conflict, err, "another provider has this certification number")
	}
	return int(tag.RowsAffected()), err
}

// A provider's facility is told by id or code; the other follows from what is known of facilities.
const saveProviders = `
INSERT INTO provider AS p (id, org_id, name, needs, ccn, npi, facility_id, facility, address, city, state, zip, phone, areas, payers,
	languages, interpreter, sexes, min_age, max_age, capabilities, beds, open_beds, capacity_at, rating, agreement_from, agreement_until, active)
SELECT n.id, $1, n.name, n.needs, coalesce(n.ccn, ''), coalesce(n.npi, ''),
	coalesce(n.facility_id, (SELECT id FROM facility f WHERE f.org_id = $1 AND f.code = n.facility ORDER BY id LIMIT 1)),
	coalesce(nullif(n.facility, ''), (SELECT code FROM facility f WHERE f.org_id = $1 AND f.id = n.facility_id), ''),
	coalesce(n.address, ''), coalesce(n.city, ''), coalesce(n.state, ''), coalesce(n.zip, ''), coalesce(n.phone, ''),
	coalesce(n.areas, '{}'), coalesce(n.payers, '{}'), coalesce(n.languages, '{}'), coalesce(n.interpreter, false), coalesce(n.sexes, '{}'),
	n.min_age, n.max_age, coalesce(n.capabilities, '{}'), n.beds, n.open_beds, n.capacity_at, n.rating, n.agreement_from, n.agreement_until,
	coalesce(n.active, true)
FROM jsonb_populate_recordset(null::provider, $2::jsonb) n
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET version = p.version + 1, name = excluded.name, needs = excluded.needs, ccn = excluded.ccn, npi = excluded.npi,
	facility_id = excluded.facility_id, facility = excluded.facility, address = excluded.address, city = excluded.city, state = excluded.state,
	zip = excluded.zip, phone = excluded.phone, areas = excluded.areas, payers = excluded.payers, languages = excluded.languages,
	interpreter = excluded.interpreter, sexes = excluded.sexes, min_age = excluded.min_age, max_age = excluded.max_age,
	capabilities = excluded.capabilities, beds = excluded.beds, open_beds = excluded.open_beds, capacity_at = excluded.capacity_at,
	rating = excluded.rating, agreement_from = excluded.agreement_from, agreement_until = excluded.agreement_until,
	active = excluded.active, updated_at = now()
WHERE p.org_id = excluded.org_id AND (p.name, p.needs, p.ccn, p.npi, p.facility_id, p.facility, p.address, p.city, p.state, p.zip, p.phone, p.areas,
	p.payers, p.languages, p.interpreter, p.sexes, p.min_age, p.max_age, p.capabilities, p.beds, p.open_beds, p.capacity_at, p.rating,
	p.agreement_from, p.agreement_until, p.active)
	IS DISTINCT FROM (excluded.name, excluded.needs, excluded.ccn, excluded.npi, excluded.facility_id, excluded.facility, excluded.address,
	excluded.city, excluded.state, excluded.zip, excluded.phone, excluded.areas, excluded.payers, excluded.languages, excluded.interpreter,
	excluded.sexes, excluded.min_age, excluded.max_age, excluded.capabilities, excluded.beds, excluded.open_beds, excluded.capacity_at,
	excluded.rating, excluded.agreement_from, excluded.agreement_until, excluded.active)`

// Facility is a facility as admission told of it.
type Facility struct {
	ID, Org    events.ID
	Code, Name string
}

// SaveFacilities records facilities. It returns the organizations, in order, that have providers which
// name one of them by code and are not tied to it yet.
func SaveFacilities(ctx context.Context, tx pgx.Tx, list []Facility) ([]events.ID, error) {
	newest := map[events.ID]Facility{}
	for _, f := range list {
		newest[f.ID] = f
	}
	var ids, orgs []events.ID
	var codes, names []string
	for _, f := range newest {
		ids, orgs, codes, names = append(ids, f.ID), append(orgs, f.Org), append(codes, f.Code), append(names, f.Name)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO facility (id, org_id, code, name) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS n(id)
		ORDER BY n.id ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name`, ids, orgs, codes, names); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT p.org_id FROM provider p JOIN facility f ON f.org_id = p.org_id AND f.code = p.facility
		WHERE f.id = ANY($1) AND p.facility_id IS NULL ORDER BY p.org_id`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[events.ID])
}

// TieProviders gives the providers of organizations that named a facility by code its id. Bump the
// directories first.
func TieProviders(ctx context.Context, tx pgx.Tx, orgs []events.ID) error {
	_, err := tx.Exec(ctx, `UPDATE provider p SET facility_id = f.id, version = p.version + 1, updated_at = now() FROM facility f
		WHERE p.org_id = ANY($1) AND f.org_id = p.org_id AND p.facility = f.code AND p.facility_id IS NULL`, orgs)
	return err
}
