package store

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
)

// cells are referrals turned on their side: one array for each column, for unnest.
type cells struct {
	id, org, encounter, transition, patient, provider, arrival []events.ID
	facility, unit, need, state, reason, criteria              []string
	ranking                                                    []*string // nil: as it was
	version, followed, candidates                              []int32
	sum, directory                                             []int64
	current, sensitive, late                                   []bool
	dischargedAt, startAt, settlesAt                           []*time.Time
	touchedAt                                                  []time.Time
	plan                                                       []*string
}

func (c *cells) add(r *referral.Referral) error {
	criteria, err := json.Marshal(r.Criteria)
	if err != nil {
		return err
	}
	var ranking *string
	if r.Ranking != nil {
		b, err := r.Ranking.MarshalJSON()
		if err != nil {
			return err
		}
		s := string(b)
		ranking = &s
	}
	c.id, c.org, c.encounter = append(c.id, r.ID), append(c.org, r.Org), append(c.encounter, r.Encounter)
	c.transition, c.patient, c.provider = append(c.transition, r.Transition), append(c.patient, r.Patient), append(c.provider, r.Provider)
	c.arrival, c.facility, c.unit = append(c.arrival, r.Arrival), append(c.facility, r.Facility), append(c.unit, r.Unit)
	c.need, c.state, c.reason = append(c.need, r.Need), append(c.state, r.State), append(c.reason, r.Reason)
	c.criteria, c.ranking = append(c.criteria, string(criteria)), append(c.ranking, ranking)
	c.version, c.followed, c.candidates = append(c.version, int32(r.Version)), append(c.followed, int32(r.Followed)), append(c.candidates, int32(r.Candidates))
	c.sum, c.directory = append(c.sum, int64(r.RankingSum)), append(c.directory, r.Directory)
	c.current, c.sensitive, c.late = append(c.current, r.Current), append(c.sensitive, r.Sensitive), append(c.late, r.Late)
	c.dischargedAt, c.startAt, c.touchedAt = append(c.dischargedAt, r.DischargedAt), append(c.startAt, r.StartAt), append(c.touchedAt, r.TouchedAt)
	c.settlesAt = append(c.settlesAt, r.SettlesAt)
	return c.course(r)
}

// course adds how the search is gone about; most have nothing to say of it.
func (c *cells) course(r *referral.Referral) error {
	b, err := json.Marshal(r.Plan)
	if err != nil {
		return err
	}
	var plan *string
	if s := string(b); s != "{}" {
		plan = &s
	}
	c.plan = append(c.plan, plan)
	return nil
}

func (c *cells) args() []any {
	return []any{c.id, c.org, c.encounter, c.transition, c.patient, c.provider, c.arrival, c.facility, c.unit, c.need, c.state, c.reason,
		c.criteria, c.ranking, c.version, c.followed, c.candidates, c.sum, c.directory, c.current, c.sensitive, c.late,
		c.dischargedAt, c.startAt, c.touchedAt, c.settlesAt, c.plan}
}

const fromCells = `unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[],
	$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::int[], $16::int[], $17::int[], $18::bigint[], $19::bigint[],
	$20::bool[], $21::bool[], $22::bool[], $23::timestamptz[], $24::timestamptz[], $25::timestamptz[],
	$26::timestamptz[], $27::text[])
	AS n(id, org_id, encounter_id, transition_id, patient_id, provider_id, arrival_id, facility, unit, need, state, reason, criteria,
	ranking, version, followed, candidates, ranking_sum, directory_version, current, sensitive, late, discharged_at, start_at, touched_at,
	settles_at, plan)`

const insertReferrals = `
INSERT INTO referral (id, org_id, encounter_id, transition_id, patient_id, provider_id, arrival_id, facility, unit, need, state, reason,
	criteria, ranking, version, followed, candidates, ranking_sum, directory_version, current, sensitive, late, discharged_at, start_at,
	created_at, updated_at, settles_at, plan)
SELECT id, org_id, encounter_id, transition_id, patient_id, provider_id, arrival_id, facility, unit, need, state, reason,
	criteria::json, ranking::json, version, followed, candidates, ranking_sum, directory_version, current, sensitive, late, discharged_at, start_at,
	touched_at, touched_at, settles_at, plan::json
FROM ` + fromCells

// What a referral is about (organization, encounter, transition, need) never changes.
const updateReferrals = `
UPDATE referral r SET patient_id = n.patient_id, provider_id = n.provider_id, arrival_id = n.arrival_id, unit = n.unit, state = n.state,
	reason = n.reason, criteria = n.criteria::json, ranking = coalesce(n.ranking::json, r.ranking), version = n.version,
	followed = n.followed, candidates = n.candidates, ranking_sum = n.ranking_sum, directory_version = n.directory_version,
	current = n.current, sensitive = n.sensitive, late = n.late, discharged_at = n.discharged_at, start_at = n.start_at,
	updated_at = n.touched_at, settles_at = n.settles_at, plan = n.plan::json
FROM ` + fromCells + ` WHERE r.id = n.id`

type historyCells struct {
	referral, org, provider         []events.ID
	version                         []int32
	at                              []time.Time
	by, action, state, reason, note []string
	asked                           []*string // an array literal: arrays of arrays cannot be unnested row by row
	previous                        []*string
}

func (c *historyCells) add(r *referral.Referral) {
	for i := range r.Entries {
		e := &r.Entries[i]
		c.referral, c.org, c.provider = append(c.referral, r.ID), append(c.org, r.Org), append(c.provider, e.Provider)
		c.version, c.at, c.by = append(c.version, int32(e.Version)), append(c.at, e.At), append(c.by, e.By)
		c.action, c.state = append(c.action, string(e.Action)), append(c.state, e.State)
		c.reason, c.note, c.asked = append(c.reason, e.Reason), append(c.note, e.Note), append(c.asked, literal(e.Asked))
		c.previous = append(c.previous, object(e.Previous))
	}
}

func (c *historyCells) args() []any {
	return []any{c.referral, c.version, c.org, c.at, c.by, c.action, c.state, c.provider, c.asked, c.reason, c.note,
		c.previous}
}

const insertHistory = `
INSERT INTO history (referral_id, version, org_id, at, by, action, state, provider_id, asked, reason, note, previous)
SELECT r, v, g, at, by, action, state, p, asked::uuid[], reason, note, previous
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::json[])
	AS n(r, v, g, at, by, action, state, p, asked, reason, note, previous)`

func literal(ids []events.ID) *string {
	if len(ids) == 0 {
		return nil
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = id.String()
	}
	s := "{" + strings.Join(words, ",") + "}"
	return &s
}

// object is a map as JSON; none where it is empty.
func object(m map[string]string) *string {
	if len(m) == 0 {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts always encode
	}
	s := string(b)
	return &s
}

// constraint names the constraint or unique index that an error is about.
func constraint(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName
	}
	return ""
}
