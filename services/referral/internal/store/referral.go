package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
)

const columns = `id, org_id, encounter_id, transition_id, patient_id, facility, unit, need, state, reason, version, current,
	followed, discharged_at, provider_id, start_at, sensitive, late, criteria, candidates, ranking_sum, directory_version,
	arrival_id, updated_at, settles_at, coalesce(plan, '{}')`

// OfEncounters loads and locks all referrals of encounters.
func OfEncounters(ctx context.Context, tx pgx.Tx, encounters []events.ID) ([]*referral.Referral, error) {
	return locked(ctx, tx, `encounter_id = ANY($1)`, encounters)
}

// ByIDs loads and locks referrals.
func ByIDs(ctx context.Context, tx pgx.Tx, ids []events.ID) ([]*referral.Referral, error) {
	return locked(ctx, tx, `id = ANY($1)`, ids)
}

// Lock loads and locks one referral; a fault.Unknown if there is none the caller may see.
func Lock(ctx context.Context, tx pgx.Tx, id events.ID) (*referral.Referral, error) {
	list, err := locked(ctx, tx, `id = $1`, id)
	if err == nil && len(list) == 0 {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

var unknown = fault.New(fault.Unknown, "there is no such referral")

// Waiting loads and locks the referrals of patients that an arrival may close or has closed, and those
// that may be about to wait for one: somebody else's acceptance that is not committed yet is waited
// for, so that of an arrival and an acceptance at the same time the later one sees the other. Those
// that one of stays has closed come too, whoever's they are.
func Waiting(ctx context.Context, tx pgx.Tx, patients, stays []events.ID) ([]*referral.Referral, error) {
	return locked(ctx, tx, `patient_id = ANY($1) AND state NOT IN ('withdrawn', 'expired') OR arrival_id = ANY($2)`, patients, stays)
}

// Stale loads and locks up to limit referrals of org that were ranked from an older directory than
// version, while nobody has been chosen.
func Stale(ctx context.Context, tx pgx.Tx, org events.ID, version int64, limit int) ([]*referral.Referral, error) {
	return locked(ctx, tx, `id IN (SELECT id FROM referral WHERE org_id = $1 AND directory_version < $2
		AND state IN ('drafted', 'sent', 'acknowledged', 'offered', 'declined') LIMIT $3)
		AND directory_version < $2`, org, version, limit)
}

// locked locks rows in the order of their ids, so that two transactions never wait for each other.
// The offers are read by a statement of their own: one that had to wait for a row would otherwise
// see the offers as they were before.
func locked(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]*referral.Referral, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM referral WHERE `+where+` ORDER BY id FOR UPDATE`, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, err
	}
	return list, loadOffers(ctx, tx, list)
}

func scan(row pgx.CollectableRow) (*referral.Referral, error) {
	r := &referral.Referral{}
	var sum int64
	err := row.Scan(&r.ID, &r.Org, &r.Encounter, &r.Transition, &r.Patient, &r.Facility, &r.Unit, &r.Need, &r.State, &r.Reason,
		&r.Version, &r.Current, &r.Followed, &r.DischargedAt, &r.Provider, &r.StartAt, &r.Sensitive, &r.Late, &r.Criteria,
		&r.Candidates, &sum, &r.Directory, &r.Arrival, &r.TouchedAt, &r.SettlesAt, &r.Plan)
	r.RankingSum = uint64(sum)
	return r, err
}

func loadOffers(ctx context.Context, tx pgx.Tx, list []*referral.Referral) error {
	byID := map[events.ID]*referral.Referral{}
	var ids []events.ID
	for _, r := range list {
		if r.State != referral.Drafted {
			byID[r.ID] = r
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT referral_id, `+offerColumns+`, facility FROM offer WHERE referral_id = ANY($1) ORDER BY referral_id, place`, ids)
	if err != nil {
		return err
	}
	var id events.ID
	var o events.Offer
	var place string
	_, err = pgx.ForEachRow(rows, append(append([]any{&id}, offerFields(&o)...), &place), func() error {
		r := byID[id]
		r.Offers = append(r.Offers, o)
		if place != "" {
			if r.Places == nil {
				r.Places = map[string]string{}
			}
			r.Places[o.Provider.String()] = place
		}
		return nil
	})
	return err
}

// Save writes referrals, their offers and what was done to them: a few statements in one round trip.
func Save(ctx context.Context, tx pgx.Tx, list []*referral.Referral) error {
	var drafted, changed cells
	var offers offerCells
	var past historyCells
	for _, r := range list {
		c := &changed
		if len(r.Entries) > 0 && r.Entries[0].Action == referral.Draft {
			c = &drafted
		}
		if err := c.add(r); err != nil {
			return err
		}
		offers.add(r)
		past.add(r)
	}
	b := &pgx.Batch{}
	if len(changed.id) > 0 {
		b.Queue(updateReferrals, changed.args()...)
	}
	if len(drafted.id) > 0 {
		b.Queue(insertReferrals, drafted.args()...)
	}
	if len(offers.referral) > 0 {
		b.Queue(upsertOffers, offers.args()...)
	}
	if len(past.referral) > 0 {
		b.Queue(insertHistory, past.args()...)
	}
	if b.Len() == 0 {
		return nil
	}
	return explain(tx.SendBatch(ctx, b).Close())
}

// explain turns the index that is the last word on a lost race into what it means.
func explain(err error) error {
	if constraint(err) == "offer_accepted" {
		return fault.Wrap(fault.Conflict, err, "another acceptance won")
	}
	return err
}

type offerCells struct {
	referral, provider, org []events.ID
	state, reason, facility []string
	place, wave             []int32
	asked, answered, until  []*time.Time
	question                []bool
}

func (c *offerCells) args() []any {
	return []any{c.referral, c.provider, c.org, c.state, c.reason, c.place, c.facility, c.wave, c.asked, c.answered, c.until, c.question}
}

// offerColumns are what an offer says, in the order of offerFields.
const offerColumns = `provider_id, state, reason, wave, asked_at, answered_at, until_at, question`

func offerFields(o *events.Offer) []any {
	return []any{&o.Provider, &o.State, &o.Reason, &o.Wave, &o.AskedAt, &o.AnsweredAt, &o.Until, &o.Question}
}

func (c *offerCells) add(r *referral.Referral) {
	if len(r.Entries) == 0 {
		return // offers only change with an entry
	}
	for i, o := range r.Offers {
		c.referral, c.provider, c.org = append(c.referral, r.ID), append(c.provider, o.Provider), append(c.org, r.Org)
		c.state, c.reason, c.place = append(c.state, o.State), append(c.reason, o.Reason), append(c.place, int32(i))
		c.facility, c.wave = append(c.facility, r.Places[o.Provider.String()]), append(c.wave, int32(o.Wave))
		c.asked, c.answered = append(c.asked, o.AskedAt), append(c.answered, o.AnsweredAt)
		c.until, c.question = append(c.until, o.Until), append(c.question, o.Question)
	}
}

// Rows that lose an acceptance are written before the row that gets one, for offer_accepted's sake.
const upsertOffers = `
INSERT INTO offer AS o (referral_id, provider_id, org_id, state, reason, place, facility, wave, asked_at, answered_at, until_at, question)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::text[], $8::int[], $9::timestamptz[],
	$10::timestamptz[], $11::timestamptz[], $12::bool[]) AS n(r, p, g, state, e, l, f, w, a, d, u, q)
ORDER BY n.state = 'accepted', n.r, n.p
ON CONFLICT (referral_id, provider_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, facility = excluded.facility,
	wave = excluded.wave, asked_at = excluded.asked_at, answered_at = excluded.answered_at, until_at = excluded.until_at,
	question = excluded.question, updated_at = now()
WHERE (o.state, o.reason, o.facility, o.wave, o.asked_at, o.answered_at, o.until_at, o.question) IS DISTINCT FROM
	(excluded.state, excluded.reason, excluded.facility, excluded.wave, excluded.asked_at, excluded.answered_at, excluded.until_at, excluded.question)`
