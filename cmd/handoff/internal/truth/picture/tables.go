package picture

import (
	"encoding/json"
	"slices"
	"strings"
)

// row is one row of a table, or a document in it.
type row map[string]any

// table says how a table is compared.
type table struct {
	query  string            // for the rows as JSON; "": all of the table's
	omit   map[string]string // column (or column.member of a document) to the reason for leaving it out
	docs   []string          // columns that hold JSON as text
	stands func(r row) bool  // nil: every row counts
	edit   func(r row)       // brings what has no order into one
}

// Reasons that many columns share.
const (
	counts     = "counts changes"
	follows    = "follows from ids, or from (organization, values beside it)"
	reception  = "says when something was heard of"
	writing    = "says when something was written"
	wayHere    = "says by which event it came to be so"
	asCompared = "says how common values were when it was written"
	passed     = "follows from when one looks"
)

// left are whole tables that are not compared.
var left = map[string]string{
	"admission.linkage_due": "empty at rest", "admission.linkage_profile": "follows from what is known of the patient", "admission.identity_secret": "setup",
	"admission.linkage_key": "follows from what is known of the patient", "admission.linkage_term": "follows from what is known of the patients",
	"admission.organization": "setup", "admission.facility": "setup", "admission.unit": "setup", "admission.feed": "setup",
	"admission.feed_facility": "setup", "admission.api_key": "setup", "admission.setup_version": "setup",
	"admission.message_raw": "the bytes: compared by their hash in message", "admission.message_open": "empty at rest", "admission.data_key": "setup",
	"admission.message_outcome": "compared as part of message", "admission.lease": "processes", "admission.feed_pulse": reception,
	"admission.tally": "counters; reconciliation balances them", "admission.quarantine_notice": "who was told first of a reason on a feed",
	"admission.patient_detail": "compared as part of patient", "admission.patient_identifier": "compared as part of patient",
	"admission.alias":              "statements about names: what they amount to is compared as patients and stays",
	"admission.access_log":         "history",
	"discharge.transition_history": "history", "discharge.task_log": "history of what people did", "discharge.facility": "setup",
	"discharge.unopened":     "stays that have no transition, for previews; where one was cancelled that stands for them",
	"discharge.protocol_set": "setup", "discharge.protocol_act": "setup", "discharge.protocol_book": "setup", "discharge.protocol_preview": "what people tried",
	"discharge.protocol_shadow": "what people tried", "discharge.protocol_replan": "how far planning again has come",
	"console.saved_filter": "setup", "console.deed": "what people did",
	"discharge.tally":    "counters; reconciliation balances them",
	"referral.directory": "setup", "referral.provider": "setup", "referral.facility": "setup", "referral.history": "history",
	"notification.delivery": "history of tellings; see Unretracted", "notification.ledger": "history of decisions",
	"notification.ledger_link": "history", "notification.ledger_position": "history", "notification.stream_event": "history",
	"notification.tally": "counters; reconciliation balances them", "notification.directory": "setup", "notification.person": "setup",
	"notification.facility": "setup", "notification.roster": "setup", "notification.routing_rule": "setup", "notification.escalation_policy": "setup", "notification.endpoint": "setup",
	"console.entry": "the timeline: history", "console.facility": "setup", "console.minute": "how many facts came in a minute",
	"admission.feed_slot": reception, "discharge.rule_set": "setup", "discharge.rule_act": "setup", "discharge.rule_book": "setup",
	"referral.speaker": "setup", "notification.mute": "what people did", "notification.device": "setup", "notification.push_key": "setup",
	"console.press": "what people did",
	"console.touch": "what browsers must show anew", "console.person": "staff who signed in", "console.session": "browsers",
}

// plumbing are tables of the backbone that every service has.
var plumbing = []string{"goose_db_version", "subscription", "inbox", "parked_key", "parked", "once", "event_key", "event_log", "outbox", "relay", "timer"}

func isPlumbing(name string) bool {
	return slices.Contains(plumbing, name) || strings.HasPrefix(name, "goose_")
}

var tables = map[string]table{
	// How sure a link is, and so whether somebody is asked to review it, depends on how common values
	// were when the two were compared. What was said of a link is compared, and who is one person.
	"admission.patient_link": {
		omit: map[string]string{
			"id": follows, "score": asCompared, "explanation": asCompared, "verdict": asCompared, "state": asCompared, "left_out": asCompared,
			"history": "history", "changed_at": writing, "version": counts,
		},
		stands: func(r row) bool { return r["stated"] != nil || r["decision"] != nil },
		edit: func(r row) {
			if a, b := text(r["low_id"]), text(r["high_id"]); a > b {
				r["low_id"], r["high_id"] = r["high_id"], r["low_id"]
			}
		},
	},
	"admission.message": {
		query: `SELECT (to_jsonb(t) || jsonb_build_object('state', coalesce(o.state, 'applied'), 'outcome', coalesce(o.reason, '')))::text
			FROM admission.message t LEFT JOIN admission.message_outcome o USING (id) WHERE t.org_id = $1`,
		omit: map[string]string{
			"id": follows, "feed_id": "the feed of its facility", "received_at": reception, "kept_at": reception, "copies": "how often it came", "flags": "id-reused: which of two came first",
		},
	},
	// A patient is whoever stands for itself, with all that stand for it: whether another number is a
	// name of the one record or a record that was merged into it depends on which was heard of first.
	"admission.patient": {query: `
		SELECT (to_jsonb(p) - 'stamps' || jsonb_build_object('known', coalesce(d.effective, d.groups), 'names', (
			SELECT jsonb_agg(DISTINCT i.kind || ' ' || i.authority || ' ' || i.value) FROM admission.patient_identifier i
			JOIN admission.patient q ON q.id = i.patient_id AND coalesce(q.into_id, q.id) = p.id)))::text
		FROM admission.patient p JOIN admission.patient_detail d USING (id) WHERE p.org_id = $1 AND p.into_id IS NULL`,
		omit: map[string]string{"cluster_id": follows, "deletions": "compared as facts of the stays", "former": "which stays to look at again"},
	},
	// A stay is known by one of the numbers it ever had, whichever was heard of first; a row that was
	// joined with another is told as entered in error, if it was ever told.
	"admission.encounter": {
		omit: map[string]string{
			"fold_version": counts, "snapshot.fold_version": counts, "cluster_id": follows, "visit_key": "part of its name", "facts": "compared themselves",
		},
		docs:   []string{"snapshot"},
		stands: func(r row) bool { return r["into_id"] == nil },
	},
	"admission.encounter_fact": {omit: map[string]string{"received_at": reception, "vals.mother": follows}, docs: []string{"vals", "diagnoses"}},

	"discharge.transition": {
		omit: map[string]string{
			"id": follows, "version": counts, "fold_version": counts, "received_at": reception, "changed_at": writing,
			"stay": "what it was last decided on: admission's own row is compared",
		},
		// A stay that opens nothing and hangs has a row without a state, for the work of closing it.
		stands: func(r row) bool { return r["state"] != "cancelled" && r["state"] != "" },
		edit: func(r row) {
			asItWas(r)
			if r["state"] == "planning" {
				without(r, "unit", "zone", "calendar", "risk", "diagnoses", "age", "sex", "zip3", "language", "payer", "flags", "facility_id")
			}
		},
	},
	"discharge.task": {
		omit: map[string]string{
			"id": follows, "nth": "how often it was made and cancelled before", "version": counts, "changed_at": writing, "created_at": writing,
			"warned": passed, "overdue": passed,
		},
		stands: func(r row) bool { return openTask(r["state"]) },
		edit: func(r row) {
			sortLines(r, "reasons")
			fromNotice(r)
		},
	},
	"discharge.kin": {query: kinship("discharge.kin"), edit: func(r row) { sortList(r, "members") }},
	"discharge.visit": {
		omit: map[string]string{"fold_version": counts},
		stands: func(r row) bool {
			s := doc(r, "visit")["state"]
			return s != "cancelled" && s != "entered-in-error"
		},
	},
	"discharge.death": {omit: map[string]string{"as_of": counts}, stands: func(r row) bool { return r["dead"] == true }},

	"referral.referral": {
		omit: map[string]string{
			"id": follows, "version": counts, "followed": counts, "ranking_sum": follows, "directory_version": counts, "created_at": writing, "updated_at": writing,
		},
		stands: func(r row) bool { return r["current"] == true && r["state"] != "withdrawn" && r["state"] != "expired" },
		edit:   equalsInOrder,
	},
	"referral.offer":   {omit: map[string]string{"updated_at": writing}},
	"referral.person":  {query: kinship("referral.person"), edit: func(r row) { sortList(r, "members") }},
	"referral.arrival": {omit: map[string]string{"fold": counts}},

	"notification.alert": {
		omit: map[string]string{
			"id": follows, "thread": follows, "ordinal": "how often its thread was closed before", "cause": wayHere, "version": counts, "subject": counts,
			"count": "how often it was folded", "reason": wayHere, "step": "how long nobody answered", "escalate_at": writing,
			"occurred_at": wayHere, "received_at": reception, "raised_at": writing,
		},
		stands: openThread,
		edit: func(r row) {
			sortList(r, "audience")
			sortList(r, "about")
			if r["kind"] == "readmission" {
				without(r, "owner", "owner_role") // of what was open then
			}
		},
	},

	"console.episode": {
		omit: map[string]string{
			"seen": counts, "snapshot.version": counts, "snapshot.id": follows,
			"snapshot.open_tasks": "as of when the transition last changed; open tasks are compared themselves",
		},
		docs:   []string{"snapshot"},
		stands: func(r row) bool { return r["state"] != "cancelled" },
		edit: func(r row) {
			if s := doc(r, "snapshot"); s != nil && r["state"] == "planning" {
				without(r, "unit", "band")
				without(s, "unit", "zone", "risk", "diagnoses", "age", "sex", "zip3", "language", "payer", "facility_id")
			}
		},
	},
	"console.task": {
		omit: map[string]string{
			"id": follows, "seen": counts, "created_at": writing, "changed_at": writing, "snapshot.id": follows, "snapshot.version": counts,
			"snapshot.overdue": passed,
		},
		docs:   []string{"snapshot"},
		stands: func(r row) bool { return r["open"] == true },
		edit: func(r row) {
			if s := doc(r, "snapshot"); s != nil {
				r["code"] = s["code"]
				fromNotice(r)
				fromNotice(s)
			}
		},
	},
	"console.referral": {
		omit:   map[string]string{"id": follows, "seen": counts, "snapshot.id": follows, "snapshot.version": counts},
		docs:   []string{"snapshot"},
		stands: func(r row) bool { return r["state"] != "withdrawn" && r["state"] != "expired" },
	},
	"console.alert": {
		omit: map[string]string{
			"id": follows, "seen": counts, "snapshot.id": follows, "snapshot.version": counts, "snapshot.cause": wayHere, "snapshot.reason": wayHere,
			"snapshot.occurred_at": wayHere, "snapshot.received_at": reception, "snapshot.raised_at": writing,
		},
		docs:   []string{"snapshot"},
		stands: openThread,
		edit: func(r row) {
			if s := doc(r, "snapshot"); s != nil {
				sortList(s, "recipients")
			}
		},
	},
}

// openThread: alerts of no stay are digests (how many came late in this hour) and one per reason and
// feed (a message was set aside): what they name first is what came first.
func openThread(r row) bool { return r["state"] != "resolved" && r["encounter_id"] != nil }

// kinship is the groups of a table (patient_id, person_id), in which a patient that gives its group the
// id, or is alone, need not have a row.
func kinship(table string) string {
	return `SELECT jsonb_build_object('members', jsonb_agg(DISTINCT coalesce(p.into_id, x.m)))::text FROM (
			SELECT person_id, patient_id AS m FROM ` + table + ` WHERE org_id = $1 UNION SELECT person_id, person_id FROM ` + table + ` WHERE org_id = $1
		) x LEFT JOIN admission.patient p ON p.id = x.m GROUP BY x.person_id HAVING count(DISTINCT coalesce(p.into_id, x.m)) > 1`
}

func openTask(state any) bool {
	return state != "completed" && state != "failed" && state != "cancelled"
}

// asItWas takes out what was open when a patient came back: who had been asked for what by then.
func asItWas(transition row) {
	returns, _ := doc(transition, "outlook")["returns"].([]any)
	for _, v := range returns {
		if r, ok := v.(map[string]any); ok {
			without(r, "open_tasks", "version")
		}
	}
}

// fromNotice takes out the times of work on a stay that nobody ended: it is due some time after it was
// noticed that the stay hangs.
func fromNotice(r row) {
	if r["code"] == "close-the-visit" {
		without(r, "due_at", "warn_at", "trigger_at")
	}
}

func without(r row, columns ...string) {
	for _, c := range columns {
		delete(r, c)
	}
}

func doc(r row, column string) row {
	m, _ := r[column].(map[string]any)
	return m
}

func sortLines(r row, column string) {
	if s, ok := r[column].(string); ok {
		lines := strings.Split(s, "\n")
		slices.Sort(lines)
		r[column] = strings.Join(lines, "\n")
	}
}

func sortList(r row, column string) {
	if list, ok := r[column].([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	}
}

// equalsInOrder sorts a ranking's candidates among those with equal reasons: the referral's id, which
// is random, puts them in an order of their own.
func equalsInOrder(r row) {
	ranking := doc(r, "ranking")
	for _, v := range ranking {
		if list, ok := v.([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
		}
	}
}

// text is a value as canonical JSON: members in the order of their names.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON before
	}
	return string(b)
}

// omitted removes what a table omits.
func (t table) omitted(r row) {
	for name := range t.omit {
		path := strings.Split(name, ".")
		in := r
		for _, member := range path[:len(path)-1] {
			in = doc(in, member)
		}
		delete(in, path[len(path)-1])
	}
	delete(r, "org_id")
}
