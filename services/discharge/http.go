package discharge

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// api answers over HTTP. Every answer is of the caller's organization: the database
// sees to that.
type api struct {
	service  *service
	db       *postgres.DB
	closing  context.Context // done when the program begins to stop
	previews chan struct{}   // one preview at a time
}

func newAPI(s *service, db *postgres.DB, closing context.Context) *api {
	return &api{service: s, db: db, closing: closing, previews: make(chan struct{}, 1)}
}

func (a *api) routes(r *web.Router) {
	web.Handle(r, web.TransitionsRead, "GET", "/transitions", "Transitions of care", a.listTransitions)
	web.Handle(r, web.TransitionsRead, "GET", "/transitions/{id}", "One transition of care", a.oneTransition)
	web.Handle(r, web.TransitionsRead, "GET", "/transitions/{id}/history", "The versions of a transition, oldest first", a.history)
	web.Handle(r, web.TasksRead, "GET", "/tasks", "Follow-up tasks", a.listTasks)
	web.Handle(r, web.TasksRead, "GET", "/tasks/{id}", "One task, with what is to be done and what was done", a.oneTask)
	a.clockRoutes(r)
	a.ruleRoutes(r)
	a.reportRoutes(r)
	a.actions(r)
	a.protocolRoutes(r)
}

// transitionView is a transition as the API shows it.
type transitionView struct {
	ID           events.ID            `json:"id"`
	Encounter    events.ID            `json:"encounter_id"`
	Patient      events.ID            `json:"patient_id"`
	Facility     string               `json:"facility"`
	Unit         string               `json:"unit"`
	State        string               `json:"state" enum:"planning,active,completed,cancelled,expired,readmitted,closed"`
	Reason       string               `json:"reason"`
	Version      int                  `json:"version"`
	Class        string               `json:"class"`
	Disposition  string               `json:"disposition"`
	AdmittedAt   *time.Time           `json:"admitted_at"`
	ExpectedAt   *time.Time           `json:"expected_discharge_at"`
	DischargedAt *time.Time           `json:"discharged_at"`
	Protocols    []string             `json:"protocols"`
	Needs        []string             `json:"needs"`
	Risk         *events.Risk         `json:"risk"`
	Risks        []events.Risk        `json:"risks" doc:"other scores beside LACE, one for each variant"`
	Flags        []string             `json:"flags"`
	PatientFlags []events.Flag        `json:"patient_flags" doc:"of the patient's use of care, with reasons; never tasks"`
	Readmissions []events.Readmission `json:"readmissions" doc:"returns to hospital after the discharge, by arrival"`
	LateArrival  bool                 `json:"late_arrival"`
	Sensitive    bool                 `json:"sensitive"`
	ChangedAt    time.Time            `json:"changed_at"`
}

func viewTransition(t store.TransitionRow) transitionView {
	return transitionView{
		ID: t.ID, Encounter: t.Encounter, Patient: t.Patient, Facility: t.Facility, Unit: t.Unit, State: t.State, Reason: t.Reason,
		Version: t.Version, Class: t.Class, Disposition: t.Disposition, AdmittedAt: utc(t.AdmittedAt), ExpectedAt: utc(t.ExpectedAt),
		DischargedAt: utc(t.DischargedAt), Protocols: present(t.Protocols), Needs: present(t.Needs), Risk: t.Risk,
		Risks: append([]events.Risk{}, t.Risks...), PatientFlags: append([]events.Flag{}, t.PatientFlags...),
		Readmissions: append([]events.Readmission{}, t.Returns...),
		Flags:        present(t.Flags), LateArrival: t.LateArrival, Sensitive: t.Sensitive, ChangedAt: t.ChangedAt.UTC(),
	}
}

// taskView is a task as the API shows it.
type taskView struct {
	ID         events.ID   `json:"id"`
	Transition events.ID   `json:"transition_id"`
	Encounter  events.ID   `json:"encounter_id"`
	Patient    events.ID   `json:"patient_id"`
	Facility   string      `json:"facility"`
	Unit       string      `json:"unit"`
	Code       string      `json:"code"`
	Title      string      `json:"title"`
	State      string      `json:"state" enum:"requested,accepted,in-progress,on-hold,completed,failed,cancelled"`
	Reason     string      `json:"reason"`
	Version    int         `json:"version"`
	Owner      string      `json:"owner"`
	OwnerRole  string      `json:"owner_role"`
	Priority   string      `json:"priority" enum:"routine,urgent,asap,stat"`
	Reasons    []string    `json:"priority_reasons"`
	Protocols  []string    `json:"protocols"`
	DueAt      *time.Time  `json:"due_at"`
	Trace      clock.Trace `json:"due_trace" doc:"the rule, its version and source, and the steps to the due time"`
	Overdue    bool        `json:"overdue"`
	SnoozedTo  *time.Time  `json:"snoozed_to"`
	Attempts   int         `json:"attempts"`
	Outcome    string      `json:"outcome"`
	Late       bool        `json:"late_arrival"`
	Sensitive  bool        `json:"sensitive"`
	ClosedAt   *time.Time  `json:"closed_at"`
	ClosedBy   string      `json:"closed_by"`
	CreatedAt  time.Time   `json:"created_at"`
	ChangedAt  time.Time   `json:"changed_at"`
}

func (s *service) viewTask(t store.TaskRow) taskView {
	return taskView{
		ID: t.ID, Transition: t.Transition, Encounter: t.Encounter, Patient: t.Patient, Facility: t.Facility, Unit: t.Unit, Code: t.Code,
		Title: t.Title, State: t.State, Reason: t.Reason, Version: t.Version, Owner: t.Owner, OwnerRole: t.OwnerRole, Priority: t.Priority,
		Reasons: present(t.Reasons), Protocols: present(t.Protocols), DueAt: utc(t.DueAt), Trace: s.explain(t.Task), Overdue: t.Overdue,
		SnoozedTo: utc(t.SnoozedTo), Attempts: t.Attempts, Outcome: t.Outcome, Late: t.Late, Sensitive: t.Sensitive,
		ClosedAt: utc(t.ClosedAt), ClosedBy: t.ClosedBy, CreatedAt: t.CreatedAt.UTC(), ChangedAt: t.ChangedAt.UTC(),
	}
}

// explain gives the trace of a task's due time. Where it cannot be told any more (a
// rule or a calendar of another build), the trace says so and gives what is kept.
func (s *service) explain(t transition.Task) clock.Trace {
	trace, err := s.table(t.Org).Explain(t.Rule, t.Trigger, t.Zone, t.Calendar)
	if err == nil && trace.Due.Equal(*t.DueAt) {
		return trace
	}
	id, version, _ := strings.Cut(t.Rule, "@")
	return clock.Trace{
		Rule: id, Version: version, TriggerAt: t.Trigger.UTC(), Zone: t.Zone, Calendar: t.Calendar, Warn: t.WarnAt.UTC(), Due: t.DueAt.UTC(),
		Steps: []string{"This due time was computed by a version of the rule that this build does not know."},
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func present(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type listTransitionsIn struct {
	web.PageIn
	Encounter events.ID `query:"encounter"`
	Patient   events.ID `query:"patient"`
	State     string    `query:"state" doc:"one state, or several separated by commas"`
	Facility  string    `query:"facility" doc:"the facility's code (MSH-4)"`
}

func (a *api) listTransitions(ctx context.Context, in *listTransitionsIn) (*web.Listed[transitionView], error) {
	q := store.TransitionQuery{
		Encounter: in.Encounter, Patient: in.Patient, Facility: in.Facility, States: states(in.State), Limit: in.Limit + 1,
	}
	if _, err := web.DecodeCursor(in.Cursor, &q.After); err != nil {
		return nil, err
	}
	views, err := a.transitions(ctx, q)
	if err != nil {
		return nil, err
	}
	return web.Page(views, in.Limit, func(t transitionView) any { return t.ID }), nil
}

func (a *api) transitions(ctx context.Context, q store.TransitionQuery) (views []transitionView, err error) {
	err = a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := store.Transitions(ctx, tx, q)
		for _, row := range rows {
			views = append(views, viewTransition(row))
		}
		return err
	})
	return views, err
}

type byID struct {
	ID events.ID `path:"id"`
}

type transitionOut struct {
	ETag string `header:"ETag"`
	Body transitionView
}

func (a *api) oneTransition(ctx context.Context, in *byID) (*transitionOut, error) {
	views, err := a.transitions(ctx, store.TransitionQuery{ID: in.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(views) == 0 {
		return nil, fault.New(fault.Unknown, "there is no such transition")
	}
	return &transitionOut{ETag: etag(views[0].Version), Body: views[0]}, nil
}

func (a *api) history(ctx context.Context, in *byID) (*web.Listed[store.Version], error) {
	var list []store.Version
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		list, err = store.Versions(ctx, tx, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Unknown, "there is no such transition")
	}
	return web.Page(list, len(list), nil), nil
}

type listTasksIn struct {
	web.PageIn
	Transition events.ID `query:"transition"`
	Encounter  events.ID `query:"encounter"`
	Owner      string    `query:"owner" doc:"a person; 'me'; or 'none' for tasks nobody has"`
	State      string    `query:"state" doc:"one state, several separated by commas, or 'open'"`
	Facility   string    `query:"facility" doc:"the facility's code (MSH-4)"`
	DueBefore  time.Time `query:"due_before"`
}

// taskCursor is the place in a list of tasks.
type taskCursor struct {
	Due time.Time `json:"d"`
	ID  events.ID `json:"i"`
}

func (a *api) listTasks(ctx context.Context, in *listTasksIn) (*web.Listed[taskView], error) {
	q := store.TaskQuery{
		Transition: in.Transition, Encounter: in.Encounter, Facility: in.Facility, States: states(in.State), Limit: in.Limit + 1,
	}
	switch in.Owner {
	case "me":
		q.Owner = web.From(ctx).Subject
	case "none":
		q.Unowned = true
	default:
		q.Owner = in.Owner
	}
	if !in.DueBefore.IsZero() {
		q.DueBefore = &in.DueBefore
	}
	q.ByDue = onlyOpen(q.States)
	var from taskCursor
	if _, err := web.DecodeCursor(in.Cursor, &from); err != nil {
		return nil, err
	}
	q.AfterDue, q.After = from.Due, from.ID
	var views []taskView
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := store.Tasks(ctx, tx, q)
		for _, row := range rows {
			views = append(views, a.service.viewTask(row))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(views, in.Limit, func(t taskView) any { return taskCursor{*t.DueAt, t.ID} }), nil
}

// states reads a list of states; open stands for the four that ask for work.
func states(text string) []string {
	switch text {
	case "":
		return nil
	case "open":
		return []string{transition.TaskRequested, transition.TaskAccepted, transition.TaskInProgress, transition.TaskOnHold}
	}
	return strings.Split(text, ",")
}

func onlyOpen(states []string) bool {
	for _, s := range states {
		if t := (transition.Task{Task: events.Task{State: s}}); !t.Open() {
			return false
		}
	}
	return len(states) > 0
}

// taskDetail is one task with what is to be done and what was done.
type taskDetail struct {
	taskView
	Instructions string        `json:"instructions"`
	Source       string        `json:"source" doc:"where the task comes from"`
	Log          []store.Entry `json:"log"`
}

type taskDetailOut struct {
	ETag string `header:"ETag"`
	Body taskDetail
}

func (a *api) oneTask(ctx context.Context, in *byID) (*taskDetailOut, error) {
	out := &taskDetailOut{}
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := store.Tasks(ctx, tx, store.TaskQuery{ID: in.ID, Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errNoTask
		}
		out.Body.taskView = a.service.viewTask(rows[0])
		if out.Body.Log, err = store.Entries(ctx, tx, in.ID); out.Body.Log == nil {
			out.Body.Log = []store.Entry{}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out.ETag = etag(out.Body.Version)
	out.Body.Instructions, out.Body.Source = a.service.shelf.look().book(web.From(ctx).Org).
		Instructions(out.Body.Facility, out.Body.Trace.TriggerAt, out.Body.Code)
	return out, nil
}

var errNoTask = fault.New(fault.Unknown, "there is no such task")

// laws are the service's conservation laws for one organization.
func (a *api) laws(ctx context.Context, org web.OrgID) ([]web.Law, error) {
	var c store.Counts
	err := a.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		c, err = store.Count(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []web.Law{
		web.Balance("transitions made = planning + active + completed + cancelled + expired + readmitted + closed", c.MadeTransitions, c.Transitions),
		web.Balance("tasks made = requested + accepted + in-progress + on-hold + completed + failed + cancelled", c.MadeTasks, c.Tasks),
		web.Balance("active transitions = active transitions with an open task", c.Active, c.ActiveWithOpen),
		web.Balance("open follow-up tasks = open follow-up tasks of active transitions", c.OpenTasks, c.OpenTasksOfActive),
		web.Balance("open tasks with the code of another of the same encounter = 0", c.DuplicateOpen, 0),
		web.Balance("versions of transitions = entries of their history", c.Latest, c.Histories),
	}, nil
}
