package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// Parcel is a claimed delivery with what its channel needs to know.
type Parcel struct {
	Alert, Org         events.ID
	Recipient, Channel string
	Version, Attempts  int
	Failures           int    // tries that the receiver did not take; Attempts counts those that a crash cut off too
	First              bool   // nothing else about the alert was ever tried or waits on this road before it
	Reason             string // what the try before came to
	Created            time.Time
	Kind, State        string
	Severity           notice.Severity
	Encounter          events.ID
	Facility           string
	Sensitive          bool
	Email              string // where an email goes, if the person is active
	URL                string // where a webhook goes, if the endpoint is active
	Secrets            []string
	Endpoint           events.ID
	Devices            []Device // where a push goes
	PushKey            []byte   // by which the organization is known to push services
}

// ClaimDeliveries takes up to limit deliveries of a channel that are due for lease: nobody else takes
// them until the lease is over. Each claim counts as an attempt. Time is the database's.
func ClaimDeliveries(ctx context.Context, tx pgx.Tx, channel string, limit int, lease time.Duration) ([]Parcel, error) {
	rows, err := tx.Query(ctx, `WITH due AS (
			SELECT alert_id, recipient, channel, version FROM delivery
			WHERE state = 'pending' AND channel = $3 AND next_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
			ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
		), c AS (
			UPDATE delivery d SET claimed_until = now() + $2, attempts = d.attempts + 1 FROM due
			WHERE d.alert_id = due.alert_id AND d.recipient = due.recipient AND d.channel = due.channel AND d.version = due.version
			RETURNING d.*
		)
		SELECT c.alert_id, c.org_id, c.recipient, c.channel, c.version, c.attempts, c.failures, c.reason, c.created_at, a.kind, a.state, a.severity, a.encounter_id,
			a.facility, a.sensitive, coalesce(p.email, ''), coalesce(e.url, ''), coalesce(e.secrets, '{}'), e.id,
			CASE WHEN c.channel = 'push' THEN (SELECT jsonb_agg(jsonb_build_object('id', v.id, 'endpoint', v.endpoint,
					'p256dh', encode(v.p256dh, 'base64'), 'auth', encode(v.auth, 'base64')) ORDER BY v.id)
				FROM device v WHERE v.org_id = c.org_id AND v.person = c.recipient AND v.until > now()
				AND NOT EXISTS (SELECT FROM person x WHERE x.org_id = c.org_id AND x.id = c.recipient AND NOT x.active)) END,
			CASE WHEN c.channel = 'push' THEN (SELECT private FROM push_key k WHERE k.org_id = c.org_id) END,
			-- At most one of a road is ever sent as the first, and it is so on every try: what is older and
			-- was taken back untried stays so.
			NOT EXISTS (SELECT FROM delivery o WHERE o.alert_id = c.alert_id AND o.recipient = c.recipient AND o.channel = c.channel
				AND o.version < c.version AND (o.state <> 'suppressed' OR o.attempts > 0))
		FROM c JOIN alert a ON a.id = c.alert_id
		LEFT JOIN person p ON c.channel = 'email' AND p.org_id = c.org_id AND p.id = c.recipient AND p.active
		LEFT JOIN endpoint e ON c.channel = 'webhook' AND e.org_id = c.org_id AND e.active AND c.recipient = 'endpoint:' || e.id::text`, limit, lease, channel)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Parcel, err error) {
		err = row.Scan(&p.Alert, &p.Org, &p.Recipient, &p.Channel, &p.Version, &p.Attempts, &p.Failures, &p.Reason, &p.Created, &p.Kind, &p.State, &p.Severity,
			&p.Encounter, &p.Facility, &p.Sensitive, &p.Email, &p.URL, &p.Secrets, &p.Endpoint, &p.Devices, &p.PushKey, &p.First)
		return p, err
	})
}

// Outcome is what became of one claimed delivery: delivered, failed, suppressed, or pending again
// after Wait.
type Outcome struct {
	Parcel Parcel
	State  string
	Reason string
	Wait   time.Duration
	Cut    bool        // we stopped, before the receiver said anything: no failure of its
	Lost   []events.ID // devices that are gone
}

// Finish records outcomes and returns those that took: an outcome of a claim that somebody else has
// taken over meanwhile counts only if it was a success.
func Finish(ctx context.Context, tx pgx.Tx, outcomes []Outcome) ([]Outcome, error) {
	b := &pgx.Batch{}
	took := make([]bool, len(outcomes))
	for i, o := range outcomes {
		p := o.Parcel
		b.Queue(`UPDATE delivery SET state = $5, reason = $6, next_at = now() + $7, claimed_until = NULL, failures = failures + CASE WHEN $5 = 'pending' AND NOT $9 THEN 1 ELSE 0 END,
				done_at = CASE WHEN $5 = 'pending' THEN NULL ELSE now() END
			WHERE alert_id = $1 AND recipient = $2 AND channel = $3 AND version = $4 AND state = 'pending'
				AND (attempts = $8 OR $5 = 'delivered') RETURNING true`,
			p.Alert, p.Recipient, p.Channel, p.Version, o.State, o.Reason, o.Wait, p.Attempts, o.Cut).Query(func(rows pgx.Rows) error {
			took[i] = rows.Next()
			rows.Close()
			return rows.Err()
		})
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	out := outcomes[:0:0]
	for i, o := range outcomes {
		if took[i] {
			out = append(out, o)
		}
	}
	return out, nil
}

// DisableEndpoint switches a webhook receiver off, and tells whether it was on.
func DisableEndpoint(ctx context.Context, tx pgx.Tx, org, id events.ID, why string) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE endpoint SET active = false, disabled = $3 WHERE org_id = $1 AND id = $2 AND active`, org, id, why)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	return true, bump(ctx, tx, org)
}

// OldestPending is the age of the oldest delivery that waits, by channel; none: no entry. One that is
// held until a discharge settles does not wait for the channel.
func OldestPending(ctx context.Context, q Querier) (map[string]time.Duration, error) {
	rows, err := q.Query(ctx, `SELECT channel, extract(epoch FROM now() - min(created_at))::float8 FROM delivery
		WHERE state = 'pending' AND (attempts > 0 OR next_at <= now()) GROUP BY channel`)
	if err != nil {
		return nil, err
	}
	out := map[string]time.Duration{}
	var channel string
	var seconds float64
	_, err = pgx.ForEachRow(rows, []any{&channel, &seconds}, func() error {
		out[channel] = time.Duration(seconds * float64(time.Second))
		return nil
	})
	return out, err
}

// EscalateNow makes the next escalation step of raised alerts due at now. Digests and alerts that do
// not escalate have none and stay as they are.
func EscalateNow(ctx context.Context, tx pgx.Tx, alerts []events.ID, now time.Time) error {
	if len(alerts) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE alert SET escalate_at = $2 WHERE id = ANY($1) AND state = 'raised' AND escalate_at IS NOT NULL`, alerts, now)
	return err
}
