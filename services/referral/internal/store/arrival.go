package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
)

// Kinship says which person a patient is. Firm is what admission said of this patient itself; what it
// said of another one's link only fills a gap.
type Kinship struct {
	Patient, Person, Org events.ID
	Firm                 bool
}

// SavePersons records who is which person; the last word on a patient counts. alone are patients of
// which it was said that they are persons of their own.
func SavePersons(ctx context.Context, tx pgx.Tx, list []Kinship, alone []events.ID) error {
	if len(alone) > 0 {
		if _, err := tx.Exec(ctx, `UPDATE person SET person_id = patient_id WHERE patient_id = ANY($1) AND person_id <> patient_id`, alone); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	newest := map[events.ID]Kinship{}
	for _, k := range list {
		if old, ok := newest[k.Patient]; !ok || k.Firm || !old.Firm {
			newest[k.Patient] = k
		}
	}
	var patients, persons, orgs []events.ID
	var firm []bool
	for _, k := range newest {
		patients, persons = append(patients, k.Patient), append(persons, k.Person)
		orgs, firm = append(orgs, k.Org), append(firm, k.Firm)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO person AS p (patient_id, person_id, org_id)
		SELECT patient, person, org FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS n(patient, person, org)
		ORDER BY patient
		ON CONFLICT (patient_id) DO UPDATE SET person_id = excluded.person_id
		WHERE p.person_id <> excluded.person_id AND p.patient_id = ANY($4)`, patients, persons, orgs, only(patients, firm))
	return err
}

func only(ids []events.ID, keep []bool) []events.ID {
	out := []events.ID{}
	for i, id := range ids {
		if keep[i] {
			out = append(out, id)
		}
	}
	return out
}

// Kin finds all patients that are the same persons as those given, themselves included. A patient
// that nothing was said of is a person of its own, and its id that person's.
func Kin(ctx context.Context, tx pgx.Tx, patients []events.ID) (referral.Persons, error) {
	rows, err := tx.Query(ctx, `
		WITH given AS (
			SELECT g.id, coalesce(p.person_id, g.id) AS person_id
			FROM unnest($1::uuid[]) AS g(id) LEFT JOIN person p ON p.patient_id = g.id)
		SELECT id, person_id FROM given
		UNION SELECT p.patient_id, p.person_id FROM person p WHERE p.person_id IN (SELECT person_id FROM given)
		UNION SELECT g.person_id, g.person_id FROM given g
			WHERE NOT EXISTS (SELECT FROM person p WHERE p.patient_id = g.person_id)`, patients)
	if err != nil {
		return nil, err
	}
	kin := referral.Persons{}
	var patient, person events.ID
	_, err = pgx.ForEachRow(rows, []any{&patient, &person}, func() error {
		kin[patient] = person
		return nil
	})
	return kin, err
}

// SaveArrivals records stays at tied facilities; an older snapshot never replaces a newer one.
func SaveArrivals(ctx context.Context, tx pgx.Tx, list []referral.Arrival) error {
	if len(list) == 0 {
		return nil
	}
	var c struct {
		id, org, patient, facilityID []events.ID
		facility                     []string
		fold                         []int64
		live                         []bool
		at                           []any
	}
	newest := map[events.ID]int{}
	for i, a := range list {
		if j, ok := newest[a.Encounter]; !ok || list[j].Fold <= a.Fold {
			newest[a.Encounter] = i
		}
	}
	for i, a := range list {
		if newest[a.Encounter] != i {
			continue
		}
		c.id, c.org, c.patient = append(c.id, a.Encounter), append(c.org, a.Org), append(c.patient, a.Patient)
		c.facilityID, c.facility = append(c.facilityID, a.FacilityID), append(c.facility, a.Facility)
		c.fold, c.live, c.at = append(c.fold, a.Fold), append(c.live, a.Live), append(c.at, a.At)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO arrival AS a (encounter_id, org_id, patient_id, facility_id, facility, admitted_at, live, fold)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bool[], $8::bigint[]) AS n(id)
		ORDER BY n.id
		ON CONFLICT (encounter_id) DO UPDATE SET patient_id = excluded.patient_id, facility_id = excluded.facility_id,
			facility = excluded.facility, admitted_at = excluded.admitted_at, live = excluded.live, fold = excluded.fold
		WHERE a.fold <= excluded.fold`, c.id, c.org, c.patient, c.facilityID, c.facility, c.at, c.live, c.fold)
	return err
}

// ArrivalsOf loads the stays of patients at tied facilities.
func ArrivalsOf(ctx context.Context, tx pgx.Tx, patients []events.ID) ([]referral.Arrival, error) {
	rows, err := tx.Query(ctx, `SELECT encounter_id, org_id, patient_id, facility_id, facility, admitted_at, live, fold
		FROM arrival WHERE patient_id = ANY($1)`, patients)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a referral.Arrival, err error) {
		err = row.Scan(&a.Encounter, &a.Org, &a.Patient, &a.FacilityID, &a.Facility, &a.At, &a.Live, &a.Fold)
		return a, err
	})
}
