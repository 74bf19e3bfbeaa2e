package store

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// linkageLock is held by the one transaction, of all processes, that changes links and groups: two
// patients who are compared at one time by two processes would not see each other.
const linkageLock = `hashtextextended('handoff/admission/linkage', 0)`

// LockLinks waits for the links and groups, and holds them until the transaction ends.
func (s *Store) LockLinks(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(`+linkageLock+`)`)
	return err
}

// saveDue queues that patients are to be compared.
func saveDue(b *pgx.Batch, list []*Patient) {
	var org, id []events.ID
	var regroup []bool
	for _, p := range list {
		if p.New || p.Changed || p.Compare || p.Joined || p.Effective != nil {
			org, id, regroup = append(org, p.Org), append(id, p.ID), append(regroup, p.Compare || p.Joined)
		}
	}
	if len(id) > 0 {
		b.Queue(`INSERT INTO linkage_due (org_id, patient_id, regroup) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[])`, org, id, regroup)
	}
}

// Due reports whether any patient is to be compared.
func (s *Store) Due(ctx context.Context) (due bool, err error) {
	err = s.DB.System.QueryRow(ctx, `SELECT EXISTS (SELECT FROM linkage_due)`).Scan(&due)
	return due, err
}

// Uncompared counts what waits to be compared, and says since when the oldest does. What
// one transaction of the linker holds still waits.
func (s *Store) Uncompared(ctx context.Context) (n int64, oldest *time.Time, err error) {
	err = s.DB.System.QueryRow(ctx, `SELECT count(*), (SELECT since FROM linkage_due ORDER BY id LIMIT 1) FROM linkage_due`).Scan(&n, &oldest)
	return n, oldest, err
}

// TakeDue takes up to limit rows of patients to compare, oldest first, each with whether its group is
// to be made anew; free is false if another process is at it.
func (s *Store) TakeDue(ctx context.Context, tx pgx.Tx, limit int) (due map[events.ID]bool, rows int, free bool, err error) {
	if err = tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(`+linkageLock+`)`).Scan(&free); err != nil || !free {
		return nil, 0, free, err
	}
	list, err := tx.Query(ctx, `DELETE FROM linkage_due WHERE id IN (SELECT id FROM linkage_due ORDER BY id LIMIT $1) RETURNING patient_id, regroup`, limit)
	if err != nil {
		return nil, 0, free, err
	}
	due = map[events.ID]bool{}
	var id events.ID
	var regroup bool
	_, err = pgx.ForEachRow(list, []any{&id, &regroup}, func() error {
		rows++
		due[id] = due[id] || regroup
		return nil
	})
	return due, rows, free, err
}

// Compared is a patient to compare: what is known of it, and what was when it was last compared.
type Compared struct {
	Patient
	Before *string // its profile; nil: never compared
}

// ToCompare reads patients to compare, without locking them.
func (s *Store) ToCompare(ctx context.Context, tx pgx.Tx, ids []events.ID) ([]Compared, error) {
	rows, err := tx.Query(ctx, `SELECT p.id, p.org_id, p.facility_id, p.person_id, p.into_id, coalesce(d.effective, d.groups), l.profile
		FROM patient p JOIN patient_detail d USING (id) LEFT JOIN linkage_profile l ON l.patient_id = p.id WHERE p.id = ANY($1) ORDER BY p.id`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Compared, err error) {
		var groups string
		err = row.Scan(&c.ID, &c.Org, &c.Facility, &c.Person, &c.Into, &groups, &c.Before)
		c.Record = decodeRecord(nil, groups)
		return c, err
	})
}

// Keyed is a patient and a key or term of it.
type Keyed struct {
	Org, Patient events.ID
	Value        int64
}

// Profiles is a change of what is compared: profiles to write, keys to add and to drop, and by how
// much the counts of terms change.
type Profiles struct {
	IDs, Orgs   []events.ID
	Profiles    []string
	Keys, Stale []Keyed
	Terms       map[Term]int
}

// Term is a value of an organization's patients, by digest; 0 counts the patients.
type Term struct {
	Org    events.ID
	Digest int64
}

// Candidate is a pair of patients that share a key.
type Candidate struct{ Patient, Other events.ID }

// SaveProfiles writes profiles, and returns whom the patients of keys share a key with: those of
// their organization alone. A key that more than most share finds nobody.
func (s *Store) SaveProfiles(ctx context.Context, tx pgx.Tx, c Profiles, keys []Keyed, most int) (found []Candidate, err error) {
	b := &pgx.Batch{}
	b.Queue(byKey, true)
	if len(c.IDs) > 0 {
		b.Queue(`INSERT INTO linkage_profile (patient_id, org_id, profile) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
			ON CONFLICT (patient_id) DO UPDATE SET profile = excluded.profile`, c.IDs, c.Orgs, c.Profiles)
	}
	if org, patient, key := keyed(c.Stale); len(key) > 0 {
		b.Queue(`DELETE FROM linkage_key k USING unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS u(org, key, patient)
			WHERE k.org_id = u.org AND k.key = u.key AND k.patient_id = u.patient`, org, key, patient)
	}
	if org, patient, key := keyed(c.Keys); len(key) > 0 {
		b.Queue(`INSERT INTO linkage_key (org_id, key, patient_id) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) ON CONFLICT DO NOTHING`, org, key, patient)
	}
	if org, term, n := counted(c.Terms); len(n) > 0 {
		b.Queue(`INSERT INTO linkage_term AS t (org_id, term, n) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[])
			ON CONFLICT (org_id, term) DO UPDATE SET n = t.n + excluded.n`, org, term, n)
	}
	if org, patient, key := keyed(keys); len(key) > 0 {
		b.Queue(`SELECT DISTINCT patient, other FROM (
			SELECT u.patient, k.patient_id AS other, count(*) OVER (PARTITION BY u.n) AS found
			FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS u(org, patient, key, n)
			CROSS JOIN LATERAL (SELECT k.patient_id FROM linkage_key k
				WHERE k.org_id = u.org AND k.key = u.key AND k.patient_id <> u.patient LIMIT $4 + 1) k
		) x WHERE found <= $4`, org, patient, key, most).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Candidate])
			return err
		})
	}
	return found, tx.SendBatch(ctx, b).Close()
}

// keyed lays keys out in the order of their index: digests are scattered all over it otherwise.
func keyed(list []Keyed) (org, patient []events.ID, value []int64) {
	list = slices.SortedFunc(slices.Values(list), func(a, b Keyed) int { return cmp.Or(bytes.Compare(a.Org[:], b.Org[:]), cmp.Compare(a.Value, b.Value)) })
	for _, k := range list {
		org, patient, value = append(org, k.Org), append(patient, k.Patient), append(value, k.Value)
	}
	return org, patient, value
}

func counted(terms map[Term]int) (org []events.ID, digest []int64, n []int) {
	for _, t := range slices.SortedFunc(maps.Keys(terms), func(a, b Term) int { return cmp.Or(bytes.Compare(a.Org[:], b.Org[:]), cmp.Compare(a.Digest, b.Digest)) }) {
		if v := terms[t]; v != 0 {
			org, digest, n = append(org, t.Org), append(digest, t.Digest), append(n, v)
		}
	}
	return org, digest, n
}

// Profile is a stored profile.
type Profile struct {
	Patient, Org events.ID
	Text         string
}

// ProfilesOf reads profiles; of patients that were never compared there is none.
func (s *Store) ProfilesOf(ctx context.Context, tx pgx.Tx, ids []events.ID) ([]Profile, error) {
	rows, err := tx.Query(ctx, `SELECT patient_id, org_id, profile FROM linkage_profile WHERE patient_id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Profile])
}

// Terms reads counts; what is not counted is left out.
func (s *Store) Terms(ctx context.Context, tx pgx.Tx, terms []Term) (map[Term]int, error) {
	org, digest := make([]events.ID, len(terms)), make([]int64, len(terms))
	for i, t := range terms {
		org[i], digest[i] = t.Org, t.Digest
	}
	rows, err := tx.Query(ctx, `SELECT t.org_id, t.term, t.n FROM unnest($1::uuid[], $2::bigint[]) AS u(org, term)
		JOIN linkage_term t ON t.org_id = u.org AND t.term = u.term`, org, digest)
	if err != nil {
		return nil, err
	}
	out := make(map[Term]int, len(terms))
	var t Term
	var n int
	_, err = pgx.ForEachRow(rows, []any{&t.Org, &t.Digest, &n}, func() error { out[t] = n; return nil })
	return out, err
}
