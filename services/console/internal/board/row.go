package board

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// Work is one task with what is known of its episode.
type Work struct {
	Task      events.Task
	Episode   events.Transition // zero where its first fact has not come yet
	Zone      string            // the facility's
	Place     string            // the facility's name
	DoneBy    string
	CreatedAt time.Time
	ChangedAt time.Time
	Sum       uint64 // of all the above: another one says something else
}

// Open reports whether a task in this state is still to be done.
func Open(state string) bool {
	switch state {
	case "requested", "accepted", "in-progress", "on-hold":
		return true
	}
	return false
}

// Row is one task as one person may see it.
type Row struct {
	ID, Encounter, Patient events.ID
	Version                int
	Title, Code, State     string
	Reason                 string // why it ended or waits, in words
	Outcome                string
	Open, Mine             bool
	Owner                  string // token subject, or ""
	OwnerName              string
	Role                   string // whose work it is
	Priority               string
	Due                    *time.Time
	Snoozed                *time.Time
	Zone                   *time.Location
	Place, Unit            string
	Facility               string
	Name                   string // the patient's, where the viewer may know it and it is known
	Hidden                 bool   // the stay is confidential: the name is kept back
	Born                   string
	Age                    *int
	Sex                    string
	Class, Disposition     string
	Left                   *time.Time
	Risk                   *events.Risk
	Diagnoses              []string
	Late                   bool
	Attempts               int
	DoneBy                 string
	ChangedAt              time.Time
	CanWork, Assigns       bool   // the viewer may work on it, give it to somebody
	Note                   string // what just happened to it, for the answer to a click
	Sum                    uint64 // of the Work it was made of
}

// RowOf returns a task as viewer may see it, without the patient's name.
func RowOf(w Work, viewer web.Principal) Row {
	t, e := w.Task, w.Episode
	r := Row{
		ID: t.ID, Encounter: t.Encounter, Patient: whose(t, e), Version: t.Version,
		Title: t.Title, Code: t.Code, State: t.State, Reason: t.Reason, Outcome: t.Outcome,
		Open: Open(t.State), Owner: t.Owner, Mine: t.Owner != "" && t.Owner == viewer.Subject,
		Role: t.OwnerRole, Priority: t.Priority, Due: t.DueAt, Snoozed: t.SnoozedTo, Zone: Zone(w.Zone),
		Facility: t.Facility, Place: cmp.Or(w.Place, t.Facility), Unit: cmp.Or(t.Unit, e.Unit),
		Age: e.Age, Sex: e.Sex, Class: e.Class, Disposition: e.Disposition, Left: e.DischargedAt,
		Risk: e.Risk, Diagnoses: e.Diagnoses, Late: t.Late, Attempts: t.Attempts, DoneBy: w.DoneBy, ChangedAt: w.ChangedAt,
		Sum: w.Sum, CanWork: web.Allow(viewer, web.TasksWork), Assigns: web.Allow(viewer, web.TasksAssign),
	}
	if t.Sensitive || e.Sensitive {
		r.mask(viewer)
	}
	return r
}

// whose a task is: the episode knows of every merge, a task that was done before one does not.
func whose(t events.Task, e events.Transition) events.ID {
	if e.Patient.IsZero() || Open(t.State) {
		return t.Patient
	}
	return e.Patient
}

// mask keeps back what a confidential stay may not show.
func (r *Row) mask(viewer web.Principal) {
	r.Hidden = true
	if viewer.Is(web.Role(r.Role)) || viewer.Is(web.Lead) || viewer.Is(web.Privacy) {
		return
	}
	r.Age, r.Sex, r.Unit, r.Class, r.Disposition, r.Left, r.Risk, r.Diagnoses = nil, "", "", "", "", nil, nil, nil
	r.CanWork, r.Assigns = false, false
}

// Patients lists whose names these rows need: those that may be shown, each once.
func Patients(rows []Row) []events.ID {
	var ids []events.ID
	for _, r := range rows {
		if !r.Hidden && !r.Patient.IsZero() && !slices.Contains(ids, r.Patient) {
			ids = append(ids, r.Patient)
		}
	}
	return ids
}

// zones are the ones that were read: reading one again costs as much as a row.
var zones sync.Map

// Zone reads an IANA zone; an unknown one is UTC.
func Zone(name string) *time.Location {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	zones.Store(name, loc)
	return loc
}
