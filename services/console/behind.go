package console

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// Rows behind the numbers of the conservation laws, in the form that run.Number wants.
const (
	taskRows     = `SELECT t.id, '' AS part, t.encounter_id, t.state, t.changed_at AS at, '' AS note, 1::bigint AS n FROM task t`
	episodeRows  = `SELECT e.encounter_id AS id, '' AS part, e.encounter_id, e.state, NULL::timestamptz AS at, e.facility AS note, 1::bigint AS n FROM episode e`
	referralRows = `SELECT r.id, '' AS part, r.encounter_id, r.state, NULL::timestamptz AS at, '' AS note, 1::bigint AS n FROM referral r`
	alertRows    = `SELECT a.id, '' AS part, a.encounter_id, a.state, NULL::timestamptz AS at, '' AS note, 1::bigint AS n FROM alert a`
)

var (
	taskStates     = []string{"requested", "accepted", "in-progress", "on-hold", "completed", "failed", "cancelled"}
	episodeStates  = []string{"planning", "active", "completed", "cancelled", "expired", "readmitted", "closed"}
	referralStates = []string{"drafted", "sent", "acknowledged", "offered", "declined", "accepted", "booked", "arrived", "no-show", "withdrawn", "expired"}
	alertStates    = []string{"raised", "acknowledged", "resolved"}
)

// numbers are those of laws, in their order.
func numbers() []run.Number {
	out := partition(0, "task", taskRows, "t", taskStates)
	out = append(out,
		run.Number{Law: 1, Side: run.Left, Name: "known", Kind: "task", Rows: taskRows},
		run.Number{Law: 1, Side: run.Right, Name: "with a known transition, or about a stay without an end", Kind: "task", Rows: taskRows + ` WHERE ` + store.TaskHasItsPlace},
		run.Number{Law: 1, Side: run.Difference, Name: "whose transition is not known", Kind: "task", Rows: taskRows + ` WHERE NOT ` + store.TaskHasItsPlace})
	out = append(out, partition(2, "transition", episodeRows, "e", episodeStates)...)
	out = append(out, partition(3, "referral", referralRows, "r", referralStates)...)
	return append(out, partition(4, "alert", alertRows, "a", alertStates)...)
}

// partition is a law that says that every row is in one of some states.
func partition(law int, kind, rows, alias string, states []string) []run.Number {
	none := rows + ` WHERE `
	for i, s := range states {
		if i > 0 {
			none += ` AND `
		}
		none += alias + `.state <> '` + s + `'`
	}
	return []run.Number{
		{Law: law, Side: run.Left, Name: "known", Kind: kind, Rows: rows},
		{Law: law, Side: run.Right, Each: states, Kind: kind, Rows: rows},
		{Law: law, Side: run.Difference, Name: "in no known state", Kind: kind, Rows: none},
	}
}
