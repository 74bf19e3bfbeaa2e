package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/match"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
)

// View is a referral as people see it in a list.
type View struct {
	ID           events.ID      `json:"id"`
	EncounterID  events.ID      `json:"encounter_id"`
	TransitionID events.ID      `json:"transition_id"`
	PatientID    events.ID      `json:"patient_id"`
	Facility     string         `json:"facility"`
	Unit         string         `json:"unit"`
	Need         string         `json:"need"`
	State        string         `json:"state"`
	Reason       string         `json:"reason"`
	Version      int            `json:"version"`
	ProviderID   events.ID      `json:"provider_id" doc:"who accepted; empty until somebody has"`
	Offers       []events.Offer `json:"offers"`
	Plan         referral.Plan  `json:"plan" doc:"waves still to be asked, the hours each has, what the patient chose"`
	Candidates   int            `json:"candidate_count"`
	StartAt      *time.Time     `json:"start_at,omitempty"`
	DischargedAt *time.Time     `json:"discharged_at,omitempty"`
	Arrival      events.ID      `json:"arrival_encounter_id" doc:"the stay at the receiving facility that closed it"`
	Sensitive    bool           `json:"sensitive"`
	Late         bool           `json:"late_arrival"`
	CreatedAt    time.Time      `json:"created_at"`
	UpdatedAt    time.Time      `json:"updated_at"`
}

const viewColumns = `r.id, r.encounter_id, r.transition_id, r.patient_id, r.facility, r.unit, r.need, r.state, r.reason, r.version,
	r.provider_id, r.candidates, r.start_at, r.discharged_at, r.arrival_id, r.sensitive, r.late, r.created_at, r.updated_at, coalesce(r.plan, '{}')`

func (v *View) fields() []any {
	return []any{&v.ID, &v.EncounterID, &v.TransitionID, &v.PatientID, &v.Facility, &v.Unit, &v.Need, &v.State, &v.Reason, &v.Version,
		&v.ProviderID, &v.Candidates, &v.StartAt, &v.DischargedAt, &v.Arrival, &v.Sensitive, &v.Late, &v.CreatedAt, &v.UpdatedAt, &v.Plan}
}

// Filter narrows a list of referrals; empty fields do not.
type Filter struct {
	Encounter, Transition events.ID
	States                []string
	Need, Facility        string
	After                 *Position
	Limit                 int
}

// Position is where a page of referrals begins: after this one, newest first.
type Position struct {
	At time.Time `json:"t"`
	ID events.ID `json:"i"`
}

// List returns the referrals that pass the filter, newest first. The statement holds only the
// conditions that are asked for, so that each kind of question is planned for itself.
func List(ctx context.Context, tx pgx.Tx, f Filter) ([]View, error) {
	where, args := "true", []any{f.Limit}
	and := func(asked bool, condition string, values ...any) {
		if !asked {
			return
		}
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where += " AND " + condition
	}
	and(!f.Encounter.IsZero(), "r.encounter_id = ?", f.Encounter)
	and(!f.Transition.IsZero(), "r.transition_id = ?", f.Transition)
	switch len(f.States) {
	case 0:
	case 1: // by equality the index gives the rows in order
		and(true, "r.state = ?", f.States[0])
	default:
		and(true, "r.state = ANY(?)", f.States)
	}
	and(f.Need != "", "r.need = ?", f.Need)
	and(f.Facility != "", "r.facility = ?", f.Facility)
	if f.After != nil {
		and(true, "(r.created_at, r.id) < (?, ?)", f.After.At, f.After.ID)
	}
	rows, err := tx.Query(ctx, `SELECT `+viewColumns+` FROM referral r WHERE `+where+` ORDER BY r.created_at DESC, r.id DESC LIMIT $1`, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v View, err error) {
		err = row.Scan(v.fields()...)
		return v, err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, offersOf(ctx, tx, list)
}

func offersOf(ctx context.Context, tx pgx.Tx, list []View) error {
	at := make(map[events.ID]*View, len(list))
	ids := make([]events.ID, len(list))
	for i := range list {
		list[i].Offers = []events.Offer{}
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	rows, err := tx.Query(ctx, `SELECT referral_id, `+offerColumns+` FROM offer WHERE referral_id = ANY($1) ORDER BY referral_id, place`, ids)
	if err != nil {
		return err
	}
	var id events.ID
	var o events.Offer
	_, err = pgx.ForEachRow(rows, append([]any{&id}, offerFields(&o)...), func() error {
		at[id].Offers = append(at[id].Offers, o)
		return nil
	})
	return err
}

// Detail is a referral with its ranking.
type Detail struct {
	View
	Criteria  match.Patient
	Directory int64
	Ranking   match.Ranking
}

// Get returns one referral; a fault.Unknown if there is none the caller may see.
func Get(ctx context.Context, tx pgx.Tx, id events.ID) (*Detail, error) {
	d := &Detail{}
	err := tx.QueryRow(ctx, `SELECT `+viewColumns+`, r.criteria, r.directory_version, r.ranking FROM referral r WHERE r.id = $1`, id).
		Scan(append(d.fields(), &d.Criteria, &d.Directory, &d.Ranking)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	one := []View{d.View}
	err = offersOf(ctx, tx, one)
	d.View = one[0]
	return d, err
}

// One returns one referral as lists show it.
func One(ctx context.Context, tx pgx.Tx, id events.ID) (*View, error) {
	d, err := Get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return &d.View, nil
}

// Line is one line of a referral's history.
type Line struct {
	Version    int         `json:"version"`
	At         time.Time   `json:"at"`
	By         string      `json:"by" doc:"a person; empty: the system"`
	Action     string      `json:"action"`
	State      string      `json:"state" doc:"after it"`
	ProviderID events.ID   `json:"provider_id"`
	Asked      []events.ID `json:"asked,omitempty" doc:"providers asked for the first time; of choose: those chosen, in the order wished"`
	Reason     string      `json:"reason"`
	Note       string      `json:"note,omitempty"`
	// Previous is of a correction of the stay.
	Previous map[string]string `json:"previous,omitempty" doc:"what a correction of the stay changed, old values; ids and times only"`
}

// History returns everything that ever happened to a referral, oldest first.
func History(ctx context.Context, tx pgx.Tx, id events.ID) ([]Line, error) {
	rows, err := tx.Query(ctx, `SELECT version, at, by, action, state, provider_id, asked, reason, note, previous
		FROM history WHERE referral_id = $1 ORDER BY version`, id)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Line, err error) {
		err = row.Scan(&l.Version, &l.At, &l.By, &l.Action, &l.State, &l.ProviderID, &l.Asked, &l.Reason, &l.Note, &l.Previous)
		return l, err
	})
	if err == nil && len(list) == 0 {
		return nil, unknown
	}
	return list, err
}

// Laws counts what must balance: what was ever begun, by the history, against the literal states of
// what there is.
func Laws(ctx context.Context, tx pgx.Tx) ([]web.Law, error) {
	var drafted, referrals, asked, offers, chosen, accepted, changes, versions int64
	err := tx.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM history WHERE action = 'draft'),
		(SELECT count(*) FROM referral WHERE state = ANY($1)),
		(SELECT coalesce(sum(cardinality(asked)), 0) FROM history WHERE action = 'send'),
		(SELECT count(*) FROM offer WHERE state = ANY($2)),
		(SELECT count(*) FROM referral WHERE state IN ('accepted', 'booked', 'arrived', 'no-show')),
		(SELECT count(*) FROM offer WHERE state = 'accepted'),
		(SELECT count(*) FROM history),
		(SELECT coalesce(sum(version), 0) FROM referral)`, referral.States, referral.OfferStates).
		Scan(&drafted, &referrals, &asked, &offers, &chosen, &accepted, &changes, &versions)
	return []web.Law{
		web.Balance("referrals drafted = drafted + sent + acknowledged + offered + declined + accepted + booked + arrived + no-show + withdrawn + expired", drafted, referrals),
		web.Balance("providers asked = offers sent + acknowledged + offered + declined + accepted + withdrawn", asked, offers),
		web.Balance("referrals accepted + booked + arrived + no-show = offers accepted", chosen, accepted),
		web.Balance("changes in the history = sum of versions", changes, versions),
	}, err
}

// CountByState counts all referrals of this schema by state.
func CountByState(ctx context.Context, tx pgx.Tx, facility string) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `SELECT state, count(*) FROM referral WHERE $1 = '' OR facility = $1 GROUP BY state`, facility)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	var state string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		out[state] = n
		return nil
	})
	return out, err
}
