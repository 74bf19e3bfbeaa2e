package notification

import "github.com/handoff-care/handoff/pkg/run"

// Rows behind the numbers of the conservation laws, in the form that run.Number wants.
const (
	alertRows    = `SELECT a.id, '' AS part, a.encounter_id, a.state, a.raised_at AS at, a.kind AS note, 1::bigint AS n FROM alert a`
	deliveryRows = `SELECT d.alert_id AS id, d.recipient || ' ' || d.channel || ' ' || d.version AS part, a.encounter_id, d.state, d.created_at AS at, d.channel AS note, 1::bigint AS n
		FROM delivery d LEFT JOIN alert a ON a.id = d.alert_id`
	knownAlert     = ` a.state IN ('raised', 'acknowledged', 'resolved')`
	accounted      = ` (EXISTS (SELECT FROM delivery d WHERE d.alert_id = a.id) OR EXISTS (SELECT FROM ledger l WHERE l.alert_id = a.id AND l.decision = 'suppressed'))`
	correctionRows = `SELECT l.alert_id AS id, lpad(l.seq::text, 19, '0') AS part, a.encounter_id, l.decision AS state, l.at, l.channel AS note, 1::bigint AS n
		FROM ledger l LEFT JOIN alert a ON a.id = l.alert_id WHERE l.decision = 'corrected' AND l.recipient <> ''`
	delivered = ` EXISTS (SELECT FROM delivery d WHERE d.alert_id = l.alert_id AND d.recipient = l.recipient AND d.channel = l.channel AND d.version = l.version)`
)

// numbers are those of store.Laws, in their order.
func numbers() []run.Number {
	return []run.Number{
		{Law: 0, Side: run.Left, Name: "created", Kind: "alert", Rows: alertRows},
		{Law: 0, Side: run.Right, Each: []string{"raised", "acknowledged", "resolved"}, Kind: "alert", Rows: alertRows},
		{Law: 0, Side: run.Difference, Name: "in no known state", Kind: "alert", Rows: alertRows + ` WHERE NOT` + knownAlert},
		{Law: 1, Side: run.Left, Name: "created", Kind: "delivery", Rows: deliveryRows},
		{Law: 1, Side: run.Right, Each: []string{"pending", "delivered", "failed", "suppressed"}, Kind: "delivery", Rows: deliveryRows},
		{Law: 1, Side: run.Difference, Name: "in no known state", Kind: "delivery", Rows: deliveryRows + ` WHERE d.state NOT IN ('pending', 'delivered', 'failed', 'suppressed')`},
		{Law: 2, Side: run.Left, Name: "alerts", Kind: "alert", Rows: alertRows + ` WHERE` + knownAlert},
		{Law: 2, Side: run.Right, Name: "accounted for", Kind: "alert", Rows: alertRows + ` WHERE` + accounted},
		{Law: 2, Side: run.Difference, Name: "that nobody was told of", Kind: "alert", Rows: alertRows + ` WHERE` + knownAlert + ` <>` + accounted},
		{Law: 3, Side: run.Left, Name: "owed", Kind: "alert", Rows: correctionRows},
		{Law: 3, Side: run.Right, Name: "with a delivery", Kind: "alert", Rows: correctionRows + ` AND` + delivered},
		{Law: 3, Side: run.Difference, Name: "without a delivery", Kind: "alert", Rows: correctionRows + ` AND NOT` + delivered},
	}
}
