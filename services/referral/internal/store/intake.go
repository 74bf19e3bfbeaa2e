package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/match"
)

// SpeaksFor lists the providers that a person speaks for.
func SpeaksFor(ctx context.Context, tx pgx.Tx, org events.ID, subject string) ([]events.ID, error) {
	rows, err := tx.Query(ctx, `SELECT provider_id FROM speaker WHERE org_id = $1 AND subject = $2`, org, subject)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[events.ID])
}

// Speakers lists who speaks for a provider.
func Speakers(ctx context.Context, tx pgx.Tx, provider events.ID) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT subject FROM speaker WHERE provider_id = $1 ORDER BY subject`, provider)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if list == nil {
		list = []string{}
	}
	return list, err
}

// SetSpeakers says who speaks for a provider: these, and nobody else.
func SetSpeakers(ctx context.Context, tx pgx.Tx, org, provider events.ID, subjects []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM speaker WHERE provider_id = $1 AND NOT subject = ANY($2)`, provider, subjects); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO speaker (provider_id, subject, org_id) SELECT $1, s, $2 FROM unnest($3::text[]) AS s ORDER BY s
		ON CONFLICT DO NOTHING`, provider, org, subjects)
	return err
}

// Own is a provider as those see it who speak for it.
type Own struct {
	ID         events.ID  `json:"id"`
	Name       string     `json:"name"`
	Needs      []string   `json:"needs"`
	Beds       *int       `json:"beds"`
	OpenBeds   *int       `json:"open_beds"`
	CapacityAt *time.Time `json:"capacity_at"`
	Waiting    int        `json:"waiting" doc:"requests to be answered"`
	Coming     int        `json:"coming" doc:"people accepted who are not there yet"`
}

// OwnProviders lists the providers that a person speaks for.
func OwnProviders(ctx context.Context, tx pgx.Tx, org events.ID, subject string) ([]Own, error) {
	rows, err := tx.Query(ctx, `SELECT p.id, p.name, p.needs, p.beds, p.open_beds, p.capacity_at, o.waiting, o.coming
		FROM speaker s JOIN provider p ON p.id = s.provider_id
		CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE o.state IN ('sent', 'acknowledged', 'offered')) AS waiting,
			count(*) FILTER (WHERE o.state = 'accepted' AND r.state IN ('accepted', 'booked', 'no-show')) AS coming
			FROM offer o JOIN referral r ON r.id = o.referral_id WHERE o.provider_id = p.id AND o.state IN ('sent', 'acknowledged', 'offered', 'accepted')) o
		WHERE s.org_id = $1 AND s.subject = $2 ORDER BY p.name, p.id`, org, subject)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o Own, err error) {
		err = row.Scan(&o.ID, &o.Name, &o.Needs, &o.Beds, &o.OpenBeds, &o.CapacityAt, &o.Waiting, &o.Coming)
		return o, err
	})
	if list == nil {
		list = []Own{}
	}
	return list, err
}

// Request is a referral as a provider sees it that was asked: what it needs to answer, and nothing that
// says who the person is or who else was asked.
type Request struct {
	ID           events.ID     `json:"id"`
	ProviderID   events.ID     `json:"provider_id"`
	Provider     string        `json:"provider"`
	Need         string        `json:"need"`
	Facility     string        `json:"facility" doc:"the hospital's code"`
	Hospital     string        `json:"hospital"`
	State        string        `json:"state" doc:"of what was asked of this provider"`
	Reason       string        `json:"reason"`
	Search       string        `json:"referral_state,omitempty" doc:"of the whole search, where this provider has the person"`
	AskedAt      *time.Time    `json:"asked_at"`
	Until        *time.Time    `json:"until,omitempty" doc:"an answer is waited for until then"`
	Question     bool          `json:"question" doc:"what this provider asked is not answered yet"`
	DischargedAt *time.Time    `json:"discharged_at,omitempty"`
	StartAt      *time.Time    `json:"start_at,omitempty"`
	Bed          string        `json:"bed,omitempty"`
	Patient      match.Patient `json:"patient" doc:"codes; ages from 90 on are 90"`
	Talk         []Said        `json:"talk,omitempty"`
}

// Said is a question of a provider, or the hospital's answer.
type Said struct {
	At     time.Time `json:"at"`
	Answer bool      `json:"answer"`
	Text   string    `json:"text"`
}

// RequestPosition is where a page of requests begins: after this one.
type RequestPosition struct {
	At       time.Time `json:"t"`
	ID       events.ID `json:"i"`
	Provider events.ID `json:"p"`
}

const requestFrom = `SELECT o.referral_id, o.provider_id, p.name, r.need, r.facility,
	coalesce((SELECT name FROM facility f WHERE f.org_id = r.org_id AND f.code = r.facility AND f.name <> '' ORDER BY id LIMIT 1), r.facility),
	o.state, o.reason, CASE WHEN r.provider_id = o.provider_id THEN r.state ELSE '' END, coalesce(o.asked_at, o.updated_at), o.until_at, o.question,
	r.discharged_at, CASE WHEN r.provider_id = o.provider_id THEN r.start_at END,
	CASE WHEN r.provider_id = o.provider_id THEN coalesce(r.plan ->> 'bed', '') ELSE '' END, r.criteria
	FROM speaker s JOIN offer o ON o.provider_id = s.provider_id JOIN referral r ON r.id = o.referral_id JOIN provider p ON p.id = o.provider_id
	WHERE s.org_id = $1 AND s.subject = $2 AND `

// oldest is the age from which on an age tells too much of who somebody is.
const oldest = 90

func scanRequest(row pgx.CollectableRow) (r Request, err error) {
	err = row.Scan(&r.ID, &r.ProviderID, &r.Provider, &r.Need, &r.Facility, &r.Hospital, &r.State, &r.Reason, &r.Search, &r.AskedAt, &r.Until,
		&r.Question, &r.DischargedAt, &r.StartAt, &r.Bed, &r.Patient)
	if a := r.Patient.Age; a != nil && *a > oldest {
		n := oldest
		r.Patient.Age = &n
	}
	return r, err
}

var shows = map[string]string{
	"new":    `o.state IN ('sent', 'acknowledged', 'offered')`,
	"coming": `o.state = 'accepted' AND r.state IN ('accepted', 'booked', 'no-show')`,
	"past":   `(o.state IN ('declined', 'withdrawn') OR o.state = 'accepted' AND r.state NOT IN ('accepted', 'booked', 'no-show'))`,
}

// Requests lists what is asked of the providers that a person speaks for, newest first.
func Requests(ctx context.Context, tx pgx.Tx, org events.ID, subject, show string, after *RequestPosition, limit int) ([]Request, error) {
	sql, args := requestFrom+shows[show], []any{org, subject, limit}
	if after != nil {
		sql += ` AND (coalesce(o.asked_at, o.updated_at), o.referral_id, o.provider_id) < ($4, $5, $6)`
		args = append(args, after.At, after.ID, after.Provider)
	}
	rows, err := tx.Query(ctx, sql+` ORDER BY coalesce(o.asked_at, o.updated_at) DESC, o.referral_id DESC, o.provider_id DESC LIMIT $3`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRequest)
}

// RequestOf is one of them with what was said about it; a fault.Unknown where it was asked of somebody else.
func RequestOf(ctx context.Context, tx pgx.Tx, org events.ID, subject string, id, provider events.ID) (*Request, error) {
	rows, err := tx.Query(ctx, requestFrom+`r.id = $3 AND ($4::uuid IS NULL OR o.provider_id = $4) ORDER BY o.place LIMIT 1`, org, subject, id, provider)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanRequest)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, unknown
	}
	r := &list[0]
	rows, err = tx.Query(ctx, `SELECT at, action = 'reply', note FROM history
		WHERE referral_id = $1 AND provider_id = $2 AND action IN ('question', 'reply') ORDER BY version`, id, r.ProviderID)
	if err != nil {
		return nil, err
	}
	r.Talk, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Said, err error) {
		err = row.Scan(&s.At, &s.Answer, &s.Text)
		return s, err
	})
	return r, err
}
