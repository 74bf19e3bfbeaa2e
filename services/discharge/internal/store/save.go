package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// History is one version of a transition, as it will be asked about later.
type History struct {
	Org       events.ID
	Encounter events.ID
	Version   int
	Type      string
	State     string
	Reason    string
	Previous  map[string]string
	Cause     events.ID
}

// Changes is everything a transaction saves.
type Changes struct {
	At          time.Time
	Transitions []*transition.Transition
	Created     []*transition.Task // new tasks
	Changed     []*transition.Task // tasks changed since they were made
	History     []History
	Corrections []Correction
	Deaths      []Death
	Facilities  []Facility
	Kin         []Kin
	Visits      []readmission.Visit
	Tally       map[events.ID]Tally // by organization
	Aside       Aside
}

// Tally counts what was made for an organization.
type Tally struct{ Transitions, Tasks int }

// Save writes all changes in one round trip.
func Save(ctx context.Context, tx pgx.Tx, c Changes) error {
	b := &pgx.Batch{}
	if err := queueTransitions(b, c.Transitions, c.At); err != nil {
		return err
	}
	queueCreated(b, c.Created, c.At)
	queueChanged(b, c.Changed, c.At)
	if err := queueHistory(b, c.History, c.At); err != nil {
		return err
	}
	if err := queueCorrections(b, c.Corrections, c.At); err != nil {
		return err
	}
	queueDeaths(b, c.Deaths)
	queueFacilities(b, c.Facilities)
	queueKin(b, c.Kin)
	if err := queueVisits(b, c.Visits); err != nil {
		return err
	}
	queueTally(b, c.Tally)
	if err := queueAside(b, c.Aside, c.At); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("save transitions: %w", err)
	}
	return nil
}

const upsertTransitions = `INSERT INTO transition (encounter_id, id, org_id, patient_id, facility_id, facility, zone, unit, state, reason,
	version, class, disposition, admitted_at, expected_at, discharged_at, received_at, protocols, needs, flags, diagnoses, age, sex,
	zip3, language, payer, risk, late_arrival, sensitive, calendar, fold_version, stay, outlook, settles_at, hanging_since,
	clocks, clocks_until, changed_at)
SELECT *, $33::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
	$9::text[], $10::text[], $11::int[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
	$17::timestamptz[], $18::text[], $19::text[], $20::text[], $21::text[], $22::int[], $23::text[], $24::text[], $25::text[],
	$26::text[], $27::json[], $28::bool[], $29::bool[], $30::text[], $31::bigint[], $32::json[], $34::json[], $35::timestamptz[],
	$36::timestamptz[], $37::json[], $38::timestamptz[])
ON CONFLICT (encounter_id) DO UPDATE SET patient_id = excluded.patient_id, facility_id = excluded.facility_id,
	facility = excluded.facility, zone = excluded.zone, unit = excluded.unit, state = excluded.state, reason = excluded.reason,
	version = excluded.version, class = excluded.class, disposition = excluded.disposition, admitted_at = excluded.admitted_at,
	expected_at = excluded.expected_at, discharged_at = excluded.discharged_at, received_at = excluded.received_at,
	protocols = excluded.protocols, needs = excluded.needs, flags = excluded.flags, diagnoses = excluded.diagnoses,
	age = excluded.age, sex = excluded.sex, zip3 = excluded.zip3, language = excluded.language, payer = excluded.payer,
	risk = excluded.risk, late_arrival = excluded.late_arrival, sensitive = excluded.sensitive, calendar = excluded.calendar,
	fold_version = excluded.fold_version, stay = coalesce(excluded.stay, transition.stay), outlook = excluded.outlook,
	settles_at = excluded.settles_at, hanging_since = excluded.hanging_since, clocks = excluded.clocks,
	clocks_until = excluded.clocks_until, changed_at = excluded.changed_at`

func queueTransitions(b *pgx.Batch, list []*transition.Transition, at time.Time) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	encounter, id, org, patient, facilityID := ids(n), ids(n), ids(n), ids(n), ids(n)
	facility, zone, unit, state, reason, class, disposition := texts(n), texts(n), texts(n), texts(n), texts(n), texts(n), texts(n)
	protocols, needs, flags, diagnoses := texts(n), texts(n), texts(n), texts(n)
	sex, zip3, language, payer, calendar := texts(n), texts(n), texts(n), texts(n), texts(n)
	version, fold, age := make([]int32, n), make([]int64, n), make([]*int, n)
	admitted, expected, discharged, received, settles, hanging := times(n), times(n), times(n), times(n), times(n), times(n)
	risk, stay, late, sensitive := make([]*string, n), make([]*string, n), make([]bool, n), make([]bool, n)
	outlook, clocks, until := make([]*string, n), make([]*string, n), times(n)
	var text writer
	for i, t := range list {
		encounter[i], id[i], org[i], patient[i], facilityID[i] = t.Encounter, t.ID, t.Org, t.Patient, t.FacilityID
		facility[i], zone[i], unit[i], state[i], reason[i] = t.Facility, t.Zone, t.Unit, t.State, t.Reason
		class[i], disposition[i], version[i] = t.Class, t.Disposition, int32(t.Version)
		admitted[i], expected[i], discharged[i], settles[i] = t.AdmittedAt, t.ExpectedAt, t.DischargedAt, t.SettlesAt
		if transition.Hanging(t.Stay) {
			hanging[i] = t.Stay.HangingSince
		}
		if !t.Received.IsZero() {
			received[i] = &t.Received
		}
		protocols[i], needs[i], flags[i] = strings.Join(t.Protocols, " "), strings.Join(t.Needs, " "), strings.Join(t.Flags, " ")
		diagnoses[i], age[i] = strings.Join(t.Diagnoses, " "), t.Age
		sex[i], zip3[i], language[i], payer[i] = t.Sex, t.ZIP3, t.Language, t.Payer
		late[i], sensitive[i], calendar[i], fold[i] = t.LateArrival, t.Sensitive, t.Calendar, t.Stay.FoldVersion
		var err error
		if !t.Stay.ID.IsZero() { // else it was not loaded, and has not changed
			if stay[i], err = text.json(&t.Stay); err != nil {
				return err
			}
		}
		if t.Risk != nil {
			if risk[i], err = text.json(t.Risk); err != nil {
				return err
			}
		}
		if t.Clocks != "" {
			clocks[i], until[i] = &t.Clocks, t.ClocksUntil
		}
		if outlook[i], err = text.outlook(t); err != nil {
			return err
		}
	}
	b.Queue(upsertTransitions, encounter, id, org, patient, facilityID, facility, zone, unit, state, reason, version, class, disposition,
		admitted, expected, discharged, received, protocols, needs, flags, diagnoses, age, sex, zip3, language, payer, risk, late,
		sensitive, calendar, fold, stay, at, outlook, settles, hanging, clocks, until)
	return nil
}

const insertTasks = `INSERT INTO task (id, encounter_id, org_id, code, nth, title, owner_role, priority, reasons, protocols, rule,
	trigger_at, zone, calendar, due_at, warn_at, warned, overdue, created_at, changed_at)
SELECT *, $19::timestamptz, $19::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::text[],
	$8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::text[], $14::text[], $15::timestamptz[],
	$16::timestamptz[], $17::bool[], $18::bool[])`

// queueCreated inserts new tasks as they are made. One that was changed since, in the
// same transaction, is among the changed ones as well.
func queueCreated(b *pgx.Batch, list []*transition.Task, at time.Time) {
	if len(list) == 0 {
		return
	}
	n := len(list)
	encounter, org, nth := ids(n), ids(n), make([]int32, n)
	code := texts(n)
	p := newPlanned(n)
	for i, t := range list {
		encounter[i], org[i], code[i], nth[i] = t.Encounter, t.Org, t.Code, int32(t.Nth)
		p.set(i, t)
	}
	b.Queue(insertTasks, p.id, encounter, org, code, nth, p.title, p.role, p.priority, p.reasons, p.protocols, p.rule, p.trigger, p.zone,
		p.calendar, p.due, p.warn, p.warned, p.overdue, at)
}

const updateTasks = `UPDATE task SET title = n.title, owner_role = n.owner_role, priority = n.priority, reasons = n.reasons,
	protocols = n.protocols, rule = n.rule, trigger_at = n.trigger_at, zone = n.zone, calendar = n.calendar, due_at = n.due_at,
	warn_at = n.warn_at, warned = n.warned, overdue = n.overdue, state = n.state, reason = n.reason, version = n.version,
	owner = n.owner, snoozed_to = n.snoozed_to, attempts = n.attempts, outcome = n.outcome, closed_at = n.closed_at,
	closed_by = n.closed_by, changed_at = $24::timestamptz
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
	$10::text[], $11::timestamptz[], $12::timestamptz[], $13::bool[], $14::bool[], $15::text[], $16::text[], $17::int[], $18::text[],
	$19::timestamptz[], $20::int[], $21::text[], $22::timestamptz[], $23::text[])
	AS n(id, title, owner_role, priority, reasons, protocols, rule, trigger_at, zone, calendar, due_at, warn_at, warned, overdue, state,
	reason, version, owner, snoozed_to, attempts, outcome, closed_at, closed_by)
WHERE task.id = n.id AND task.id = ANY($1)`

func queueChanged(b *pgx.Batch, list []*transition.Task, at time.Time) {
	if len(list) == 0 {
		return
	}
	n := len(list)
	state, reason, owner, outcome, closedBy := texts(n), texts(n), texts(n), texts(n), texts(n)
	version, attempts, snoozed, closed := make([]int32, n), make([]int32, n), times(n), times(n)
	p := newPlanned(n)
	for i, t := range list {
		p.set(i, t)
		state[i], reason[i], version[i], owner[i], snoozed[i] = t.State, t.Reason, int32(t.Version), t.Owner, t.SnoozedTo
		attempts[i], outcome[i], closed[i], closedBy[i] = int32(t.Attempts), t.Outcome, t.ClosedAt, t.ClosedBy
	}
	b.Queue(updateTasks, p.id, p.title, p.role, p.priority, p.reasons, p.protocols, p.rule, p.trigger, p.zone, p.calendar, p.due, p.warn,
		p.warned, p.overdue, state, reason, version, owner, snoozed, attempts, outcome, closed, closedBy, at)
}

// planned are the columns of tasks that follow from their plan.
type planned struct {
	id                                                              []events.ID
	title, role, priority, reasons, protocols, rule, zone, calendar []string
	trigger, due, warn                                              []*time.Time
	warned, overdue                                                 []bool
}

func newPlanned(n int) planned {
	return planned{
		id: ids(n), title: texts(n), role: texts(n), priority: texts(n), reasons: texts(n), protocols: texts(n), rule: texts(n),
		zone: texts(n), calendar: texts(n), trigger: times(n), due: times(n), warn: times(n),
		warned: make([]bool, n), overdue: make([]bool, n),
	}
}

func (p *planned) set(i int, t *transition.Task) {
	p.id[i], p.title[i], p.role[i], p.priority[i] = t.ID, t.Title, t.OwnerRole, t.Priority
	p.reasons[i], p.protocols[i] = strings.Join(t.Reasons, "\n"), strings.Join(t.Protocols, " ")
	p.rule[i], p.trigger[i], p.zone[i], p.calendar[i] = t.Rule, &t.Trigger, t.Zone, t.Calendar
	p.due[i], p.warn[i], p.warned[i], p.overdue[i] = t.DueAt, &t.WarnAt, t.Warned, t.Overdue
}

func queueHistory(b *pgx.Batch, list []History, at time.Time) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	encounter, org, cause, version := ids(n), ids(n), ids(n), make([]int32, n)
	typ, state, reason, previous := texts(n), texts(n), texts(n), make([]*string, n)
	var text writer
	for i, h := range list {
		encounter[i], org[i], cause[i], version[i] = h.Encounter, h.Org, h.Cause, int32(h.Version)
		typ[i], state[i], reason[i] = h.Type, h.State, h.Reason
		if len(h.Previous) > 0 {
			var err error
			if previous[i], err = text.json(h.Previous); err != nil {
				return err
			}
		}
	}
	b.Queue(`INSERT INTO transition_history (encounter_id, version, org_id, type, state, reason, previous, cause, at)
		SELECT *, $9::timestamptz FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::json[], $8::uuid[])`,
		encounter, version, org, typ, state, reason, previous, cause, at)
	return nil
}

func queueDeaths(b *pgx.Batch, list []Death) {
	for _, d := range list { // rare: one statement each
		b.Queue(`INSERT INTO death (patient_id, source, org_id, dead, as_of) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (patient_id, source) DO UPDATE SET dead = excluded.dead, as_of = excluded.as_of`,
			d.Patient, d.Source, d.Org, d.Dead, d.AsOf)
	}
}

func queueFacilities(b *pgx.Batch, list []Facility) {
	for _, f := range list { // rare: one statement each
		b.Queue(`INSERT INTO facility (id, org_id, code, zone, closures, kind) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO UPDATE SET code = excluded.code, zone = excluded.zone, closures = excluded.closures, kind = excluded.kind`,
			f.ID, f.Org, f.Code, f.Zone, strings.Join(f.Closures, " "), f.Kind)
	}
}

func queueTally(b *pgx.Batch, tally map[events.ID]Tally) {
	var org []events.ID
	var name []string
	var n []int64
	for id, t := range tally {
		org, name, n = append(org, id, id), append(name, "transitions", "tasks"), append(n, int64(t.Transitions), int64(t.Tasks))
	}
	if len(org) > 0 {
		b.Queue(`INSERT INTO tally (org_id, name, n) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) ORDER BY 1, 2
			ON CONFLICT (org_id, name) DO UPDATE SET n = tally.n + excluded.n`, org, name, n)
	}
}

func asJSON(v any) (*string, error) { return new(writer).json(v) }

// writer writes one document after the other in the same room.
type writer struct{ room []byte }

func (w *writer) json(v any) (*string, error) {
	text, err := events.AppendJSON(w.room[:0], v)
	return w.keep(text), err
}

// keep is what was written, as a text of its own.
func (w *writer) keep(text []byte) *string {
	w.room = text
	s := string(text)
	return &s
}

func ids(n int) []events.ID    { return make([]events.ID, n) }
func texts(n int) []string     { return make([]string, n) }
func times(n int) []*time.Time { return make([]*time.Time, n) }
