package store

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// Visit names a stay within a facility.
type Visit struct {
	Facility events.ID
	Key      string
}

// Wanted is what a batch of messages touches.
type Wanted struct {
	Messages    []events.ID
	Identifiers []events.ID // keys
	Visits      []Visit
}

// Loaded is what is known of it, locked until the transaction ends: patients first, then stays, each
// in the order of their ids, so that two processes never wait for each other.
type Loaded struct {
	Mine       map[events.ID]bool // the messages that are this process's to handle
	Named      []Named
	Patients   map[events.ID]*Patient
	Encounters map[events.ID]*Encounter
}

// Load takes the messages and reads what they touch, in one round trip.
func (s *Store) Load(ctx context.Context, tx pgx.Tx, w Wanted) (*Loaded, error) {
	out := &Loaded{Mine: map[events.ID]bool{}, Patients: map[events.ID]*Patient{}, Encounters: map[events.ID]*Encounter{}}
	facilities, keys := make([]events.ID, len(w.Visits)), make([]string, len(w.Visits))
	for i, v := range w.Visits {
		facilities[i], keys[i] = v.Facility, v.Key
	}
	b := &pgx.Batch{}
	b.Queue(byKey, true)
	b.Queue(`DELETE FROM message_open WHERE id = ANY($1) AND owner = $2 RETURNING id`, w.Messages, s.Owner).Query(func(rows pgx.Rows) error {
		var id events.ID
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { out.Mine[id] = true; return nil })
		return err
	})
	b.Queue(`SELECT key, patient_id, facility_id, own FROM patient_identifier WHERE key = ANY($1)`, w.Identifiers).Query(func(rows pgx.Rows) (err error) {
		out.Named, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Named])
		return err
	})
	b.Queue(`SELECT `+patientColumns+` FROM patient p JOIN patient_detail d USING (id)
		WHERE p.id IN (SELECT patient_id FROM patient_identifier WHERE key = ANY($1)) ORDER BY p.id FOR NO KEY UPDATE OF p`, w.Identifiers).Query(out.takePatients)
	if len(w.Visits) > 0 {
		b.Queue(`SELECT `+encounterColumns+` FROM encounter e JOIN unnest($1::uuid[], $2::text[]) AS v(f, k) ON e.facility_id = v.f AND e.visit_key = v.k
			ORDER BY e.id FOR NO KEY UPDATE OF e`, facilities, keys).Query(out.takeEncounters)
	}
	return out, tx.SendBatch(ctx, b).Close()
}

// LoadPatients reads and locks further patients. Their locks come after those of stays: should two
// processes wait for each other, one of them is told and tries again.
func (s *Store) LoadPatients(ctx context.Context, tx pgx.Tx, l *Loaded, ids []events.ID) error {
	rows, err := tx.Query(ctx, `SELECT `+patientColumns+` FROM patient p JOIN patient_detail d USING (id) WHERE p.id = ANY($1) ORDER BY p.id FOR NO KEY UPDATE OF p`, ids)
	if err != nil {
		return err
	}
	return l.takePatients(rows)
}

func (l *Loaded) takePatients(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, scanPatient)
	for _, p := range list {
		l.Patients[p.ID] = p
	}
	return err
}

func (l *Loaded) takeEncounters(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, scanEncounter)
	for _, e := range list {
		if l.Encounters[e.ID] == nil {
			l.Encounters[e.ID] = e
		}
	}
	return err
}

// EDVisit is an emergency visit of a person.
type EDVisit struct {
	Person, Encounter, Facility events.ID
	AdmittedAt                  time.Time
	DischargedAt                *time.Time
	Disposition                 string
}

// More is what a second look needs.
type More struct {
	Patients []events.ID // all their stays
	Persons  []events.ID // their emergency visits
}

// LoadMore reads stays by patient, then the facts of all stays loaded, and emergency visits.
func (s *Store) LoadMore(ctx context.Context, tx pgx.Tx, l *Loaded, m More) (visits []EDVisit, err error) {
	if len(m.Patients) > 0 {
		rows, err := tx.Query(ctx, `SELECT `+encounterColumns+` FROM encounter e WHERE e.patient_id = ANY($1) ORDER BY e.id FOR NO KEY UPDATE OF e`, m.Patients)
		if err != nil {
			return nil, err
		}
		if err := l.takeEncounters(rows); err != nil {
			return nil, err
		}
	}
	b := &pgx.Batch{}
	var missing []events.ID
	for id, e := range l.Encounters {
		if !e.loaded && !s.recall(e) {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		b.Queue(`SELECT `+factColumns+` FROM encounter_fact f WHERE f.encounter_id = ANY($1)`, missing).Query(func(rows pgx.Rows) error {
			return l.takeFacts(rows, missing)
		})
	}
	if len(m.Persons) > 0 {
		// Stay by stay through the index: a hash join would read every stay there is.
		b.Queue(`SELECT p.person_id, e.* FROM (SELECT id, person_id FROM patient WHERE person_id = ANY($1) OFFSET 0) p
			CROSS JOIN LATERAL (SELECT id, facility_id, admitted_at, discharged_at, disposition FROM encounter WHERE patient_id = p.id
				AND ed AND admitted_at IS NOT NULL AND state NOT IN ('cancelled', 'entered-in-error') OFFSET 0) e`, m.Persons).Query(func(rows pgx.Rows) (err error) {
			visits, err = pgx.CollectRows(rows, pgx.RowToStructByPos[EDVisit])
			return err
		})
	}
	if b.Len() == 0 {
		return nil, nil
	}
	return visits, tx.SendBatch(ctx, b).Close()
}

func (l *Loaded) takeFacts(rows pgx.Rows, of []events.ID) error {
	list, err := pgx.CollectRows(rows, scanFact)
	if err != nil {
		return err
	}
	for _, r := range list {
		e := l.Encounters[r.encounter]
		e.Facts = append(e.Facts, r.fact)
	}
	for _, id := range of {
		e := l.Encounters[id]
		e.Facts.Sort()
		if err := e.readSnapshot(); err != nil {
			return err
		}
		e.loaded = true
	}
	return nil
}

// memory holds stays as they were last saved by this process. One is used only if the locked row
// counts as many facts and the same version: then nobody else has written since.
type memory struct {
	mu   sync.Mutex
	stay map[events.ID]remembered
}

type remembered struct {
	facts encounter.Facts
	known encounter.Known
}

const rememberMost = 20_000

func (s *Store) recall(e *Encounter) bool {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	r, ok := s.memory.stay[e.ID]
	if !ok || len(r.facts) != e.count || r.known.FoldVersion != e.Known.FoldVersion {
		return false
	}
	// A copy: what is decided now may not be committed.
	e.Facts = append(make(encounter.Facts, 0, len(r.facts)+2), r.facts...)
	e.Known, e.loaded = r.known, true
	return true
}

// Remember notes stays that were just saved and committed.
func (s *Store) Remember(list []*Encounter) {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	for _, e := range list {
		if len(s.memory.stay) >= rememberMost {
			s.memory.forgetSome()
		}
		s.memory.stay[e.ID] = remembered{e.Facts, e.Known}
	}
}

// forgetSome drops an eighth, whichever the map gives first.
func (m *memory) forgetSome() {
	n := len(m.stay) / 8
	for id := range m.stay {
		if n--; n < 0 {
			return
		}
		delete(m.stay, id)
	}
}

// Outcome is what became of a message that was not applied.
type Outcome struct {
	Message, Org, Feed events.ID
	State, Reason      string
}

// Changes are what a batch of messages changed.
type Changes struct {
	Patients    []*Patient
	Identifiers []NewIdentifier
	Encounters  []*Encounter
	Outcomes    []Outcome
	Counts      map[Count]int64
}

// Save writes changes in one round trip.
func (s *Store) Save(ctx context.Context, tx pgx.Tx, c Changes) error {
	b := &pgx.Batch{}
	savePatients(b, c.Patients)
	saveIdentifiers(b, c.Identifiers)
	if err := saveEncounters(b, c.Encounters); err != nil {
		return err
	}
	saveOutcomes(b, c.Outcomes)
	s.Tally(b, c.Counts)
	return tx.SendBatch(ctx, b).Close()
}

func saveOutcomes(b *pgx.Batch, list []Outcome) {
	if len(list) == 0 {
		return
	}
	n := len(list)
	id, org, feed, state, reason := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n), make([]string, n), make([]string, n)
	for i, o := range list {
		id[i], org[i], feed[i], state[i], reason[i] = o.Message, o.Org, o.Feed, o.State, o.Reason
	}
	b.Queue(`INSERT INTO message_outcome (id, org_id, feed_id, state, reason) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])`,
		id, org, feed, state, reason)
}

// Notice notes that operations are told of a reason on a feed. It returns false if they have been
// told, and nobody has looked since.
func (s *Store) Notice(ctx context.Context, tx pgx.Tx, org, feed events.ID, reason string) (bool, error) {
	tag, err := tx.Exec(ctx, `INSERT INTO quarantine_notice (feed_id, reason, org_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, feed, reason, org)
	return tag.RowsAffected() > 0, err
}
