package discharge

import (
	"strings"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// Rows behind the numbers of the conservation laws, in the form that run.Number wants.
const (
	transitionRows = `SELECT t.encounter_id AS id, '' AS part, t.encounter_id, t.state, t.changed_at AS at, t.reason AS note, 1::bigint AS n FROM transition t WHERE t.state <> ''` // a row without a state keeps work for a stay that has no transition
	taskRows       = `SELECT t.id, '' AS part, t.encounter_id, t.state, t.changed_at AS at, t.code AS note, 1::bigint AS n FROM task t`
	open           = ` t.state IN ('requested', 'accepted', 'in-progress', 'on-hold')`
	withOpen       = ` EXISTS (SELECT FROM task o WHERE o.encounter_id = t.encounter_id AND o.state IN ('requested', 'accepted', 'in-progress', 'on-hold'))`
	ofActive       = ` EXISTS (SELECT FROM transition a WHERE a.encounter_id = t.encounter_id AND a.state = 'active')`
	followUp       = open + ` AND t.code <> '` + protocol.CloseVisit + `'`
	another        = open + ` AND EXISTS (SELECT FROM task o WHERE o.encounter_id = t.encounter_id AND o.code = t.code AND o.id < t.id
		AND o.state IN ('requested', 'accepted', 'in-progress', 'on-hold'))`
	versions = `SELECT t.encounter_id AS id, '' AS part, t.encounter_id, t.state, t.changed_at AS at, 'version ' || t.version AS note, t.version::bigint AS n FROM transition t`
	entries  = `SELECT h.encounter_id AS id, lpad(h.version::text, 9, '0') AS part, h.encounter_id, h.state, h.at, 'version ' || h.version AS note, 1::bigint AS n FROM transition_history h`
)

// numbers are those of laws, in their order.
func numbers() []run.Number {
	return []run.Number{
		{Law: 0, Side: run.Left, Name: "made", Kind: "transition", Rows: transitionRows},
		{Law: 0, Side: run.Right, Each: transition.States, Kind: "transition", Rows: transitionRows},
		{Law: 0, Side: run.Difference, Name: "in no known state", Kind: "transition", Rows: transitionRows + ` AND t.state NOT IN (` + quoted(transition.States) + `)`},
		{Law: 1, Side: run.Left, Name: "made", Kind: "task", Rows: taskRows},
		{Law: 1, Side: run.Right, Each: transition.TaskStates, Kind: "task", Rows: taskRows},
		{Law: 1, Side: run.Difference, Name: "in no known state", Kind: "task", Rows: taskRows + ` WHERE t.state NOT IN (` + quoted(transition.TaskStates) + `)`},
		{Law: 2, Side: run.Left, Name: "active", Kind: "transition", Rows: transitionRows + ` AND t.state = 'active'`},
		{Law: 2, Side: run.Right, Name: "with an open task", Kind: "transition", Rows: transitionRows + ` AND t.state = 'active' AND` + withOpen},
		{Law: 2, Side: run.Difference, Name: "without an open task", Kind: "transition", Rows: transitionRows + ` AND t.state = 'active' AND NOT` + withOpen},
		{Law: 3, Side: run.Left, Name: "open follow-up tasks", Kind: "task", Rows: taskRows + ` WHERE` + followUp},
		{Law: 3, Side: run.Right, Name: "of active transitions", Kind: "task", Rows: taskRows + ` WHERE` + followUp + ` AND` + ofActive},
		{Law: 3, Side: run.Difference, Name: "of others", Kind: "task", Rows: taskRows + ` WHERE` + followUp + ` AND NOT` + ofActive},
		{Law: 4, Side: run.Left, Name: "with the code of another", Kind: "task", Rows: taskRows + ` WHERE` + another},
		{Law: 4, Side: run.Difference, Name: "with the code of another", Kind: "task", Rows: taskRows + ` WHERE` + another},
		{Law: 5, Side: run.Left, Name: "versions", Kind: "transition", Rows: versions},
		{Law: 5, Side: run.Right, Name: "entries", Kind: "transition", Rows: entries},
		{Law: 5, Side: run.Difference, Name: "with another number of entries", Kind: "transition", Rows: versions + ` WHERE t.version <> (SELECT count(*) FROM transition_history h WHERE h.encounter_id = t.encounter_id)`},
	}
}

// quoted writes states, which are this program's own words, as an SQL list.
func quoted(states []string) string { return "'" + strings.Join(states, "', '") + "'" }
