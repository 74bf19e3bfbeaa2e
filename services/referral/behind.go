package referral

import (
	"strings"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
)

// Rows behind the numbers of the conservation laws, in the form that run.Number wants.
const (
	referralRows = `SELECT r.id, '' AS part, r.encounter_id, r.state, r.updated_at AS at, r.need AS note, 1::bigint AS n FROM referral r`
	draftRows    = `SELECT h.referral_id AS id, '' AS part, r.encounter_id, r.state, h.at, r.need AS note, 1::bigint AS n FROM history h JOIN referral r ON r.id = h.referral_id WHERE h.action = 'draft'`
	sendRows     = `SELECT h.referral_id AS id, lpad(h.version::text, 9, '0') AS part, r.encounter_id, r.state, h.at, r.need AS note, cardinality(h.asked)::bigint AS n
		FROM history h JOIN referral r ON r.id = h.referral_id WHERE h.action = 'send' AND cardinality(h.asked) > 0`
	offerRows = `SELECT o.referral_id AS id, o.provider_id::text AS part, r.encounter_id, o.state, o.updated_at AS at, r.need AS note, 1::bigint AS n
		FROM offer o JOIN referral r ON r.id = o.referral_id`
	chosen      = ` r.state IN ('accepted', 'booked', 'arrived', 'no-show')`
	hasAccepted = ` EXISTS (SELECT FROM offer o WHERE o.referral_id = r.id AND o.state = 'accepted')`
	changeRows  = `SELECT h.referral_id AS id, lpad(h.version::text, 9, '0') AS part, r.encounter_id, h.state, h.at, h.action AS note, 1::bigint AS n FROM history h JOIN referral r ON r.id = h.referral_id`
	versionRows = `SELECT r.id, '' AS part, r.encounter_id, r.state, r.updated_at AS at, 'version ' || r.version AS note, r.version::bigint AS n FROM referral r`
)

// numbers are those of laws, in their order.
func numbers() []run.Number {
	return []run.Number{
		{Law: 0, Side: run.Left, Name: "drafted", Kind: "referral", Rows: draftRows},
		{Law: 0, Side: run.Right, Each: referral.States, Kind: "referral", Rows: referralRows},
		{Law: 0, Side: run.Difference, Name: "never drafted, or in no known state", Kind: "referral", Rows: referralRows + ` WHERE r.state NOT IN ('` + strings.Join(referral.States, "', '") +
			`') OR 1 <> (SELECT count(*) FROM history h WHERE h.referral_id = r.id AND h.action = 'draft')`},
		{Law: 1, Side: run.Left, Name: "asked", Kind: "referral", Rows: sendRows},
		{Law: 1, Side: run.Right, Each: referral.OfferStates, Kind: "referral", Rows: offerRows},
		{Law: 1, Side: run.Difference, Name: "with more or fewer offers than were asked for", Kind: "referral", Rows: referralRows + ` WHERE (SELECT count(*) FROM offer o WHERE o.referral_id = r.id)
			<> (SELECT coalesce(sum(cardinality(h.asked)), 0) FROM history h WHERE h.referral_id = r.id AND h.action = 'send')`},
		{Law: 2, Side: run.Left, Each: []string{"accepted", "booked", "arrived", "no-show"}, Kind: "referral", Rows: referralRows},
		{Law: 2, Side: run.Right, Name: "offers accepted", Kind: "referral", Rows: offerRows + ` WHERE o.state = 'accepted'`},
		{Law: 2, Side: run.Difference, Name: "chosen without an accepted offer, or the other way round", Kind: "referral", Rows: referralRows + ` WHERE` + chosen + ` <>` + hasAccepted},
		{Law: 3, Side: run.Left, Name: "changes", Kind: "referral", Rows: changeRows},
		{Law: 3, Side: run.Right, Name: "versions", Kind: "referral", Rows: versionRows},
		{Law: 3, Side: run.Difference, Name: "with another number of changes", Kind: "referral", Rows: versionRows + ` WHERE r.version <> (SELECT count(*) FROM history h WHERE h.referral_id = r.id)`},
	}
}
