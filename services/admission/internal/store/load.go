package store

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/alias"
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
	Aliases    []alias.Statement // of every cluster that a patient or stay is in
}

// Load takes the messages and reads what they touch, in one round trip.
func (s *Store) Load(ctx context.Context, tx pgx.Tx, w Wanted) (*Loaded, error) {
	out := &Loaded{Mine: map[events.ID]bool{}, Patients: map[events.ID]*Patient{}, Encounters: map[events.ID]*Encounter{}}
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
		queueVisits(b, w.Visits).Query(out.takeEncounters)
	}
	return out, tx.SendBatch(ctx, b).Close()
}

// queueVisits asks for stays by key, locked in the order of their ids.
func queueVisits(b *pgx.Batch, list []Visit) *pgx.QueuedQuery {
	facilities, keys := make([]events.ID, len(list)), make([]string, len(list))
	for i, v := range list {
		facilities[i], keys[i] = v.Facility, v.Key
	}
	return b.Queue(`SELECT `+encounterColumns+` FROM encounter e JOIN unnest($1::uuid[], $2::text[]) AS v(f, k) ON e.facility_id = v.f AND e.visit_key = v.k
		ORDER BY e.id FOR NO KEY UPDATE OF e`, facilities, keys)
}

func (l *Loaded) takePatients(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, scanPatient)
	for _, p := range list {
		if l.Patients[p.ID] == nil {
			l.Patients[p.ID] = p
		}
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

// Past is a stay of a person, as far as other stays of the same person are concerned.
type Past struct {
	Person, Patient, Encounter, Facility events.ID
	VisitKey, State, Class               string
	ED                                   bool
	AdmittedAt                           time.Time
	DischargedAt                         *time.Time
	Disposition                          string
}

// More is what a further look needs.
type More struct {
	Patients      []events.ID // all their stays
	Persons       []events.ID // what stays they had
	Known         []events.ID // patients by id
	Clusters      []events.ID // of patients
	VisitClusters []events.ID // of stays
	Stays         []events.ID // by id
	Visits        []Visit     // stays by key, where there are any
}

// Empty reports whether nothing is needed.
func (m *More) Empty() bool { return !m.rows() && len(m.Persons) == 0 }

func (m *More) rows() bool {
	return len(m.Patients)+len(m.Known)+len(m.Clusters)+len(m.VisitClusters)+len(m.Stays)+len(m.Visits) > 0
}

// LoadMore reads further patients and stays, then the facts of all stays loaded, and persons' stays.
func (s *Store) LoadMore(ctx context.Context, tx pgx.Tx, l *Loaded, m More) (past []Past, err error) {
	if m.rows() {
		b := &pgx.Batch{}
		l.queueRows(b, m)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return nil, err
		}
	}
	b := &pgx.Batch{}
	var missing []events.ID
	for id, e := range l.Encounters {
		if !e.New && !e.loaded && !s.recall(e) {
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
		b.Queue(`SELECT p.person_id, p.id, e.* FROM (SELECT id, person_id FROM patient WHERE person_id = ANY($1) OFFSET 0) p
			CROSS JOIN LATERAL (SELECT id, facility_id, visit_key, state, class, ed, admitted_at, discharged_at, disposition FROM encounter WHERE patient_id = p.id
				AND admitted_at IS NOT NULL AND state NOT IN ('cancelled', 'entered-in-error') OFFSET 0) e`, m.Persons).Query(func(rows pgx.Rows) (err error) {
			past, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Past])
			return err
		})
	}
	if b.Len() == 0 {
		return nil, nil
	}
	return past, tx.SendBatch(ctx, b).Close()
}

// queueRows asks for patients first, then stays, each in the order of their ids.
func (l *Loaded) queueRows(b *pgx.Batch, m More) {
	if len(m.Known)+len(m.Clusters) > 0 {
		b.Queue(`SELECT `+patientColumns+` FROM patient p JOIN patient_detail d USING (id)
			WHERE p.id = ANY($1) OR p.cluster_id IS NOT NULL AND p.cluster_id = ANY($2) ORDER BY p.id FOR NO KEY UPDATE OF p`, ids(m.Known), ids(m.Clusters)).Query(l.takePatients)
	}
	if len(m.Patients) > 0 && len(m.Stays)+len(m.VisitClusters) == 0 {
		b.Queue(`SELECT `+encounterColumns+` FROM encounter e WHERE e.patient_id = ANY($1) ORDER BY e.id FOR NO KEY UPDATE OF e`, m.Patients).Query(l.takeEncounters)
	} else if len(m.Patients)+len(m.Stays)+len(m.VisitClusters) > 0 {
		b.Queue(`SELECT `+encounterColumns+` FROM encounter e WHERE e.patient_id = ANY($1) OR e.id = ANY($2)
			OR e.cluster_id IS NOT NULL AND e.cluster_id = ANY($3) ORDER BY e.id FOR NO KEY UPDATE OF e`, ids(m.Patients), ids(m.Stays), ids(m.VisitClusters)).Query(l.takeEncounters)
	}
	if len(m.Visits) > 0 {
		queueVisits(b, m.Visits).Query(l.takeEncounters)
	}
	if len(m.Clusters) > 0 {
		b.Queue(`SELECT `+aliasColumns+` FROM patient p JOIN alias a ON a.from_id = p.id WHERE p.cluster_id IS NOT NULL AND p.cluster_id = ANY($1)`, m.Clusters).Query(l.takeAliases)
	}
	if len(m.VisitClusters) > 0 {
		b.Queue(`SELECT `+aliasColumns+` FROM encounter e JOIN alias a ON a.from_id = e.id WHERE e.cluster_id IS NOT NULL AND e.cluster_id = ANY($1)`, m.VisitClusters).Query(l.takeAliases)
	}
}

// ids is never a null array.
func ids(list []events.ID) []events.ID {
	if list == nil {
		return []events.ID{}
	}
	return list
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

const rememberMost = 8_000 // some 25 MB

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
	Aliases     []alias.Statement
	Stated      []Stated
	Outcomes    []Outcome
	Counts      map[Count]int64
}

// Save writes changes in one round trip.
func (s *Store) Save(ctx context.Context, tx pgx.Tx, c Changes) error {
	b := &pgx.Batch{}
	savePatients(b, c.Patients)
	saveIdentifiers(b, c.Identifiers)
	saveStated(b, c.Stated)
	saveDue(b, c.Patients)
	if err := saveEncounters(b, c.Encounters); err != nil {
		return err
	}
	saveNames(b, c)
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
