package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// AlertQuery selects alerts, newest first: every zero field means any.
type AlertQuery struct {
	Threads   []events.ID // of an encounter's kinds
	Encounter events.ID   // and of what was asked of providers for this one
	State     string
	Kind      string
	Facility  string
	Audience  []string // in anyone's of these inboxes
	Person    string   // whose mutes count; "": nobody's
	Muted     bool     // what Person has muted, and nothing else; else the rest
	Before    time.Time
	BeforeID  events.ID
	Limit     int
}

// Alerts lists alerts of an organization.
func Alerts(ctx context.Context, tx pgx.Tx, org events.ID, q AlertQuery) ([]*notice.Alert, error) {
	var before *time.Time
	if !q.Before.IsZero() {
		before = &q.Before
	}
	rows, err := tx.Query(ctx, `SELECT `+alertColumns+` FROM alert WHERE org_id = $1
		AND ($2::uuid[] IS NULL OR id = ANY($2) OR thread = ANY($2) AND ordinal > 0
			OR encounter_id = $10 AND kind = 'referral-asked') AND ($3 = '' OR state = $3) AND ($4 = '' OR kind = $4) AND ($5 = '' OR facility = $5)
		AND ($6::text[] IS NULL OR audience && $6) AND ($7::timestamptz IS NULL OR (raised_at, id) < ($7, $8))
		AND ($11 = '' OR $12 = EXISTS (SELECT FROM mute m WHERE m.org_id = $1 AND m.person = $11 AND m.lifted_at IS NULL AND m.until > now()
			AND alert.step <= m.step AND (m.alert_id = alert.id OR m.alert_id IS NULL AND m.kind = alert.kind)))
		ORDER BY raised_at DESC, id DESC LIMIT $9`,
		org, q.Threads, q.State, q.Kind, q.Facility, q.Audience, before, q.BeforeID, q.Limit, q.Encounter, q.Person, q.Muted)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAlert)
}

// Sent is a delivery as it is shown.
type Sent struct {
	Recipient, Channel string
	Version            int
	State, Reason      string
	Attempts           int
	CreatedAt          time.Time
	NextAt             time.Time
	DoneAt             *time.Time
}

// SentOf lists an alert's deliveries.
func SentOf(ctx context.Context, tx pgx.Tx, alert events.ID) ([]Sent, error) {
	rows, err := tx.Query(ctx, `SELECT recipient, channel, version, state, reason, attempts, created_at, next_at, done_at
		FROM delivery WHERE alert_id = $1 ORDER BY version, recipient, channel`, alert)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Sent])
}

// SeenBy tells whether the ledger already says that a person has seen the alert.
func SeenBy(ctx context.Context, tx pgx.Tx, alert events.ID, person string) (seen bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM ledger WHERE alert_id = $1 AND decision = 'seen' AND recipient = $2)`, alert, person).Scan(&seen)
	return seen, err
}

// Laws states the conservation laws of an organization.
func Laws(ctx context.Context, tx pgx.Tx, org events.ID) ([]web.Law, error) {
	var alerts, deliveries, inStates, sentInStates, accounted, corrections, corrected int64
	err := tx.QueryRow(ctx, `SELECT
		(SELECT coalesce(sum(alerts), 0) FROM tally WHERE org_id = $1), (SELECT coalesce(sum(deliveries), 0) FROM tally WHERE org_id = $1),
		(SELECT count(*) FROM alert WHERE org_id = $1 AND state IN ('raised', 'acknowledged', 'resolved')),
		(SELECT count(*) FROM delivery WHERE org_id = $1 AND state IN ('pending', 'delivered', 'failed', 'suppressed')),
		(SELECT count(*) FROM alert a WHERE org_id = $1 AND (EXISTS (SELECT FROM delivery d WHERE d.alert_id = a.id)
			OR EXISTS (SELECT FROM ledger l WHERE l.alert_id = a.id AND l.decision = 'suppressed'))),
		(SELECT count(*) FROM ledger WHERE org_id = $1 AND decision = 'corrected' AND recipient <> ''),
		(SELECT count(*) FROM ledger l WHERE org_id = $1 AND decision = 'corrected' AND recipient <> ''
			AND EXISTS (SELECT FROM delivery d WHERE d.alert_id = l.alert_id AND d.recipient = l.recipient AND d.channel = l.channel AND d.version = l.version))`, org).
		Scan(&alerts, &deliveries, &inStates, &sentInStates, &accounted, &corrections, &corrected)
	return []web.Law{
		web.Balance("alerts created = raised + acknowledged + resolved", alerts, inStates),
		web.Balance("deliveries created = pending + delivered + failed + suppressed", deliveries, sentInStates),
		web.Balance("alerts = alerts with a delivery or a recorded suppression", inStates, accounted),
		web.Balance("corrections owed to those who were told = corrections with a delivery", corrections, corrected),
	}, err
}
