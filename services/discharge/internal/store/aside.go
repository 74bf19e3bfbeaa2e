package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
)

// Unopened is an emergency visit that ended and opened no transition.
type Unopened struct {
	Org  events.ID
	Stay events.Encounter
}

// Shadow is what differs for a stay between the set in force and one that is tried.
type Shadow struct {
	Org          events.ID
	Act          int64 // version of the act that says what is tried
	Encounter    events.ID
	Patient      events.ID
	Facility     string
	DischargedAt time.Time
	Tasks        []preview.Task // none: nothing differs
}

// Aside is what is kept for people who think about protocols; nothing else reads it.
type Aside struct {
	visits  map[events.ID]*Unopened // nil: to be forgotten
	shadows map[shadowKey]*Shadow
}

type shadowKey struct {
	org       events.ID
	act       int64
	encounter events.ID
}

// Keep has a visit kept; a later word on it counts.
func (a *Aside) Keep(v Unopened) { put(&a.visits, v.Stay.ID, &v) }

// Left has a visit forgotten: it has a transition now, or has not ended after all.
func (a *Aside) Left(encounter events.ID) { put(&a.visits, encounter, nil) }

// Try has a shadow kept; a later word on it counts.
func (a *Aside) Try(s Shadow) { put(&a.shadows, shadowKey{s.Org, s.Act, s.Encounter}, &s) }

// Forget has a stay's shadow forgotten: it gets no tasks by either set.
func (a *Aside) Forget(org events.ID, act int64, encounter events.ID) {
	put(&a.shadows, shadowKey{org, act, encounter}, nil)
}

func put[K comparable, V any](m *map[K]*V, key K, v *V) {
	if *m == nil {
		*m = make(map[K]*V)
	}
	(*m)[key] = v
}

func queueAside(b *pgx.Batch, a Aside, at time.Time) error {
	if err := queueUnopened(b, a.visits); err != nil {
		return err
	}
	return queueShadows(b, a.shadows, at)
}

func queueUnopened(b *pgx.Batch, visits map[events.ID]*Unopened) error {
	var gone, encounter, org []events.ID
	var discharged []time.Time
	var stay []*string
	var room writer
	for _, id := range slices.SortedFunc(maps.Keys(visits), compareIDs) {
		v := visits[id]
		if v == nil {
			gone = append(gone, id)
			continue
		}
		text, err := room.json(&v.Stay)
		if err != nil {
			return err
		}
		encounter, org, stay = append(encounter, id), append(org, v.Org), append(stay, text)
		discharged = append(discharged, *v.Stay.DischargedAt)
	}
	if len(encounter) > 0 {
		b.Queue(`INSERT INTO unopened (encounter_id, org_id, discharged_at, stay) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::json[])
			ON CONFLICT (encounter_id) DO UPDATE SET discharged_at = excluded.discharged_at, stay = excluded.stay`, encounter, org, discharged, stay)
	}
	if len(gone) > 0 {
		b.Queue(`DELETE FROM unopened WHERE encounter_id = ANY($1)`, gone)
	}
	return nil
}

func compareIDs(a, b events.ID) int { return slices.Compare(a[:], b[:]) }

func queueShadows(b *pgx.Batch, shadows map[shadowKey]*Shadow, at time.Time) error {
	keys := slices.SortedFunc(maps.Keys(shadows), func(x, y shadowKey) int {
		return cmp.Or(compareIDs(x.org, y.org), cmp.Compare(x.act, y.act), compareIDs(x.encounter, y.encounter))
	})
	var gone, tried rowsOfShadows
	for _, key := range keys {
		s := shadows[key]
		if s == nil {
			gone.key(key)
			continue
		}
		tried.key(key)
		tried.patient, tried.facility = append(tried.patient, s.Patient), append(tried.facility, s.Facility)
		tried.discharged = append(tried.discharged, s.DischargedAt)
		var tasks *string
		if len(s.Tasks) > 0 {
			var err error
			if tasks, err = asJSON(s.Tasks); err != nil {
				return err
			}
		}
		tried.tasks = append(tried.tasks, tasks)
	}
	if len(gone.org) > 0 {
		b.Queue(`DELETE FROM protocol_shadow s USING unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS n(org_id, act, encounter_id)
			WHERE s.org_id = n.org_id AND s.act = n.act AND s.encounter_id = n.encounter_id`, gone.org, gone.act, gone.encounter)
	}
	if len(tried.org) > 0 {
		b.Queue(`INSERT INTO protocol_shadow (org_id, act, encounter_id, patient_id, facility, discharged_at, tasks, at)
			SELECT *, $8::timestamptz FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::json[])
			ON CONFLICT (org_id, act, encounter_id) DO UPDATE SET patient_id = excluded.patient_id, facility = excluded.facility,
				discharged_at = excluded.discharged_at, tasks = excluded.tasks, at = excluded.at`,
			tried.org, tried.act, tried.encounter, tried.patient, tried.facility, tried.discharged, tried.tasks, at)
	}
	return nil
}

type rowsOfShadows struct {
	org, encounter, patient []events.ID
	act                     []int64
	facility                []string
	discharged              []time.Time
	tasks                   []*string
}

func (r *rowsOfShadows) key(k shadowKey) {
	r.org, r.act, r.encounter = append(r.org, k.org), append(r.act, k.act), append(r.encounter, k.encounter)
}

// ShadowCounts are how far the tried set and the one in force agree.
type ShadowCounts struct {
	Stays, Differing int
	Codes            map[string]map[string]int // task code -> what becomes of it -> stays
}

// CountShadows counts what was tried under an act.
func CountShadows(ctx context.Context, tx pgx.Tx, org events.ID, act int64) (ShadowCounts, error) {
	c := ShadowCounts{Codes: map[string]map[string]int{}}
	err := tx.QueryRow(ctx, `SELECT count(*), count(tasks) FROM protocol_shadow WHERE org_id = $1 AND act = $2`, org, act).Scan(&c.Stays, &c.Differing)
	if err != nil {
		return c, fmt.Errorf("count what was tried: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT d->>'code', d->>'change', count(*) FROM protocol_shadow, json_array_elements(tasks) d
		WHERE org_id = $1 AND act = $2 AND tasks IS NOT NULL GROUP BY 1, 2`, org, act)
	if err != nil {
		return c, fmt.Errorf("count what was tried: %w", err)
	}
	var code, change string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&code, &change, &n}, func() error {
		if c.Codes[code] == nil {
			c.Codes[code] = map[string]int{}
		}
		c.Codes[code][change] = n
		return nil
	})
	return c, err
}

// Shadows lists stays for which the tried set differs, in the order of their encounters.
func Shadows(ctx context.Context, tx pgx.Tx, org events.ID, act int64, after events.ID, limit int) ([]Shadow, error) {
	w := where{conditions: []string{"tasks IS NOT NULL"}}
	w.and("org_id = ?", org)
	w.and("act = ?", act)
	if !after.IsZero() {
		w.and("encounter_id > ?", after)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT encounter_id, patient_id, facility, discharged_at, tasks::text FROM protocol_shadow%s
		ORDER BY encounter_id LIMIT %d`, w.sql(), limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list what was tried: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Shadow, error) {
		s := Shadow{Org: org, Act: act}
		var tasks string
		if err := row.Scan(&s.Encounter, &s.Patient, &s.Facility, &s.DischargedAt, &tasks); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(tasks), &s.Tasks)
	})
}
