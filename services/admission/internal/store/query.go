package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// where collects conditions with their arguments.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition; each ? is the next argument.
func (w *where) and(condition string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	w.conditions = append(w.conditions, condition)
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// EncounterQuery selects stays, newest first. Zero members select nothing away.
type EncounterQuery struct {
	ID, Facility, Patient events.ID
	Class, State, Unit    string
	Visit, MRN, Birth     string
	Names                 []string // folded words of a name
	HideSensitive         bool
	Before                events.ID // cursor: ids below this one
	Limit                 int
}

// EncounterRow is a stay as it is shown.
type EncounterRow struct {
	events.Encounter
	Visit     string
	Place     encounter.Place
	PlannedAt *time.Time
	Into      events.ID // the stay that it became a part of
}

// Encounters finds stays of the transaction's organization.
func (s *Store) Encounters(ctx context.Context, tx pgx.Tx, q EncounterQuery) ([]EncounterRow, error) {
	w := q.where()
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT e.snapshot, e.fold_version, e.visit, e.unit, e.room, e.bed, e.planned_at, e.into_id FROM encounter e%s ORDER BY e.id DESC LIMIT %d`, w, q.Limit), w.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r EncounterRow, err error) {
		var snapshot []byte
		var version int64
		if err = row.Scan(&snapshot, &version, &r.Visit, &r.Place.Unit, &r.Place.Room, &r.Place.Bed, &r.PlannedAt, &r.Into); err == nil {
			err = events.ReadJSON(snapshot, &r.Encounter)
			r.FoldVersion = version
		}
		return r, err
	})
}

func (q EncounterQuery) where() *where {
	w := &where{conditions: []string{"e.fold_version > 0"}} // others are names alone
	for column, id := range map[string]events.ID{"e.id": q.ID, "e.facility_id": q.Facility, "e.patient_id": q.Patient} {
		if !id.IsZero() {
			w.and(column+" = ?", id)
		}
	}
	for column, v := range map[string]string{"e.class": q.Class, "e.unit": q.Unit} {
		if v != "" {
			w.and(column+" = ?", v)
		}
	}
	if q.Visit != "" { // also a number that it had
		w.and("(e.visit = ? OR e.id IN (SELECT coalesce(into_id, id) FROM encounter WHERE cluster_id IS NOT NULL AND substr(visit_key, 4) = ?))", q.Visit, q.Visit)
	}
	if q.State != "" {
		w.and("e.state = ANY(?)", strings.Split(q.State, ","))
	}
	if q.MRN != "" {
		w.and("e.patient_id IN (SELECT coalesce(p.into_id, p.id) FROM patient_identifier i JOIN patient p ON p.id = i.patient_id WHERE i.value = ?)", q.MRN)
	}
	if q.Birth != "" {
		w.and("e.patient_id IN (SELECT coalesce(p.into_id, p.id) FROM patient_detail d JOIN patient p USING (id) WHERE d.birth = ?)", q.Birth)
	}
	switch len(q.Names) {
	case 0:
	case 1:
		w.and("e.patient_id IN (SELECT coalesce(p.into_id, p.id) FROM patient_detail d JOIN patient p USING (id) WHERE d.family LIKE ? OR d.given LIKE ?)", like(q.Names[0]), like(q.Names[0]))
	default:
		a, b := like(q.Names[0]), like(q.Names[len(q.Names)-1])
		w.and("e.patient_id IN (SELECT coalesce(p.into_id, p.id) FROM patient_detail d JOIN patient p USING (id) WHERE d.family LIKE ? AND d.given LIKE ? OR d.family LIKE ? AND d.given LIKE ?)", a, b, b, a)
	}
	if q.HideSensitive {
		w.and("NOT e.sensitive")
	}
	if !q.Before.IsZero() {
		w.and("e.id < ?", q.Before)
	}
	return w
}

// like matches what begins with a text.
func like(start string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(start) + "%"
}

// Facts reads the facts of a stay and of those that became a part of it, in order.
func (s *Store) Facts(ctx context.Context, tx pgx.Tx, id events.ID) (encounter.Facts, error) {
	rows, err := tx.Query(ctx, `SELECT `+factColumns+` FROM encounter_fact f WHERE f.encounter_id = $1 OR f.encounter_id IN (SELECT x.id FROM encounter e
		JOIN encounter x ON x.cluster_id = e.cluster_id AND x.into_id = e.id WHERE e.id = $1 AND e.cluster_id IS NOT NULL AND x.cluster_id IS NOT NULL)`, id)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanFact)
	facts := make(encounter.Facts, len(list))
	for i := range list {
		facts[i] = list[i].fact
	}
	facts.Sort()
	return facts, err
}

// Told is one fact that was announced about a stay.
type Told struct {
	Version  int64     `json:"version"`
	Type     string    `json:"type"`
	Recorded time.Time `json:"recorded_at"`
	Message  events.ID `json:"message_id"`
	Event    events.ID `json:"event_id"`
}

// Timeline lists what was announced about a stay, versions 1..n.
func (s *Store) Timeline(ctx context.Context, tx pgx.Tx, id events.ID) ([]Told, error) {
	rows, err := tx.Query(ctx, `SELECT version, type, recorded_at, cause, id FROM event_log WHERE key = $1 ORDER BY version`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Told])
}

// Occupancy is how many patients a unit has.
type Occupancy struct {
	Facility events.ID
	Unit     string
	Class    string
	Present  int
	Arrived  int
	OnLeave  int
	Leaving  int // expected to be discharged
}

// Census counts the patients who are in the organization's hospitals, by unit and class.
func (s *Store) Census(ctx context.Context, tx pgx.Tx, facility events.ID) ([]Occupancy, error) {
	w := &where{}
	w.and("e.state IN ('arrived', 'in-progress', 'onleave')")
	if !facility.IsZero() {
		w.and("e.facility_id = ?", facility)
	}
	rows, err := tx.Query(ctx, `SELECT facility_id, unit, class, count(*), count(*) FILTER (WHERE state = 'arrived'), count(*) FILTER (WHERE state = 'onleave'),
		count(*) FILTER (WHERE e.snapshot::json->>'expected_discharge_at' IS NOT NULL) FROM encounter e`+w.String()+` GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, w.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Occupancy])
}

// PatientRow is a patient as shown to those who may.
type PatientRow struct {
	Patient
	Restricted  bool // names are hidden
	Identifiers []IdentifierRow
}

// IdentifierRow is one of a patient's identifiers.
type IdentifierRow struct {
	Type      string `json:"type"`
	Authority string `json:"authority"`
	Value     string `json:"value"`
}

// PatientsByID reads patients, with whether any of their stays is restricted.
func (s *Store) PatientsByID(ctx context.Context, tx pgx.Tx, ids []events.ID) ([]PatientRow, error) {
	rows, err := tx.Query(ctx, `SELECT p.id, p.org_id, p.facility_id, p.person_id, p.stamps, coalesce(d.effective, d.groups), p.into_id, coalesce(p.deletions, ''), EXISTS (SELECT FROM encounter e WHERE e.patient_id = ANY(ARRAY[p.id, p.into_id]) AND e.sensitive)
		FROM patient p JOIN patient_detail d USING (id) WHERE p.id = ANY($1) ORDER BY p.id`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r PatientRow, err error) {
		var stamps []byte
		var groups string
		if err = row.Scan(&r.ID, &r.Org, &r.Facility, &r.Person, &stamps, &groups, &r.Into, &r.deletions, &r.Restricted); err == nil {
			r.Record = decodeRecord(stamps, groups)
			r.Restricted = r.Restricted || r.Protected()
		}
		return r, err
	})
}

// Identifiers lists a patient's identifiers and the patients linked with it.
func (s *Store) Identifiers(ctx context.Context, tx pgx.Tx, p *PatientRow) (linked []events.ID, err error) {
	rows, err := tx.Query(ctx, `SELECT kind, authority, value FROM patient_identifier WHERE kind <> 'mother' AND (patient_id = $1
		OR patient_id IN (SELECT x.id FROM patient p JOIN patient x ON x.cluster_id = p.cluster_id AND x.into_id = p.id WHERE p.id = $1 AND x.cluster_id IS NOT NULL))
		ORDER BY own DESC, kind, authority, value`, p.ID)
	if err != nil {
		return nil, err
	}
	if p.Identifiers, err = pgx.CollectRows(rows, pgx.RowToStructByPos[IdentifierRow]); err != nil {
		return nil, err
	}
	if rows, err = tx.Query(ctx, `SELECT id FROM patient WHERE person_id = $1 AND id <> $2 AND into_id IS NULL ORDER BY id`, p.Person, p.ID); err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[events.ID])
}

// Access is one row of the access log.
type Access struct {
	Org      events.ID
	Who      string
	Roles    []string
	Action   string
	Purpose  string
	Patients []events.ID
	Subject  events.ID // the stay or message looked at
}

// Log notes an access in the transaction that gives it.
func (s *Store) Log(ctx context.Context, tx pgx.Tx, a Access) error {
	if a.Patients == nil {
		a.Patients = []events.ID{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO access_log (org_id, who, roles, action, purpose, patients, subject_id) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.Org, a.Who, a.Roles, a.Action, a.Purpose, a.Patients, a.Subject)
	return err
}
