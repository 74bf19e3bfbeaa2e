package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
)

// Recorded is a stay that ended, as it is known now.
type Recorded struct {
	Stay   events.Encounter
	Dead   bool              // the patient is known to have died
	Owners map[string]string // who has its tasks, by code
}

// Window is the stays a preview looks at: discharged in [Since, Until), of a facility
// if it names one.
type Window struct {
	Org          events.ID
	Facility     string
	Since, Until time.Time
}

// Place is a place in a window. The zero Place is its beginning.
type Place struct {
	at    time.Time
	after events.ID
}

// sources are where recorded stays are, in the order a window is read in. A visit that
// has a transition by now is counted there.
var sources = []string{
	`SELECT encounter_id, discharged_at, state = 'expired', stay::text, facility FROM transition s WHERE stay IS NOT NULL AND `,
	`SELECT encounter_id, discharged_at, false, stay::text, stay->>'facility' FROM unopened s
		WHERE NOT EXISTS (SELECT FROM transition t WHERE t.encounter_id = s.encounter_id) AND `,
}

// Sources is how many there are.
func Sources() int { return len(sources) }

// CountRecorded counts the stays of a window, of every facility.
func CountRecorded(ctx context.Context, tx pgx.Tx, w Window) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM transition WHERE org_id = $1 AND discharged_at >= $2 AND discharged_at < $3)
		+ (SELECT count(*) FROM unopened WHERE org_id = $1 AND discharged_at >= $2 AND discharged_at < $3)`, w.Org, w.Since, w.Until).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count recorded stays: %w", err)
	}
	return n, nil
}

// ReadRecorded reads up to limit stays of one source from a place on, in the order of
// their discharges. looked is how many there were, the other facilities' included; it is
// less than limit at the end of the window.
func ReadRecorded(ctx context.Context, tx pgx.Tx, w Window, source int, from Place, limit int) (found []Recorded, next Place, looked int, err error) {
	if from.at.IsZero() {
		from.at = w.Since
	}
	// The id goes as text: an absent one is the least there is.
	after := from.after.String()
	if after == "" {
		after = "00000000-0000-0000-0000-000000000000"
	}
	rows, err := tx.Query(ctx, sources[source]+fmt.Sprintf(`org_id = $1 AND discharged_at >= $2 AND discharged_at < $3
		AND (discharged_at, encounter_id) > ($2, $4::text::uuid) ORDER BY discharged_at, encounter_id LIMIT %d`, limit),
		w.Org, from.at, w.Until, after)
	if err != nil {
		return nil, from, 0, fmt.Errorf("read recorded stays: %w", err)
	}
	next = from
	var dead bool
	var text []byte
	var facility string
	_, err = pgx.ForEachRow(rows, []any{&next.after, &next.at, &dead, &text, &facility}, func() error {
		looked++
		if w.Facility != "" && facility != w.Facility {
			return nil
		}
		r := Recorded{Dead: dead}
		if err := events.ReadJSON(text, &r.Stay); err != nil {
			return err
		}
		found = append(found, r)
		return nil
	})
	if err != nil || source != 0 {
		return found, next, looked, err
	}
	return found, next, looked, owners(ctx, tx, found)
}

// owners finds who has the tasks of stays.
func owners(ctx context.Context, tx pgx.Tx, stays []Recorded) error {
	encounters, by := make([]events.ID, len(stays)), make(map[events.ID]*Recorded, len(stays))
	for i := range stays {
		encounters[i] = stays[i].Stay.ID
		by[stays[i].Stay.ID] = &stays[i]
	}
	rows, err := tx.Query(ctx, `SELECT encounter_id, code, owner FROM task WHERE encounter_id = ANY($1) AND owner <> ''`, encounters)
	if err != nil {
		return fmt.Errorf("find the owners of tasks: %w", err)
	}
	var encounter events.ID
	var code, owner string
	_, err = pgx.ForEachRow(rows, []any{&encounter, &code, &owner}, func() error {
		r := by[encounter]
		if r.Owners == nil {
			r.Owners = map[string]string{}
		}
		r.Owners[code] = owner
		return nil
	})
	return err
}

// Facilities are all facilities of an organization.
func Facilities(ctx context.Context, tx pgx.Tx, org events.ID) ([]Facility, error) {
	rows, err := tx.Query(ctx, `SELECT id, org_id, code, zone, closures, kind FROM facility WHERE org_id = $1`, org)
	if err != nil {
		return nil, fmt.Errorf("list facilities: %w", err)
	}
	var out World
	err = eachFacility(rows, &out)
	return out.Facilities, err
}

// ForgetUnopened deletes up to limit visits that ended before an instant, of one
// organization, and gives how many.
func ForgetUnopened(ctx context.Context, tx pgx.Tx, org events.ID, before time.Time, limit int) (int64, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM unopened WHERE encounter_id IN (SELECT encounter_id FROM unopened
		WHERE org_id = $1 AND discharged_at < $2 ORDER BY discharged_at LIMIT $3)`, org, before, limit)
	if err != nil {
		return 0, fmt.Errorf("forget visits: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Preview is what a preview said, and who looked.
type Preview struct {
	ID           events.ID
	Org          events.ID
	Digest       string // of the candidate
	Against      string // of the organization's set in force
	Facility     string
	Since, Until time.Time
	Result       preview.Result
	By           string
	At           time.Time
}

// AddPreview stores what a preview said.
func AddPreview(ctx context.Context, tx pgx.Tx, p Preview) error {
	result, err := asJSON(p.Result)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO protocol_preview (id, org_id, digest, against, facility, since, until, result, by, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, p.ID, p.Org, p.Digest, p.Against, p.Facility, p.Since, p.Until, result, p.By, p.At)
	if err != nil {
		return fmt.Errorf("store a preview: %w", err)
	}
	return nil
}

// Previews lists an organization's newest previews; one, if id is given.
func Previews(ctx context.Context, tx pgx.Tx, org, id events.ID, limit int) ([]Preview, error) {
	w := where{}
	w.and("org_id = ?", org)
	if !id.IsZero() {
		w.and("id = ?", id)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT id, org_id, digest, against, facility, since, until, result::text, by, at
		FROM protocol_preview%s ORDER BY at DESC LIMIT %d`, w.sql(), limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list previews: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Preview, err error) {
		var result []byte
		if err = row.Scan(&p.ID, &p.Org, &p.Digest, &p.Against, &p.Facility, &p.Since, &p.Until, &result, &p.By, &p.At); err != nil {
			return p, err
		}
		return p, json.Unmarshal(result, &p.Result)
	})
}
