package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// The states of a pair. A decision is Linked, Rejected or Review, a verdict Linked, Review or None.
const (
	Linked   = "linked"
	Unlinked = "unlinked" // a hospital's word
	Review   = "review"
	Rejected = "rejected"
	None     = "none"
)

// Pair is two patients of one organization and what was found, stated and decided of them.
type Pair struct {
	ID, Org, Low, High        events.ID
	Verdict, Stated, Decision string
	LeftOut                   bool
	StatedAt                  time.Time // when the hospital wrote that down
	State                     string    // as the table has it
	Score                     float64
	Explanation               string // JSON
	Changed                   time.Time
	Version                   int

	history string
	Fresh   bool // not in the table yet
}

// NewPair is a pair that nothing is known of.
func NewPair(org, a, b events.ID) *Pair {
	if string(a[:]) > string(b[:]) {
		a, b = b, a
	}
	return &Pair{ID: events.Derive("pair", a.String(), b.String()), Org: org, Low: a, High: b, Verdict: None, State: None, history: "[]", Fresh: true}
}

// Now is the state that follows from what was found, stated and decided.
func (p *Pair) Now() string {
	switch {
	case p.Decision != "":
		return p.Decision
	case p.Stated == Unlinked:
		return None
	case p.Stated != "":
		return p.Stated
	case p.LeftOut && p.Verdict == Linked:
		return Review
	}
	return p.Verdict
}

// Holds reports whether the pair is a link, if the groups allow it.
func (p *Pair) Holds() bool {
	switch {
	case p.Decision != "":
		return p.Decision == Linked
	case p.Stated != "":
		return p.Stated == Linked
	}
	return p.Verdict == Linked
}

// Apart reports whether somebody said that the two are not one person.
func (p *Pair) Apart() bool {
	return p.Decision == Rejected || p.Decision == "" && p.Stated == Unlinked
}

// Stated is what a hospital says of two patients.
type Stated struct {
	Org, A, B events.ID
	What      string
	At        time.Time
}

// saveStated queues hospitals' words; of two on one pair the newer counts, whichever comes first.
func saveStated(b *pgx.Batch, list []Stated) {
	newest := map[events.ID]Stated{}
	for _, s := range list {
		p := NewPair(s.Org, s.A, s.B)
		if old, known := newest[p.ID]; !known || s.At.After(old.At) || s.At.Equal(old.At) && s.What > old.What {
			newest[p.ID] = s
		}
	}
	var id, org, low, high []events.ID
	var what []string
	var at []time.Time
	for key, s := range newest {
		p := NewPair(s.Org, s.A, s.B)
		id, org, low, high, what, at = append(id, key), append(org, p.Org), append(low, p.Low), append(high, p.High), append(what, s.What), append(at, s.At)
	}
	if len(id) > 0 {
		b.Queue(`INSERT INTO patient_link AS l (id, org_id, low_id, high_id, verdict, stated, stated_at, score, explanation, history)
			SELECT id, org, low, high, 'none', what, at, 0, '{}', '[]' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[])
				AS u(id, org, low, high, what, at) ORDER BY id
			ON CONFLICT (id) DO UPDATE SET stated = excluded.stated, stated_at = excluded.stated_at, changed_at = now(), version = l.version + 1
				WHERE l.stated_at IS NULL OR (l.stated_at, l.stated) < (excluded.stated_at, excluded.stated)`, id, org, low, high, what, at)
	}
}

// Step is one change of a pair: what was done, by whom, and what it came to. No names.
type Step struct {
	At       time.Time `json:"at"`
	By       string    `json:"by" doc:"who; empty: the score"`
	What     string    `json:"what" enum:"score,link,reject,undo,state"`
	State    string    `json:"state"`
	Decision string    `json:"decision,omitempty"`
	Score    float64   `json:"score"`
	Reason   string    `json:"reason,omitempty"`
}

// History lists what became of a pair, oldest first.
func (p *Pair) History() (out []Step) {
	_ = json.Unmarshal([]byte(p.history), &out) // written by Note
	return out
}

// Note adds a step to a pair's history.
func (p *Pair) Note(s Step) {
	b, err := json.Marshal(append(p.History(), s))
	if err != nil {
		panic(err) // times and plain strings
	}
	p.history = string(b)
}

const pairColumns = `l.id, l.org_id, l.low_id, l.high_id, l.verdict, coalesce(l.stated, ''), coalesce(l.stated_at, 'epoch'), coalesce(l.decision, ''), l.left_out, l.state, l.score, l.explanation, l.changed_at, l.version, l.history`

func scanPair(row pgx.CollectableRow) (*Pair, error) {
	p := new(Pair)
	err := row.Scan(&p.ID, &p.Org, &p.Low, &p.High, &p.Verdict, &p.Stated, &p.StatedAt, &p.Decision, &p.LeftOut, &p.State, &p.Score, &p.Explanation, &p.Changed, &p.Version, &p.history)
	return p, err
}

// PairsOf reads all pairs that one of patients is in.
func (s *Store) PairsOf(ctx context.Context, tx pgx.Tx, patients []events.ID) ([]*Pair, error) {
	rows, err := tx.Query(ctx, `SELECT `+pairColumns+` FROM patient_link l WHERE l.low_id = ANY($1)
		UNION SELECT `+pairColumns+` FROM patient_link l WHERE l.high_id = ANY($1) ORDER BY 1`, patients)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPair)
}

// PairQuery selects pairs of the transaction's organization.
type PairQuery struct {
	ID, Patient events.ID
	State       string
	Score       *float64 // cursor: after this score and id, the highest score first
	After       events.ID
	Limit       int
}

// Pairs finds pairs, the highest score first.
func (s *Store) Pairs(ctx context.Context, tx pgx.Tx, q PairQuery) ([]*Pair, error) {
	w := &where{}
	if !q.ID.IsZero() {
		w.and("l.id = ?", q.ID)
	}
	if !q.Patient.IsZero() {
		w.and("(l.low_id = ? OR l.high_id = ?)", q.Patient, q.Patient)
	}
	if q.State != "" {
		w.and("l.state = ?", q.State)
	}
	if q.Score != nil {
		w.and("(l.score, l.id) < (?, ?)", *q.Score, q.After)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT `+pairColumns+` FROM patient_link l%s ORDER BY l.score DESC, l.id DESC LIMIT %d`, w, q.Limit), w.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPair)
}

// SavePairs writes pairs. One that another has written since it was read is an error: links are
// written under LockLinks.
func (s *Store) SavePairs(ctx context.Context, tx pgx.Tx, list []*Pair) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	id, org, low, high := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n), make([]events.ID, n)
	verdict, decision, explanation, history := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	out, score := make([]bool, n), make([]float64, n)
	for i, p := range list {
		id[i], org[i], low[i], high[i] = p.ID, p.Org, p.Low, p.High
		verdict[i], decision[i], explanation[i], history[i] = p.Verdict, p.Decision, p.Explanation, p.history
		out[i], score[i] = p.LeftOut, p.Score
	}
	_, err := tx.Exec(ctx, `INSERT INTO patient_link AS l (id, org_id, low_id, high_id, verdict, decision, left_out, score, explanation, history)
		SELECT id, org, low, high, verdict, nullif(decision, ''), lo, score, explanation, history
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::boolean[], $8::float8[], $9::text[], $10::text[])
			AS u(id, org, low, high, verdict, decision, lo, score, explanation, history)
		ON CONFLICT (id) DO UPDATE SET verdict = excluded.verdict, decision = excluded.decision, left_out = excluded.left_out,
			score = excluded.score, explanation = excluded.explanation, history = excluded.history, changed_at = now(), version = l.version + 1`,
		id, org, low, high, verdict, decision, out, score, explanation, history)
	return err
}

// LockGroups reads whole groups, and locks their patients in the order of their ids. Another
// transaction may have moved some of them while this one waited: then it looks again.
func (s *Store) LockGroups(ctx context.Context, tx pgx.Tx, persons []events.ID) (list []*Patient, err error) {
	for {
		rows, err := tx.Query(ctx, `SELECT id FROM patient WHERE person_id = ANY($1)`, persons)
		if err != nil {
			return nil, err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[events.ID])
		if err != nil {
			return nil, err
		}
		if list, err = s.lockMembers(ctx, tx, ids); err != nil {
			return nil, err
		}
		asked := len(persons)
		for _, m := range list {
			if !slices.Contains(persons[:asked], m.Person) {
				persons = append(persons, m.Person)
			}
		}
		var now int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM patient WHERE person_id = ANY($1)`, persons).Scan(&now); err != nil {
			return nil, err
		}
		if asked == len(persons) && now == len(list) {
			return list, nil
		}
	}
}

// lockMembers reads and locks patients, a survivor with what is known of it from all its names.
func (s *Store) lockMembers(ctx context.Context, tx pgx.Tx, ids []events.ID) ([]*Patient, error) {
	rows, err := tx.Query(ctx, `SELECT `+patientColumns+`, coalesce(d.effective, '') FROM patient p JOIN patient_detail d USING (id)
		WHERE p.id = ANY($1) ORDER BY p.id FOR NO KEY UPDATE OF p`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Patient, error) {
		var effective string
		p, err := scanPatient(tail{row, &effective})
		if effective != "" && err == nil {
			p.Record = decodeRecord(nil, effective)
		}
		return p, err
	})
}

// tail is a row with a column more than who scans it knows.
type tail struct {
	pgx.CollectableRow
	last any
}

// Scan scans the known columns, and the last.
func (t tail) Scan(into ...any) error { return t.CollectableRow.Scan(append(into, t.last)...) }

// Shared is an identifier that two patients have.
type Shared struct {
	A, B            events.ID
	Kind, Authority string
	Stated          bool
	Value           string
}

// mostSharing is how many patients an identifier may name: what more have names nobody.
const mostSharing = 64

// SharedBy reads the identifiers that some patients share with others, or, if among, with one another.
func (s *Store) SharedBy(ctx context.Context, tx pgx.Tx, patients []events.ID, among bool) ([]Shared, error) {
	rows, err := tx.Query(ctx, `SELECT i.patient_id, j.patient_id, i.kind, i.authority, i.stated, i.value FROM patient_identifier i
		CROSS JOIN LATERAL (SELECT patient_id FROM patient_identifier WHERE key = i.key AND patient_id <> i.patient_id LIMIT $2) j
		WHERE i.patient_id = ANY($1) AND i.stated AND (NOT $3 OR j.patient_id = ANY($1) AND i.patient_id < j.patient_id)`, patients, mostSharing, among)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Shared])
}

// PersonsTouched reads which persons touched patients are. Of groups in which somebody was said not
// to be another, it also reads whoever shares an identifier with them: of all others, shared
// identifiers were linked as they came.
func (s *Store) PersonsTouched(ctx context.Context, tx pgx.Tx, touched []events.ID) ([]events.ID, error) {
	rows, err := tx.Query(ctx, `WITH mine AS (
			SELECT DISTINCT person_id FROM patient WHERE id = ANY($1)
		)
		SELECT person_id FROM mine
		UNION SELECT o.person_id FROM mine m JOIN patient g ON g.person_id = m.person_id JOIN patient_identifier i ON i.patient_id = g.id
			JOIN patient_identifier j ON j.key = i.key JOIN patient o ON o.id = j.patient_id
			WHERE g.apart AND i.stated AND j.stated`, touched)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[events.ID])
}

// Persons reads which persons patients are.
func (s *Store) Persons(ctx context.Context, tx pgx.Tx, patients []events.ID) ([]events.ID, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT person_id FROM patient WHERE id = ANY($1)`, patients)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[events.ID])
}

// MovePersons writes which persons patients are now.
func (s *Store) MovePersons(ctx context.Context, tx pgx.Tx, patients, persons []events.ID) error {
	_, err := tx.Exec(ctx, `UPDATE patient p SET person_id = u.person FROM unnest($1::uuid[], $2::uuid[]) AS u(id, person) WHERE p.id = u.id`, patients, persons)
	return err
}

// apart is Pair.Apart.
const apart = `(l.decision = 'rejected' OR l.decision IS NULL AND l.stated = 'unlinked')`

// MarkApart notes that patients were said not to be others, or no more.
func (s *Store) MarkApart(ctx context.Context, tx pgx.Tx, patients []events.ID) error {
	_, err := tx.Exec(ctx, `UPDATE patient p SET apart = u.apart FROM (SELECT id, EXISTS (SELECT FROM patient_link l WHERE l.low_id = id AND `+apart+`)
			OR EXISTS (SELECT FROM patient_link l WHERE l.high_id = id AND `+apart+`) AS apart FROM unnest($1::uuid[]) AS u(id)) u
		WHERE p.id = u.id AND p.apart <> u.apart`, patients)
	return err
}
