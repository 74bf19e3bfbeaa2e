package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
)

// Kin says whose person a patient is.
type Kin struct {
	Org     events.ID
	Patient events.ID
	Person  events.ID
	AsOf    int64 // sequence of the event that said so
}

// WantedVisits says whose stays to load: those of the persons that patients are part
// of, and of the patients whose the encounters are on record, as far as they ended
// after Since or after the beginning of one of the encounters, less reach.
type WantedVisits struct {
	Patients   []events.ID
	Encounters []events.ID
	Since      time.Time
	ReachDays  int
}

// People are persons and their stays.
type People struct {
	Kin    []Kin
	Visits []readmission.Visit
}

// The laterals keep the database from reading a table whole to join it: see Load.
const selectPeople = `
WITH asked AS MATERIALIZED (
	SELECT unnest($1::uuid[]) AS id UNION SELECT patient_id FROM visit WHERE encounter_id = ANY($2)
), since AS MATERIALIZED (
	SELECT least($3::timestamptz, min(admitted_at) - make_interval(days => $4::int)) AS at FROM visit WHERE encounter_id = ANY($2)
), person AS MATERIALIZED (
	SELECT DISTINCT coalesce(k.person_id, a.id) AS id
	FROM asked a LEFT JOIN LATERAL (SELECT person_id FROM kin WHERE patient_id = a.id OFFSET 0) k ON true
), member AS MATERIALIZED (
	SELECT id FROM asked UNION SELECT id FROM person
	UNION SELECT k.patient_id FROM person p CROSS JOIN LATERAL (SELECT patient_id FROM kin WHERE person_id = p.id OFFSET 0) k
)
SELECT m.id, k.org_id, k.person_id, k.as_of, v.encounter_id, v.org_id, v.fold_version, v.visit::text
FROM member m
LEFT JOIN LATERAL (SELECT org_id, person_id, as_of FROM kin WHERE patient_id = m.id OFFSET 0) k ON true
LEFT JOIN LATERAL (SELECT encounter_id, org_id, fold_version, visit FROM visit WHERE patient_id = m.id AND ended_at >= (SELECT at FROM since) OFFSET 0) v ON true
WHERE k.person_id IS NOT NULL OR v.encounter_id IS NOT NULL`

// queuePeople queues the search for persons and their stays.
func queuePeople(b *pgx.Batch, out *People, w WantedVisits) {
	b.Queue(selectPeople, w.Patients, w.Encounters, w.Since, w.ReachDays).Query(func(rows pgx.Rows) error {
		known := map[events.ID]bool{}
		for rows.Next() {
			var k Kin
			var v readmission.Visit
			var asOf, fold *int64
			var text *string
			if err := rows.Scan(&k.Patient, &k.Org, &k.Person, &asOf, &v.Encounter, &v.Org, &fold, &text); err != nil {
				return err
			}
			if asOf != nil && !known[k.Patient] {
				known[k.Patient] = true
				k.AsOf = *asOf
				out.Kin = append(out.Kin, k)
			}
			if text == nil {
				continue
			}
			v.Patient, v.FoldVersion = k.Patient, *fold
			if err := json.Unmarshal([]byte(*text), &v); err != nil {
				return err
			}
			out.Visits = append(out.Visits, v)
		}
		return rows.Err()
	})
}

// LoadPeople finds persons and their stays.
func LoadPeople(ctx context.Context, tx pgx.Tx, w WantedVisits) (People, error) {
	var out People
	b := &pgx.Batch{}
	queuePeople(b, &out, w)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return out, fmt.Errorf("load stays: %w", err)
	}
	return out, nil
}

func queueVisits(b *pgx.Batch, list []readmission.Visit) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	encounter, org, patient, ended, admitted, fold, text := ids(n), ids(n), ids(n), times(n), times(n), make([]int64, n), make([]*string, n)
	var room writer
	for i, v := range list {
		encounter[i], org[i], patient[i], fold[i], admitted[i] = v.Encounter, v.Org, v.Patient, v.FoldVersion, v.AdmittedAt
		ended[i] = v.Ended()
		doc, err := v.JSON(room.room)
		if err != nil {
			return err
		}
		text[i] = room.keep(doc)
	}
	b.Queue(`INSERT INTO visit (encounter_id, org_id, patient_id, ended_at, admitted_at, fold_version, visit)
		SELECT encounter_id, org_id, patient_id, coalesce(ended_at, 'infinity'), admitted_at, fold_version, visit
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::json[])
			AS n(encounter_id, org_id, patient_id, ended_at, admitted_at, fold_version, visit)
		ON CONFLICT (encounter_id) DO UPDATE SET patient_id = excluded.patient_id, ended_at = excluded.ended_at,
			admitted_at = excluded.admitted_at, fold_version = excluded.fold_version, visit = excluded.visit`,
		encounter, org, patient, ended, admitted, fold, text)
	return nil
}

func queueKin(b *pgx.Batch, list []Kin) {
	if len(list) == 0 {
		return
	}
	n := len(list)
	patient, org, person, asOf := ids(n), ids(n), ids(n), make([]int64, n)
	for i, k := range list {
		patient[i], org[i], person[i], asOf[i] = k.Patient, k.Org, k.Person, k.AsOf
	}
	b.Queue(`INSERT INTO kin (patient_id, org_id, person_id, as_of) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
		ON CONFLICT (patient_id) DO UPDATE SET person_id = excluded.person_id, as_of = excluded.as_of`, patient, org, person, asOf)
}

// RetypeVisits gives up to limit stays at a facility the type that it has now, and
// reports whose they are and whether some are left.
func RetypeVisits(ctx context.Context, tx pgx.Tx, f Facility, limit int) (patients []events.ID, left bool, err error) {
	rows, err := tx.Query(ctx, `WITH old AS MATERIALIZED (
			SELECT encounter_id FROM visit WHERE org_id = $1 AND visit->>'facility_id' = $2::uuid::text AND coalesce(visit->>'facility_type', '') <> $3
			LIMIT $4 FOR UPDATE)
		UPDATE visit v SET visit = (visit::jsonb || jsonb_build_object('facility_type', $3::text))::json FROM old
		WHERE v.encounter_id = old.encounter_id RETURNING v.patient_id`, f.Org, f.ID, f.Kind, limit)
	if err != nil {
		return nil, false, fmt.Errorf("give stays their facility's type: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[events.ID])
	if err != nil {
		return nil, false, fmt.Errorf("give stays their facility's type: %w", err)
	}
	seen := map[events.ID]bool{}
	for _, id := range list {
		if !seen[id] {
			seen[id] = true
			patients = append(patients, id)
		}
	}
	return patients, len(list) == limit, nil
}
