package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// Care is one encounter's rows: its transition, if there is one, and all tasks it
// ever had.
type Care struct {
	Transition *transition.Transition
	Tasks      []transition.Task
}

// Death is what one source says of a patient.
type Death struct {
	Org     events.ID
	Patient events.ID
	Source  events.ID // an encounter; or the patient's own id, for the demographics
	Dead    bool
	AsOf    int64 // sequence of the event that said so
}

// Facility is what this service needs to know of a facility.
type Facility struct {
	ID       events.ID
	Org      events.ID
	Code     string
	Zone     string
	Closures []string // YYYY-MM-DD
	Kind     string   // one of events.FacilityTypes; empty: nobody has said
}

// Wanted says what to load.
type Wanted struct {
	Encounters []events.ID
	Patients   []events.ID // whose deaths
	Facilities []events.ID
	Visits     WantedVisits // none where it names nobody
	// SkipLocked leaves out transitions that another transaction holds, for work that
	// can wait and holds something the other may be waiting for.
	SkipLocked bool
}

// World is what was found.
type World struct {
	Cares      map[events.ID]*Care // by encounter; only those with a transition
	Deaths     []Death
	Facilities []Facility
	People     People
}

// Load finds and locks what a batch touches.
func Load(ctx context.Context, tx pgx.Tx, w Wanted) (*World, error) {
	out := &World{Cares: make(map[events.ID]*Care, len(w.Encounters))}
	b := &pgx.Batch{}
	// Every statement of these transactions looks rows up by key. A plan that was made
	// while the tables were new would read them whole, and be kept until somebody
	// analyzes them: by then they hold a hundred thousand rows.
	b.Queue(`SET LOCAL enable_seqscan = off`)
	if len(w.Encounters) > 0 {
		queueCares(b, out, w)
	}
	if len(w.Patients) > 0 {
		// A stay's word may stand under a patient whose the stay no longer is: then all
		// that is said of that patient matters, too.
		b.Queue(`SELECT patient_id, source, org_id, dead, as_of FROM death WHERE patient_id = ANY($1)
			UNION SELECT d.patient_id, d.source, d.org_id, d.dead, d.as_of FROM death s JOIN death d USING (patient_id) WHERE s.source = ANY($2)`,
			w.Patients, w.Encounters).
			Query(func(rows pgx.Rows) error { return eachDeath(rows, out) })
	}
	if len(w.Facilities) > 0 {
		b.Queue(`SELECT id, org_id, code, zone, closures, kind FROM facility WHERE id = ANY($1)`, w.Facilities).
			Query(func(rows pgx.Rows) error { return eachFacility(rows, out) })
	}
	if len(w.Visits.Patients) > 0 {
		queuePeople(b, &out.People, w.Visits)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("load transitions: %w", err)
	}
	return out, nil
}

// LoadPatients finds and locks the transitions of patients, for a death or its
// correction.
func LoadPatients(ctx context.Context, tx pgx.Tx, patients []events.ID) (map[events.ID]*Care, error) {
	encounters, err := selected(ctx, tx, `SELECT encounter_id FROM transition WHERE patient_id = ANY($1) AND state <> 'cancelled'`, patients)
	if err != nil {
		return nil, err
	}
	w, err := Load(ctx, tx, Wanted{Encounters: encounters})
	if err != nil {
		return nil, err
	}
	return w.Cares, nil
}

// LoadStale finds and locks up to limit transitions of a facility whose due times
// were computed in another zone or calendar than the facility has now. It passes over
// those that another transaction holds; left reports whether there are more.
func LoadStale(ctx context.Context, tx pgx.Tx, facility events.ID, zone, calendar string, limit int) (found map[events.ID]*Care, left bool, err error) {
	encounters, err := selected(ctx, tx, `SELECT encounter_id FROM transition WHERE facility_id = $1
		AND state IN ('planning', 'active') AND (zone, calendar) <> ($2, $3) ORDER BY encounter_id LIMIT $4`,
		facility, zone, calendar, limit)
	if err != nil {
		return nil, false, err
	}
	w, err := Load(ctx, tx, Wanted{Encounters: encounters, SkipLocked: true})
	if err != nil {
		return nil, false, err
	}
	return w.Cares, len(encounters) == limit || len(w.Cares) < len(encounters), nil
}

func selected(ctx context.Context, tx pgx.Tx, selection string, args ...any) ([]events.ID, error) {
	rows, err := tx.Query(ctx, selection, args...)
	if err != nil {
		return nil, fmt.Errorf("select transitions: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[events.ID])
	if err != nil {
		return nil, fmt.Errorf("select transitions: %w", err)
	}
	return ids, nil
}

// queueCares queues the transitions of encounters, then their tasks.
func queueCares(b *pgx.Batch, out *World, w Wanted) {
	lock := ` FOR UPDATE`
	if w.SkipLocked {
		lock = ` FOR UPDATE SKIP LOCKED`
	}
	b.Queue(`SELECT `+transitionColumns+` FROM transition WHERE encounter_id = ANY($1) ORDER BY encounter_id`+lock, w.Encounters).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				t, err := scanTransition(rows)
				if err != nil {
					return err
				}
				out.Cares[t.Encounter] = &Care{Transition: t}
			}
			return rows.Err()
		})
	b.Queue(`SELECT `+taskColumns+` FROM task k WHERE k.encounter_id = ANY($1) ORDER BY k.encounter_id, k.created_at, k.id`, w.Encounters).
		Query(func(rows pgx.Rows) error { return eachTask(rows, out) })
}

func eachTask(rows pgx.Rows, out *World) error {
	for rows.Next() {
		t, err := scanTask(rows)
		if err != nil {
			return err
		}
		if c := out.Cares[t.Encounter]; c != nil {
			of := c.Transition
			t.Patient, t.Facility, t.Unit = of.Patient, of.Facility, of.Unit
			if of.State != transition.None {
				t.Transition = of.ID
			}
			t.Late, t.Sensitive = transition.Late(t.Code, t.Trigger, of.LateArrival, of.Stay.HangingSince), of.Sensitive
			c.Tasks = append(c.Tasks, t)
		}
	}
	return rows.Err()
}

func eachDeath(rows pgx.Rows, out *World) error {
	var d Death
	_, err := pgx.ForEachRow(rows, []any{&d.Patient, &d.Source, &d.Org, &d.Dead, &d.AsOf}, func() error {
		out.Deaths = append(out.Deaths, d)
		return nil
	})
	return err
}

func eachFacility(rows pgx.Rows, out *World) error {
	var f Facility
	var closures string
	_, err := pgx.ForEachRow(rows, []any{&f.ID, &f.Org, &f.Code, &f.Zone, &closures, &f.Kind}, func() error {
		f.Closures = strings.Fields(closures)
		out.Facilities = append(out.Facilities, f)
		return nil
	})
	return err
}

// Stays are the snapshots that transitions were last decided on, by encounter.
func Stays(ctx context.Context, tx pgx.Tx, encounters []events.ID) (map[events.ID]events.Encounter, error) {
	rows, err := tx.Query(ctx, `SELECT encounter_id, stay::text FROM transition WHERE encounter_id = ANY($1)`, encounters)
	if err != nil {
		return nil, fmt.Errorf("load stays: %w", err)
	}
	out := make(map[events.ID]events.Encounter, len(encounters))
	var id events.ID
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		var e events.Encounter
		if err := events.ReadJSON(text, &e); err != nil {
			return err
		}
		out[id] = e
		return nil
	})
	return out, err
}

const transitionColumns = `encounter_id, id, org_id, patient_id, facility_id, facility, zone, unit, state, reason, version, class,
	disposition, admitted_at, expected_at, discharged_at, received_at, protocols, needs, flags, diagnoses, age, sex, zip3, language,
	payer, risk::text, late_arrival, sensitive, calendar, fold_version, outlook::text, settles_at, hanging_since,
	coalesce(clocks::text, ''), clocks_until`

func scanTransition(row pgx.Row, more ...any) (*transition.Transition, error) {
	t := &transition.Transition{}
	var protocols, needs, flags, diagnoses string
	var scored, outlook *string
	var received *time.Time
	err := row.Scan(append([]any{&t.Encounter, &t.ID, &t.Org, &t.Patient, &t.FacilityID, &t.Facility, &t.Zone, &t.Unit, &t.State, &t.Reason,
		&t.Version, &t.Class, &t.Disposition, &t.AdmittedAt, &t.ExpectedAt, &t.DischargedAt, &received, &protocols, &needs, &flags,
		&diagnoses, &t.Age, &t.Sex, &t.ZIP3, &t.Language, &t.Payer, &scored, &t.LateArrival, &t.Sensitive, &t.Calendar, &t.Stay.FoldVersion,
		&outlook, &t.SettlesAt, &t.Stay.HangingSince, &t.Clocks, &t.ClocksUntil}, more...)...)
	if err != nil {
		return nil, err
	}
	if received != nil {
		t.Received = *received
	}
	t.Protocols, t.Needs, t.Flags, t.Diagnoses = split(protocols), split(needs), split(flags), split(diagnoses)
	if scored != nil {
		t.Risk = &events.Risk{}
		if err := events.ReadJSON([]byte(*scored), t.Risk); err != nil {
			return nil, err
		}
	}
	return t, readOutlook(outlook, t)
}

const taskColumns = `k.id, k.encounter_id, k.org_id, k.code, k.nth, k.title, k.owner_role, k.priority, k.reasons, k.protocols, k.rule,
	k.trigger_at, k.zone, k.calendar, k.due_at, k.warn_at, k.warned, k.overdue, k.state, k.reason, k.version, k.owner, k.snoozed_to,
	k.attempts, k.outcome, k.closed_at, k.closed_by`

func scanTask(row pgx.Row, more ...any) (transition.Task, error) {
	var t transition.Task
	var reasons, protocols string
	var due time.Time
	err := row.Scan(append([]any{&t.ID, &t.Encounter, &t.Org, &t.Code, &t.Nth, &t.Title, &t.OwnerRole, &t.Priority, &reasons, &protocols,
		&t.Rule, &t.Trigger, &t.Zone, &t.Calendar, &due, &t.WarnAt, &t.Warned, &t.Overdue, &t.State, &t.Reason, &t.Version, &t.Owner,
		&t.SnoozedTo, &t.Attempts, &t.Outcome, &t.ClosedAt, &t.ClosedBy}, more...)...)
	t.DueAt = &due
	t.Protocols = split(protocols)
	if reasons != "" {
		t.Reasons = strings.Split(reasons, "\n")
	}
	return t, err
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}
