package admission

import (
	"strings"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// Rows behind the numbers of the conservation laws, in the form that run.Number wants. A message is kept
// while it is in message_open, has an outcome where it was not acted on, and is applied in neither.
const (
	messageRows = `SELECT m.id, '' AS part, NULL::uuid AS encounter_id, '' AS state, m.received_at AS at, m.trigger AS note, 1::bigint AS n FROM message m`
	keptRows    = `SELECT m.id, '' AS part, NULL::uuid AS encounter_id, 'kept' AS state, m.received_at AS at, m.trigger AS note, 1::bigint AS n FROM message_open o JOIN message m ON m.id = o.id`
	appliedRows = `SELECT m.id, '' AS part, NULL::uuid AS encounter_id, 'applied' AS state, m.received_at AS at, m.trigger AS note, 1::bigint AS n FROM message m
		WHERE NOT EXISTS (SELECT FROM message_open o WHERE o.id = m.id) AND NOT EXISTS (SELECT FROM message_outcome x WHERE x.id = m.id)`
	outcomeRows = `SELECT x.id, '' AS part, NULL::uuid AS encounter_id, x.state, m.received_at AS at, x.reason AS note, 1::bigint AS n
		FROM message_outcome x JOIN message m ON m.id = x.id WHERE NOT EXISTS (SELECT FROM message_open o WHERE o.id = x.id)`
	// In two states at once, or of a message that is not there.
	torn = `SELECT coalesce(o.id, x.id) AS id, '' AS part, NULL::uuid AS encounter_id, coalesce(x.state, 'kept') AS state, m.received_at AS at, coalesce(x.reason, '') AS note, 1::bigint AS n
		FROM message_open o FULL JOIN message_outcome x ON x.id = o.id LEFT JOIN message m ON m.id = coalesce(o.id, x.id)
		WHERE m.id IS NULL OR o.id IS NOT NULL AND x.id IS NOT NULL`
	stayRows = `SELECT e.id, '' AS part, e.id AS encounter_id, e.state, coalesce(e.discharged_at, e.admitted_at, e.planned_at) AS at, e.class AS note, 1::bigint AS n FROM encounter e WHERE e.state <> ''`
)

// numbers are those of laws, in their order.
func numbers() []run.Number {
	return []run.Number{
		{Law: 0, Side: run.Left, Name: "received", Kind: "message", Rows: messageRows},
		{Law: 0, Side: run.Right, Name: adt.Kept, Kind: "message", Rows: keptRows},
		{Law: 0, Side: run.Right, Name: adt.Applied, Kind: "message", Rows: appliedRows},
		{Law: 0, Side: run.Right, Each: []string{adt.Ignored, adt.Quarantined, adt.Rejected}, Kind: "message", Rows: outcomeRows},
		{Law: 0, Side: run.Difference, Name: "in two states, or not there", Kind: "message", Rows: torn},
		{Law: 1, Side: run.Left, Name: "created", Kind: "stay", Rows: stayRows},
		{Law: 1, Side: run.Right, Each: encounter.States, Kind: "stay", Rows: stayRows},
		{Law: 1, Side: run.Difference, Name: "in no known state", Kind: "stay", Rows: stayRows + ` AND e.state NOT IN ('` + strings.Join(encounter.States, "', '") + `')`},
	}
}
