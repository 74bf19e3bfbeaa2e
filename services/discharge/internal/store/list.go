package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// where collects the conditions of a list. Each list has its own statement, so that
// the database plans for the conditions there are.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition; ? is replaced by the argument's number.
func (w *where) and(condition string, arg any) {
	w.args = append(w.args, arg)
	w.conditions = append(w.conditions, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(w.args))))
}

func (w *where) sql() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// TransitionQuery selects transitions; zero fields select all.
type TransitionQuery struct {
	ID, Encounter, Patient events.ID
	States                 []string
	Facility               string
	After                  events.ID // keyset: the last id of the page before
	Limit                  int
}

// TransitionRow is a transition as it is listed.
type TransitionRow struct {
	transition.Transition
	ChangedAt time.Time
}

// Transitions lists transitions in the order of their ids.
func Transitions(ctx context.Context, tx pgx.Tx, q TransitionQuery) ([]TransitionRow, error) {
	var w where
	w.and("state <> ?", transition.None)
	if !q.ID.IsZero() {
		w.and("id = ?", q.ID)
	}
	if !q.Encounter.IsZero() {
		w.and("encounter_id = ?", q.Encounter)
	}
	if !q.Patient.IsZero() {
		w.and("patient_id = ?", q.Patient)
	}
	if len(q.States) > 0 {
		w.and("state = ANY(?)", q.States)
	}
	if q.Facility != "" {
		w.and("facility = ?", q.Facility)
	}
	if !q.After.IsZero() {
		w.and("id > ?", q.After)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT %s, changed_at FROM transition%s ORDER BY id LIMIT %d`,
		transitionColumns, w.sql(), q.Limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list transitions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (TransitionRow, error) {
		var r TransitionRow
		t, err := scanTransition(row, &r.ChangedAt)
		if err == nil {
			r.Transition = *t
		}
		return r, err
	})
}

// Version is one version of a transition.
type Version struct {
	Version  int               `json:"version"`
	Type     string            `json:"type" doc:"the fact that was told"`
	State    string            `json:"state"`
	Reason   string            `json:"reason"`
	Previous map[string]string `json:"previous" doc:"what changed, old values; codes and times only"`
	Cause    events.ID         `json:"cause" doc:"the event that led to it; empty: a person, or the passing of time"`
	At       time.Time         `json:"at"`
}

// Versions lists the versions of a transition, oldest first.
func Versions(ctx context.Context, tx pgx.Tx, transition events.ID) ([]Version, error) {
	rows, err := tx.Query(ctx, `SELECT h.version, h.type, h.state, h.reason, h.previous::text, h.cause, h.at
		FROM transition t JOIN transition_history h USING (encounter_id) WHERE t.id = $1 ORDER BY h.version`, transition)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Version, error) {
		v := Version{Previous: map[string]string{}}
		var previous *string
		if err := row.Scan(&v.Version, &v.Type, &v.State, &v.Reason, &previous, &v.Cause, &v.At); err != nil || previous == nil {
			return v, err
		}
		return v, events.ReadJSON([]byte(*previous), &v.Previous)
	})
}

// TaskQuery selects tasks; zero fields select all.
type TaskQuery struct {
	ID, Transition, Encounter events.ID
	Owner                     string
	Unowned                   bool
	States                    []string
	Facility                  string
	DueBefore                 *time.Time
	ByDue                     bool // order by due time and id, for open tasks; else by id
	AfterDue                  time.Time
	After                     events.ID
	Limit                     int
}

// TaskRow is a task as it is listed.
type TaskRow struct {
	transition.Task
	CreatedAt, ChangedAt time.Time
}

// Tasks lists tasks.
func Tasks(ctx context.Context, tx pgx.Tx, q TaskQuery) ([]TaskRow, error) {
	w, order := q.where()
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT %s, k.created_at, k.changed_at, t.patient_id, t.facility, t.unit, t.late_arrival, t.sensitive, t.state,
			t.hanging_since
		FROM task k JOIN transition t USING (encounter_id)%s ORDER BY %s LIMIT %d`, taskColumns, w.sql(), order, q.Limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (TaskRow, error) {
		var r TaskRow
		var of events.Task
		var hanging *time.Time
		t, err := scanTask(row, &r.CreatedAt, &r.ChangedAt, &of.Patient, &of.Facility, &of.Unit, &of.Late, &of.Sensitive, &of.State, &hanging)
		if of.State != transition.None {
			t.Transition = transition.ID(t.Encounter)
		}
		t.Patient, t.Facility, t.Unit, t.Sensitive = of.Patient, of.Facility, of.Unit, of.Sensitive
		t.Late = transition.Late(t.Code, t.Trigger, of.Late, hanging)
		r.Task = t
		return r, err
	})
}

func (q TaskQuery) where() (w where, order string) {
	if !q.ID.IsZero() {
		w.and("k.id = ?", q.ID)
	}
	if !q.Transition.IsZero() {
		w.and("t.id = ?", q.Transition)
	}
	if !q.Encounter.IsZero() {
		w.and("k.encounter_id = ?", q.Encounter)
	}
	if q.Owner != "" {
		w.and("k.owner = ?", q.Owner)
	}
	if q.Unowned {
		w.and("k.owner = ?", "")
	}
	if len(q.States) > 0 {
		w.and("k.state = ANY(?)", q.States)
	}
	if q.Facility != "" {
		w.and("t.facility = ?", q.Facility)
	}
	if q.DueBefore != nil {
		w.and("k.due_at < ?", *q.DueBefore)
	}
	if !q.ByDue {
		if !q.After.IsZero() {
			w.and("k.id > ?", q.After)
		}
		return w, "k.id"
	}
	w.conditions = append(w.conditions, "k.state IN ('requested', 'accepted', 'in-progress', 'on-hold')") // names the index
	if !q.After.IsZero() {
		w.args = append(w.args, q.AfterDue, q.After)
		w.conditions = append(w.conditions, fmt.Sprintf("(k.due_at, k.id) > ($%d, $%d)", len(w.args)-1, len(w.args)))
	}
	return w, "k.due_at, k.id"
}

// Entry is something a person did to a task.
type Entry struct {
	Action   string     `json:"action"`
	By       string     `json:"by"`
	At       time.Time  `json:"at"`
	Channel  string     `json:"channel"`
	Outcome  string     `json:"outcome"`
	Duration *int       `json:"duration_s"`
	Note     string     `json:"note"`
	NextAt   *time.Time `json:"next_at"`
	// Previous and Cause are of what a correction of the stay did; then by is empty and outcome says which.
	Previous map[string]string `json:"previous,omitempty" doc:"what a correction of the stay changed, old values; codes and times only"`
	Cause    events.ID         `json:"cause,omitzero" doc:"the event that led to the correction"`
}

// Log adds an entry to a task's log.
func Log(ctx context.Context, tx pgx.Tx, org, task events.ID, e Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO task_log (org_id, task_id, action, by, at, channel, outcome, duration_s, note, next_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		org, task, e.Action, e.By, e.At, e.Channel, e.Outcome, e.Duration, e.Note, e.NextAt)
	if err != nil {
		return fmt.Errorf("log an action: %w", err)
	}
	return nil
}

// Entries lists a task's log, oldest first.
func Entries(ctx context.Context, tx pgx.Tx, task events.ID) ([]Entry, error) {
	rows, err := tx.Query(ctx, `SELECT action, by, at, channel, outcome, duration_s, note, next_at, previous, cause FROM task_log WHERE task_id = $1 ORDER BY id`, task)
	if err != nil {
		return nil, fmt.Errorf("list a task's log: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
}

// EncounterOf is the encounter of a task; the zero ID where the organization has none such.
func EncounterOf(ctx context.Context, tx pgx.Tx, task events.ID) (events.ID, error) {
	var id events.ID
	err := tx.QueryRow(ctx, `SELECT coalesce((SELECT encounter_id FROM task WHERE id = $1), NULL)`, task).Scan(&id)
	return id, err
}

// Counts are what the conservation laws compare. Each state is counted by its name,
// so that a row in a state nobody knows shows as a difference.
type Counts struct {
	MadeTransitions, MadeTasks       int64 // as tallied when they were made
	Transitions, Tasks               int64 // in one of the known states
	Active, ActiveWithOpen           int64 // active transitions; those of them with an open task
	OpenTasks, OpenTasksOfActive     int64
	DuplicateOpen, Histories, Latest int64
}

// Count counts an organization's rows.
func Count(ctx context.Context, tx pgx.Tx) (Counts, error) {
	var c Counts
	err := tx.QueryRow(ctx, `
WITH open AS (SELECT encounter_id, code FROM task WHERE state IN ('requested', 'accepted', 'in-progress', 'on-hold')),
	follow_up AS (SELECT encounter_id FROM open WHERE code <> $3)
SELECT coalesce((SELECT n FROM tally WHERE name = 'transitions'), 0), coalesce((SELECT n FROM tally WHERE name = 'tasks'), 0),
	(SELECT count(*) FROM transition WHERE state = ANY($1)), (SELECT count(*) FROM task WHERE state = ANY($2)),
	(SELECT count(*) FROM transition WHERE state = 'active'),
	(SELECT count(*) FROM transition t WHERE state = 'active' AND EXISTS (SELECT FROM open o WHERE o.encounter_id = t.encounter_id)),
	(SELECT count(*) FROM follow_up),
	(SELECT count(*) FROM follow_up o JOIN transition t USING (encounter_id) WHERE t.state = 'active'),
	(SELECT count(*) FROM open) - (SELECT count(*) FROM (SELECT DISTINCT encounter_id, code FROM open) d),
	(SELECT count(*) FROM transition_history), (SELECT coalesce(sum(version), 0) FROM transition)`,
		transition.States, transition.TaskStates, protocol.CloseVisit).Scan(&c.MadeTransitions, &c.MadeTasks, &c.Transitions, &c.Tasks, &c.Active,
		&c.ActiveWithOpen, &c.OpenTasks, &c.OpenTasksOfActive, &c.DuplicateOpen, &c.Histories, &c.Latest)
	if err != nil {
		return c, fmt.Errorf("count: %w", err)
	}
	return c, nil
}

// FacilityByCode is a facility by its code (MSH-4), or nil. There are few.
func FacilityByCode(ctx context.Context, tx pgx.Tx, code string) (*Facility, error) {
	out := &World{}
	rows, err := tx.Query(ctx, `SELECT id, org_id, code, zone, closures, kind FROM facility WHERE code = $1`, code)
	if err != nil {
		return nil, fmt.Errorf("find a facility: %w", err)
	}
	if err := eachFacility(rows, out); err != nil || len(out.Facilities) == 0 {
		return nil, err
	}
	return &out.Facilities[0], nil
}
