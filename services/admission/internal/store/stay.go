package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// Encounter is a stay with its facts and what others were told of it.
type Encounter struct {
	ID, Org, Facility events.ID
	VisitKey, Visit   string
	Facts             encounter.Facts
	Known             encounter.Known
	PlannedAt         *time.Time
	ED, Reopened      bool

	Patient events.ID  // whose it is in the tables
	Cluster events.ID  // all stays that any statement ever tied to it; zero: none
	Into    events.ID  // the stay that it is a part of; zero: itself
	CheckAt *time.Time // when it has gone on for too long, unless more is heard of it

	New    bool
	Joined bool             // cluster, whole or visit are others than in the tables
	Dirty  bool             // it is other than in the tables
	Added  []encounter.Fact // facts that are not in the tables
	count  int              // how many facts there are in the tables

	loaded   bool   // Facts and Known are there
	snapshot []byte // of Known, to be read if they are not
}

const encounterColumns = `e.id, e.org_id, e.facility_id, e.visit_key, e.visit, e.facts, e.fold_version, e.planned_at, e.ed, e.reopened, e.room, e.bed, e.snapshot,
	e.patient_id, e.cluster_id, e.into_id`

func scanEncounter(row pgx.CollectableRow) (*Encounter, error) {
	e := new(Encounter)
	err := row.Scan(&e.ID, &e.Org, &e.Facility, &e.VisitKey, &e.Visit, &e.count, &e.Known.FoldVersion, &e.PlannedAt, &e.ED, &e.Reopened,
		&e.Known.Place.Room, &e.Known.Place.Bed, &e.snapshot, &e.Patient, &e.Cluster, &e.Into)
	return e, err
}

// readSnapshot fills Known from its column.
func (e *Encounter) readSnapshot() error {
	if err := events.ReadJSON(e.snapshot, &e.Known.Encounter); err != nil {
		return fmt.Errorf("snapshot of encounter %s: %w", e.ID, err)
	}
	e.Known.Place.Unit = e.Known.Unit
	return nil
}

const factColumns = `f.encounter_id, f.message_id, f.patient_id, f.hash, f.occurred_at, f.happened_at, f.recorded_at, f.sent_at, f.received_at,
	f.kind, f.control_id, f.unit, f.room, f.bed, f.vals, f.diagnoses`

// factRow is a fact with the stay it belongs to.
type factRow struct {
	encounter events.ID
	fact      encounter.Fact
}

func scanFact(row pgx.CollectableRow) (r factRow, err error) {
	f := &r.fact
	var kind int16
	var vals, diagnoses string
	if err = row.Scan(&r.encounter, &f.Message, &f.Patient, &f.Hash, &f.Occurred, &f.Happened, &f.Recorded, &f.Sent, &f.Received,
		&kind, &f.Control, &f.Place.Unit, &f.Place.Room, &f.Place.Bed, &vals, &diagnoses); err != nil {
		return r, err
	}
	f.Kind = encounter.Kind(kind)
	if err = json.Unmarshal([]byte(vals), &f.Values); err == nil && diagnoses != "" {
		err = json.Unmarshal([]byte(diagnoses), &f.Diagnoses)
	}
	return r, err
}

// saveEncounters queues what is new or changed, with the facts added.
func saveEncounters(b *pgx.Batch, list []*Encounter) error {
	var fresh, changed encounterArrays
	var facts factArrays
	for _, e := range list {
		if e.New {
			if err := fresh.add(e); err != nil {
				return err
			}
		} else if e.Dirty {
			if err := changed.add(e); err != nil {
				return err
			}
		}
		for i := range e.Added {
			if err := facts.add(e, &e.Added[i]); err != nil {
				return err
			}
		}
	}
	if len(fresh.id) > 0 {
		b.Queue(`INSERT INTO encounter (id, org_id, facility_id, patient_id, fold_version, facts, admitted_at, discharged_at, planned_at, ed, reopened, sensitive,
			state, class, disposition, unit, room, bed, snapshot, check_at, visit, visit_key) SELECT * FROM unnest(`+encounterArrayTypes+`, $21::text[], $22::text[])`,
			append(fresh.args(), fresh.visit, fresh.visitKey)...)
	}
	if len(changed.id) > 0 {
		b.Queue(`UPDATE encounter e SET patient_id = u.patient, fold_version = u.fold, facts = u.facts, admitted_at = u.admitted, discharged_at = u.discharged,
			planned_at = u.planned, ed = u.ed, reopened = u.reopened, sensitive = u.sensitive, state = u.state, class = u.class, disposition = u.disposition,
			unit = u.unit, room = u.room, bed = u.bed, snapshot = u.snapshot, check_at = u.check_at
			FROM unnest(`+encounterArrayTypes+`) AS u(id, org, facility, patient, fold, facts, admitted, discharged, planned, ed, reopened, sensitive, state, class, disposition, unit, room, bed, snapshot, check_at)
			WHERE e.id = u.id`, changed.args()...)
	}
	facts.queue(b)
	return nil
}

const encounterArrayTypes = `$1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::int[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
	$10::boolean[], $11::boolean[], $12::boolean[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::timestamptz[]`

type encounterArrays struct {
	id, org, facility, patient    []events.ID
	fold                          []int64
	facts                         []int32
	admitted, discharged, planned []*time.Time
	check                         []*time.Time
	ed, reopened, sensitive       []bool
	state, class, disposition     []string
	unit, room, bed, snapshot     []string
	visit, visitKey               []string
	space                         []byte // where snapshots are written
}

func (a *encounterArrays) add(e *Encounter) error {
	snapshot, err := events.AppendJSON(a.space[:0], &e.Known.Encounter)
	if err != nil {
		return err
	}
	a.space = snapshot
	k := &e.Known
	a.id, a.org, a.facility, a.patient = append(a.id, e.ID), append(a.org, e.Org), append(a.facility, e.Facility), append(a.patient, k.Patient)
	a.fold, a.facts = append(a.fold, k.FoldVersion), append(a.facts, int32(len(e.Facts)))
	a.admitted, a.discharged, a.planned = append(a.admitted, k.AdmittedAt), append(a.discharged, k.DischargedAt), append(a.planned, e.PlannedAt)
	a.ed, a.reopened = append(a.ed, e.ED), append(a.reopened, e.Reopened)
	a.sensitive = append(a.sensitive, k.Sensitive)
	a.state, a.class, a.disposition = append(a.state, k.State), append(a.class, k.Class), append(a.disposition, k.Disposition)
	a.unit, a.room, a.bed = append(a.unit, k.Place.Unit), append(a.room, k.Place.Room), append(a.bed, k.Place.Bed)
	a.snapshot, a.check = append(a.snapshot, string(snapshot)), append(a.check, e.CheckAt)
	a.visit, a.visitKey = append(a.visit, e.Visit), append(a.visitKey, e.VisitKey)
	return nil
}

func (a *encounterArrays) args() []any {
	return []any{a.id, a.org, a.facility, a.patient, a.fold, a.facts, a.admitted, a.discharged, a.planned, a.ed, a.reopened, a.sensitive,
		a.state, a.class, a.disposition, a.unit, a.room, a.bed, a.snapshot, a.check}
}

type factArrays struct {
	encounter, message, org, patient, hash       []events.ID
	occurred, happened, recorded, sent, received []time.Time
	kind                                         []int16
	control, unit, room, bed, vals, diagnoses    []string
}

func (a *factArrays) add(e *Encounter, f *encounter.Fact) error {
	vals, err := json.Marshal(&f.Values)
	if err != nil {
		return err
	}
	diagnoses := ""
	if len(f.Diagnoses) > 0 {
		b, err := json.Marshal(f.Diagnoses)
		if err != nil {
			return err
		}
		diagnoses = string(b)
	}
	a.encounter, a.message, a.org = append(a.encounter, e.ID), append(a.message, f.Message), append(a.org, e.Org)
	a.patient, a.hash = append(a.patient, f.Patient), append(a.hash, f.Hash)
	a.occurred, a.happened = append(a.occurred, f.Occurred), append(a.happened, f.Happened)
	a.recorded, a.sent, a.received = append(a.recorded, f.Recorded), append(a.sent, f.Sent), append(a.received, f.Received)
	a.kind, a.control = append(a.kind, int16(f.Kind)), append(a.control, f.Control)
	a.unit, a.room, a.bed = append(a.unit, f.Place.Unit), append(a.room, f.Place.Room), append(a.bed, f.Place.Bed)
	a.vals, a.diagnoses = append(a.vals, string(vals)), append(a.diagnoses, diagnoses)
	return nil
}

func (a *factArrays) queue(b *pgx.Batch) {
	if len(a.message) == 0 {
		return
	}
	b.Queue(`INSERT INTO encounter_fact (encounter_id, message_id, org_id, patient_id, hash, occurred_at, happened_at, recorded_at, sent_at, received_at,
		kind, control_id, unit, room, bed, vals, diagnoses)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
		$11::smallint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])`,
		a.encounter, a.message, a.org, a.patient, a.hash, a.occurred, a.happened, a.recorded, a.sent, a.received, a.kind, a.control, a.unit, a.room, a.bed, a.vals, a.diagnoses)
}
