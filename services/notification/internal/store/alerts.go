package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// Migrations holds the service's tables, *.sql in folder "migrations".
//
//go:embed migrations/*.sql
var Migrations embed.FS

// alertColumns in the order of scanAlert.
const alertColumns = `id, org_id, thread, ordinal, encounter_id, transition_id, task_id, facility, unit, kind, cause, state,
	severity, reason, version, subject, about, count, sensitive, audience, owner, owner_role, step, escalate_at,
	acknowledged_by, acknowledged_at, resolved_at, occurred_at, received_at, raised_at, hold_until, last`

func scanAlert(row pgx.CollectableRow) (*notice.Alert, error) {
	var a notice.Alert
	err := row.Scan(&a.ID, &a.Org, &a.Thread, &a.Ordinal, &a.Encounter, &a.Transition, &a.Task, &a.Facility, &a.Unit, &a.Kind, &a.Cause, &a.State,
		&a.Severity, &a.Reason, &a.Version, &a.Subject, &a.About, &a.Count, &a.Sensitive, &a.Audience, &a.Owner, &a.OwnerRole, &a.Step, &a.EscalateAt,
		&a.AcknowledgedBy, &a.AcknowledgedAt, &a.ResolvedAt, &a.OccurredAt, &a.ReceivedAt, &a.RaisedAt, &a.HoldUntil, &a.Last)
	return &a, err
}

// Loaded is what a batch starts from.
type Loaded struct {
	Alerts   []*notice.Alert
	Versions map[events.ID]int64 // of the organizations' directories; none: 0
}

// Load locks the alerts of the threads and reads the directory versions of the organizations, in one
// round trip.
func Load(ctx context.Context, tx pgx.Tx, threads, orgs []events.ID) (Loaded, error) {
	out := Loaded{Versions: make(map[events.ID]int64, len(orgs))}
	b := &pgx.Batch{}
	// A plan made while the tables were small would be kept, and scan them when they are not.
	b.Queue(`SET LOCAL enable_seqscan = off`)
	b.Queue(`SELECT `+alertColumns+` FROM alert WHERE id = ANY($1) OR thread = ANY($1) AND ordinal > 0 ORDER BY id FOR UPDATE`, threads).Query(func(rows pgx.Rows) (err error) {
		out.Alerts, err = pgx.CollectRows(rows, scanAlert)
		return err
	})
	b.Queue(`SELECT org_id, version FROM directory WHERE org_id = ANY($1)`, orgs).Query(func(rows pgx.Rows) error {
		var org events.ID
		var v int64
		_, err := pgx.ForEachRow(rows, []any{&org, &v}, func() error {
			out.Versions[org] = v
			return nil
		})
		return err
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return out, fmt.Errorf("load alerts: %w", err)
	}
	return out, nil
}

// One reads an alert, or nil where there is none.
func One(ctx context.Context, tx pgx.Tx, id events.ID) (*notice.Alert, error) {
	rows, err := tx.Query(ctx, `SELECT `+alertColumns+` FROM alert WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAlert)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return a, err
}

// Lock locks alerts by id.
func Lock(ctx context.Context, tx pgx.Tx, ids []events.ID) ([]*notice.Alert, error) {
	rows, err := tx.Query(ctx, `SELECT `+alertColumns+` FROM alert WHERE id = ANY($1) ORDER BY id FOR UPDATE`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAlert)
}

// Claim holds threads that may have no alert yet, for callers that may raise the first one at the
// same time as another process: the second waits and then finds it.
func Claim(ctx context.Context, tx pgx.Tx, thread events.ID) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('thread/' || $1::text, 0))`, thread.String())
	return err
}

// Unanswered locks raised alerts whose next escalation step is due at now, at most limit, and leaves
// out those that somebody else is working on.
func Unanswered(ctx context.Context, tx pgx.Tx, orgs []events.ID, now time.Time, limit int) ([]*notice.Alert, error) {
	rows, err := tx.Query(ctx, `SELECT `+alertColumns+` FROM alert
		WHERE org_id = ANY($1) AND state = 'raised' AND escalate_at <= $2 ORDER BY escalate_at LIMIT $3 FOR UPDATE SKIP LOCKED`, orgs, now, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAlert)
}

// NextEscalation finds when each organization's next escalation step is due.
func NextEscalation(ctx context.Context, tx pgx.Tx, orgs []events.ID) (map[events.ID]time.Time, error) {
	rows, err := tx.Query(ctx, `SELECT o, (SELECT min(escalate_at) FROM alert WHERE org_id = o AND state = 'raised' AND escalate_at IS NOT NULL)
		FROM unnest($1::uuid[]) o`, orgs)
	if err != nil {
		return nil, err
	}
	out := map[events.ID]time.Time{}
	var org events.ID
	var at *time.Time
	_, err = pgx.ForEachRow(rows, []any{&org, &at}, func() error {
		if at != nil {
			out[org] = *at
		}
		return nil
	})
	return out, err
}

// Told is one delivery of an alert so far.
type Told struct {
	Alert              events.ID
	Recipient, Channel string
	Version            int
	State, Reason      string
	Attempts           int
}

// Deliveries locks what was told of alerts so far. Lock the alerts first.
func Deliveries(ctx context.Context, tx pgx.Tx, alerts []events.ID) ([]Told, error) {
	rows, err := tx.Query(ctx, `SELECT alert_id, recipient, channel, version, state, reason, attempts FROM delivery
		WHERE alert_id = ANY($1) ORDER BY alert_id, recipient, channel, version FOR UPDATE`, alerts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Told])
}

// Line is one event of the stream.
type Line struct {
	Org      events.ID
	Received time.Time
	Name     string
	Audience []string
	Data     []byte
	Trace    string // W3C traceparent, or ""
}

// Delivery is a delivery to be made, or (console) made by being written.
type Delivery struct {
	Alert, Org         events.ID
	Recipient, Channel string
	Version            int
	State, Reason      string
	Hold               *time.Time // not before, if it is pending
}

// Work is what a batch decided. Save writes it.
type Work struct {
	Fresh, Changed []*notice.Alert
	Deliveries     []Delivery
	Superseded     []Told // pending deliveries that are taken back before anybody tried, each with its reason
	Ledger         []ledger.Row
	Lines          []Line
}

// Save writes the work in two round trips at most. now becomes the time of every row.
func Save(ctx context.Context, tx pgx.Tx, w *Work, now time.Time) error {
	b := &pgx.Batch{}
	queueFresh(b, w.Fresh)
	queueChanged(b, w.Changed)
	queueDeliveries(b, w.Deliveries, now)
	queueSuperseded(b, w.Superseded, now)
	queueTally(b, w, now)
	if len(w.Ledger)+len(w.Lines) > 0 {
		b.Queue(`SELECT pg_advisory_xact_lock(hashtextextended('notification/log', 0))`)
	}
	queueLedger(b, w.Ledger, now)
	queueLines(b, w.Lines, now)
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("save alerts: %w", err)
	}
	return nil
}

// list is how a text[] of each row travels in a flat text[]: newline between elements. Person ids,
// roles and ids hold none.
func list(s []string) string { return strings.Join(s, "\n") }

func ids(list []events.ID) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = id.String()
	}
	return strings.Join(out, "\n")
}

// alertArrays are alerts by column.
type alertArrays struct {
	id, org, thread, encounter, transition, task, cause                        []events.ID
	ordinal, version, subject, count, step                                     []int32
	facility, unit, kind, state, severity, reason, about, audience, owner, own []string
	acknowledgedBy                                                             []string
	last                                                                       []*notice.Deed
	sensitive                                                                  []bool
	escalate, acknowledged, resolved, hold                                     []*time.Time
	occurred, received, raised                                                 []time.Time
}

func byColumn(list_ []*notice.Alert) *alertArrays {
	n := len(list_)
	c := &alertArrays{
		id: make([]events.ID, 0, n), org: make([]events.ID, 0, n), thread: make([]events.ID, 0, n), encounter: make([]events.ID, 0, n), transition: make([]events.ID, 0, n),
		task: make([]events.ID, 0, n), cause: make([]events.ID, 0, n),
		ordinal: make([]int32, 0, n), version: make([]int32, 0, n), subject: make([]int32, 0, n), count: make([]int32, 0, n), step: make([]int32, 0, n),
		facility: make([]string, 0, n), unit: make([]string, 0, n), kind: make([]string, 0, n), state: make([]string, 0, n), severity: make([]string, 0, n),
		reason: make([]string, 0, n), about: make([]string, 0, n), audience: make([]string, 0, n), owner: make([]string, 0, n), own: make([]string, 0, n),
		acknowledgedBy: make([]string, 0, n),
		last:           make([]*notice.Deed, 0, n),
		sensitive:      make([]bool, 0, n),
		escalate:       make([]*time.Time, 0, n), acknowledged: make([]*time.Time, 0, n), resolved: make([]*time.Time, 0, n), hold: make([]*time.Time, 0, n),
		occurred: make([]time.Time, 0, n), received: make([]time.Time, 0, n), raised: make([]time.Time, 0, n),
	}
	for _, a := range list_ {
		c.id, c.org, c.thread = append(c.id, a.ID), append(c.org, a.Org), append(c.thread, a.Thread)
		c.encounter, c.transition = append(c.encounter, a.Encounter), append(c.transition, a.Transition)
		c.task, c.cause = append(c.task, a.Task), append(c.cause, a.Cause)
		c.ordinal, c.version = append(c.ordinal, int32(a.Ordinal)), append(c.version, int32(a.Version))
		c.subject, c.count, c.step = append(c.subject, int32(a.Subject)), append(c.count, int32(a.Count)), append(c.step, int32(a.Step))
		c.facility, c.unit, c.kind = append(c.facility, a.Facility), append(c.unit, a.Unit), append(c.kind, a.Kind)
		c.state, c.severity, c.reason = append(c.state, string(a.State)), append(c.severity, string(a.Severity)), append(c.reason, a.Reason)
		c.about, c.audience = append(c.about, ids(a.About)), append(c.audience, list(a.Audience))
		c.owner, c.own, c.sensitive = append(c.owner, a.Owner), append(c.own, a.OwnerRole), append(c.sensitive, a.Sensitive)
		c.escalate, c.acknowledged, c.resolved = append(c.escalate, a.EscalateAt), append(c.acknowledged, a.AcknowledgedAt), append(c.resolved, a.ResolvedAt)
		c.occurred, c.received, c.raised = append(c.occurred, a.OccurredAt), append(c.received, a.ReceivedAt), append(c.raised, a.RaisedAt)
		c.acknowledgedBy, c.hold = append(c.acknowledgedBy, a.AcknowledgedBy), append(c.hold, a.HoldUntil)
		c.last = append(c.last, a.Last)
	}
	return c
}

func queueFresh(b *pgx.Batch, fresh []*notice.Alert) {
	if len(fresh) == 0 {
		return
	}
	c := byColumn(fresh)
	b.Queue(`INSERT INTO alert (id, org_id, thread, ordinal, encounter_id, transition_id, task_id, facility, unit, kind, cause, state,
			severity, reason, version, subject, about, count, sensitive, audience, owner, owner_role, step, escalate_at,
			acknowledged_by, acknowledged_at, resolved_at, occurred_at, received_at, raised_at, hold_until)
		SELECT id, org, thread, ordinal, encounter, transition, task, facility, unit, kind, cause, state, severity, reason, version, subject,
			string_to_array(about, E'\n')::uuid[], count, sensitive, string_to_array(audience, E'\n'), owner, own, step, escalate,
			who, acknowledged, resolved, occurred, received, raised, hold
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::uuid[],
			$12::text[], $13::text[], $14::text[], $15::int[], $16::int[], $17::text[], $18::int[], $19::bool[], $20::text[], $21::text[], $22::text[],
			$23::int[], $24::timestamptz[], $25::text[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[], $29::timestamptz[], $30::timestamptz[],
			$31::timestamptz[])
		AS a(id, org, thread, ordinal, encounter, transition, task, facility, unit, kind, cause, state, severity, reason, version, subject,
			about, count, sensitive, audience, owner, own, step, escalate, who, acknowledged, resolved, occurred, received, raised, hold)`,
		c.id, c.org, c.thread, c.ordinal, c.encounter, c.transition, c.task, c.facility, c.unit, c.kind, c.cause,
		c.state, c.severity, c.reason, c.version, c.subject, c.about, c.count, c.sensitive, c.audience, c.owner, c.own,
		c.step, c.escalate, c.acknowledgedBy, c.acknowledged, c.resolved, c.occurred, c.received, c.raised, c.hold)
}

func queueChanged(b *pgx.Batch, changed []*notice.Alert) {
	if len(changed) == 0 {
		return
	}
	c := byColumn(changed)
	b.Queue(`UPDATE alert SET transition_id = a.transition, task_id = a.task, facility = a.facility, unit = a.unit, cause = a.cause,
			state = a.state, severity = a.severity, reason = a.reason, version = a.version, subject = a.subject,
			about = string_to_array(a.about, E'\n')::uuid[], count = a.count, sensitive = a.sensitive,
			audience = string_to_array(a.audience, E'\n'), step = a.step, escalate_at = a.escalate, acknowledged_by = a.who,
			acknowledged_at = a.acknowledged, resolved_at = a.resolved, occurred_at = a.occurred, received_at = a.received,
			hold_until = a.hold, last = a.last
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::int[], $11::int[],
			$12::text[], $13::int[], $14::bool[], $15::text[], $16::int[], $17::timestamptz[], $18::text[], $19::timestamptz[], $20::timestamptz[],
			$21::timestamptz[], $22::timestamptz[], $23::timestamptz[], $24::jsonb[])
		AS a(id, transition, task, facility, unit, cause, state, severity, reason, version, subject, about, count, sensitive,
			audience, step, escalate, who, acknowledged, resolved, occurred, received, hold, last)
		WHERE alert.id = a.id`,
		c.id, c.transition, c.task, c.facility, c.unit, c.cause, c.state, c.severity, c.reason, c.version, c.subject,
		c.about, c.count, c.sensitive, c.audience, c.step, c.escalate, c.acknowledgedBy, c.acknowledged, c.resolved,
		c.occurred, c.received, c.hold, c.last)
}

func queueDeliveries(b *pgx.Batch, ds []Delivery, now time.Time) {
	if len(ds) == 0 {
		return
	}
	alert, org := make([]events.ID, len(ds)), make([]events.ID, len(ds))
	who, channel, state, reason := make([]string, len(ds)), make([]string, len(ds)), make([]string, len(ds)), make([]string, len(ds))
	version, hold := make([]int32, len(ds)), make([]*time.Time, len(ds))
	for i := range ds {
		d := &ds[i]
		hold[i] = d.Hold
		alert[i], org[i], who[i], channel[i], state[i], reason[i], version[i] = d.Alert, d.Org, d.Recipient, d.Channel, d.State, d.Reason, int32(d.Version)
	}
	b.Queue(`INSERT INTO delivery (alert_id, org_id, recipient, channel, version, state, reason, created_at, next_at, done_at)
		SELECT a, o, r, c, v, s, why, $8::timestamptz, greatest(h, $8::timestamptz), CASE WHEN s <> 'pending' THEN $8::timestamptz END
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $9::timestamptz[]) AS d(a, o, r, c, v, s, why, h)`,
		alert, org, who, channel, version, state, reason, now, hold)
}

func queueSuperseded(b *pgx.Batch, told []Told, now time.Time) {
	for _, t := range told { // corrections of what nobody was told yet: a handful
		b.Queue(`UPDATE delivery SET state = 'suppressed', reason = $6, done_at = $5, claimed_until = NULL
			WHERE alert_id = $1 AND recipient = $2 AND channel = $3 AND version = $4 AND state = 'pending'`,
			t.Alert, t.Recipient, t.Channel, t.Version, now, t.Reason)
	}
}

func queueTally(b *pgx.Batch, w *Work, now time.Time) {
	type made struct{ alerts, deliveries int64 }
	by := map[events.ID]*made{}
	at := func(org events.ID) *made {
		m := by[org]
		if m == nil {
			m = &made{}
			by[org] = m
		}
		return m
	}
	for _, a := range w.Fresh {
		at(a.Org).alerts++
	}
	for i := range w.Deliveries {
		at(w.Deliveries[i].Org).deliveries++
	}
	if len(by) == 0 {
		return
	}
	var orgs []events.ID
	var alerts, deliveries []int64
	for org, m := range by {
		orgs, alerts, deliveries = append(orgs, org), append(alerts, m.alerts), append(deliveries, m.deliveries)
	}
	b.Queue(`INSERT INTO tally (org_id, day, alerts, deliveries)
		SELECT o, ($4::timestamptz AT TIME ZONE 'UTC')::date, a, d FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS t(o, a, d) ORDER BY o
		ON CONFLICT (org_id, day) DO UPDATE SET alerts = tally.alerts + excluded.alerts, deliveries = tally.deliveries + excluded.deliveries`,
		orgs, alerts, deliveries, now)
}
