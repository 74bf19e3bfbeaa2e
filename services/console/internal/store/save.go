package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

// Source numbers the producers, in the order of a discharge.
type Source int16

// The producers whose facts are on a timeline.
const (
	Admission Source = iota + 1
	Discharge
	Referral
	Notification
)

// Mark says from which fact something was last known.
type Mark struct {
	Org  events.ID
	Seen int64     // the fact's aggregate version
	At   time.Time // when it occurred
	By   string    // the person who did it, or ""
}

// Entry is one line of a timeline.
type Entry struct {
	Org, Encounter events.ID
	Source         Source
	Version        int64
	ID             events.ID
	Type           string
	Occurred       time.Time
	Received       time.Time
	Cause          events.ID
	Detail         Detail
}

// Detail is what a line of a timeline says beside its type; codes, times and staff ids only.
type Detail struct {
	Subject     events.ID         `json:"subject,omitzero"` // the task, referral or alert
	Code        string            `json:"code,omitempty"`   // task code, need, alert kind
	Title       string            `json:"title,omitempty"`
	State       string            `json:"state,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Outcome     string            `json:"outcome,omitempty"`
	Owner       string            `json:"owner,omitempty"`
	By          string            `json:"by,omitempty"`
	Unit        string            `json:"unit,omitempty"`
	Class       string            `json:"class,omitempty"`
	Disposition string            `json:"disposition,omitempty"`
	Due         *time.Time        `json:"due_at,omitempty"`
	Previous    map[string]string `json:"previous,omitempty"`
	To          []string          `json:"to,omitempty"` // recipients of an alert
}

// Touch is an encounter of which a browser may have to show something anew.
type Touch struct {
	Org, Encounter events.ID
	Received       time.Time // when the frame or request behind it was received
}

type minuteKey struct {
	org  events.ID
	at   time.Time
	kind string
}

// Changes is what a batch of facts does to the read model: the newest fact of each thing wins.
type Changes struct {
	tasks      kept[[2]events.ID, taskRow]
	episodes   kept[events.ID, row]
	referrals  kept[[2]events.ID, row]
	alerts     kept[events.ID, row]
	facilities kept[events.ID, facilityRow]
	entries    []Entry
	minutes    map[minuteKey]int64
	touched    map[events.ID]Touch
}

type taskRow struct {
	Mark
	task    events.Task
	created time.Time
}

// row is anything whose columns are its keys, its state and its snapshot.
type row struct {
	Mark
	encounter, id   events.ID
	state, facility string
	snapshot        any
}

type facilityRow struct {
	Mark
	facility events.FacilityChanged
}

// kept holds one value per key, in the order the keys first came.
type kept[K comparable, V any] struct {
	at     map[K]int
	values []V
}

func (k *kept[K, V]) put(key K, merge func(old *V) V) {
	if i, ok := k.at[key]; ok {
		k.values[i] = merge(&k.values[i])
		return
	}
	if k.at == nil {
		k.at = map[K]int{}
	}
	k.at[key] = len(k.values)
	k.values = append(k.values, merge(nil))
}

// Task notes a task as of a fact.
func (c *Changes) Task(m Mark, t events.Task) {
	c.tasks.put([2]events.ID{t.Encounter, t.ID}, func(old *taskRow) taskRow {
		if old == nil {
			return taskRow{m, t, m.At}
		}
		if m.Seen < old.Seen {
			return *old
		}
		return taskRow{m, t, old.created}
	})
}

// Episode notes a transition as of a fact.
func (c *Changes) Episode(m Mark, t events.Transition) {
	newer := row{m, t.Encounter, t.ID, t.State, t.Facility, t}
	c.episodes.put(t.Encounter, func(old *row) row { return newest(old, newer) })
}

// Referral notes a referral as of a fact.
func (c *Changes) Referral(m Mark, r events.Referral) {
	newer := row{m, r.Encounter, r.ID, r.State, "", r}
	c.referrals.put([2]events.ID{r.Encounter, r.ID}, func(old *row) row { return newest(old, newer) })
}

// Alert notes an alert as of a fact.
func (c *Changes) Alert(m Mark, a events.Alert) {
	newer := row{m, a.Encounter, a.ID, a.State, "", a}
	c.alerts.put(a.ID, func(old *row) row { return newest(old, newer) })
}

// Facility notes a facility's settings as of a fact.
func (c *Changes) Facility(m Mark, f events.FacilityChanged) {
	c.facilities.put(f.ID, func(old *facilityRow) facilityRow {
		if old != nil && m.Seen < old.Seen {
			return *old
		}
		return facilityRow{m, f}
	})
}

func newest(old *row, newer row) row {
	if old != nil && newer.Seen < old.Seen {
		return *old
	}
	return newer
}

// Entry adds a line to a timeline.
func (c *Changes) Entry(e Entry) { c.entries = append(c.entries, e) }

// Count counts a fact of a kind into the minute of at.
func (c *Changes) Count(org events.ID, at time.Time, kind string) {
	if c.minutes == nil {
		c.minutes = map[minuteKey]int64{}
	}
	c.minutes[minuteKey{org, at.UTC().Truncate(time.Minute), kind}]++
}

// Touch notes that browsers may have to show an encounter anew.
func (c *Changes) Touch(t Touch) {
	if c.touched == nil {
		c.touched = map[events.ID]Touch{}
	}
	if old, ok := c.touched[t.Encounter]; !ok || t.Received.Before(old.Received) {
		c.touched[t.Encounter] = t
	}
}

// Save writes the changes in tx, in one round trip.
func Save(ctx context.Context, tx pgx.Tx, c *Changes) error {
	b := &pgx.Batch{}
	for _, queue := range []func(*Changes, *pgx.Batch) error{
		saveTasks, saveEpisodes, saveReferrals, saveAlerts, saveFacilities, saveEntries, saveMinutes, saveTouched,
	} {
		if err := queue(c, b); err != nil {
			return err
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("save %d tasks, %d episodes, %d entries: %w", len(c.tasks.values), len(c.episodes.values), len(c.entries), err)
	}
	return nil
}

func saveTasks(c *Changes, b *pgx.Batch) error {
	n := len(c.tasks.values)
	if n == 0 {
		return nil
	}
	org, enc, id := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n)
	seen, open := make([]int64, n), make([]bool, n)
	state, facility, owner, by, doc := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	due, created, changed := make([]*time.Time, n), make([]time.Time, n), make([]time.Time, n)
	var text []byte
	for i := range c.tasks.values {
		r := &c.tasks.values[i]
		t := &r.task
		org[i], enc[i], id[i], seen[i] = r.Org, t.Encounter, t.ID, r.Seen
		state[i], open[i], facility[i], owner[i], due[i] = t.State, board.Open(t.State), t.Facility, t.Owner, t.DueAt
		if !open[i] {
			by[i] = r.By
		}
		created[i], changed[i] = r.created, r.At
		var err error
		if text, err = events.AppendJSON(text[:0], t); err != nil {
			return err
		}
		doc[i] = string(text)
	}
	b.Queue(`INSERT INTO task AS t (org_id, encounter_id, id, seen, state, open, facility, owner, due_at, done_by, created_at, changed_at, snapshot)
		SELECT org, enc, id, seen, state, open, facility, nullif(owner, ''), coalesce(due, 'infinity'), nullif(by, ''), created, changed, doc
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::timestamptz[],
			$10::text[], $11::timestamptz[], $12::timestamptz[], $13::text[])
			AS x(org, enc, id, seen, state, open, facility, owner, due, by, created, changed, doc)
		ON CONFLICT (encounter_id, id) DO UPDATE SET seen = excluded.seen, state = excluded.state, open = excluded.open,
			facility = excluded.facility, owner = excluded.owner, due_at = excluded.due_at, done_by = excluded.done_by,
			changed_at = excluded.changed_at, snapshot = excluded.snapshot
		WHERE t.seen < excluded.seen`,
		org, enc, id, seen, state, open, facility, owner, due, by, created, changed, doc)
	return nil
}

// columns lays rows out as the arrays of an unnest.
type columns struct {
	org, encounter, id   []events.ID
	seen                 []int64
	state, facility, doc []string
}

func layOut(rows []row) (c columns, err error) {
	var text []byte
	for _, r := range rows {
		if text, err = events.AppendJSON(text[:0], r.snapshot); err != nil {
			return c, err
		}
		c.org, c.encounter, c.id = append(c.org, r.Org), append(c.encounter, r.encounter), append(c.id, r.id)
		c.seen, c.state = append(c.seen, r.Seen), append(c.state, r.state)
		c.facility, c.doc = append(c.facility, r.facility), append(c.doc, string(text))
	}
	return c, nil
}

func saveEpisodes(c *Changes, b *pgx.Batch) error {
	if len(c.episodes.values) == 0 {
		return nil
	}
	x, err := layOut(c.episodes.values)
	if err != nil {
		return err
	}
	f := filtersOf(c.episodes.values)
	b.Queue(`INSERT INTO episode AS e (org_id, encounter_id, seen, state, facility, snapshot, unit, disposition, band, protocols, sensitive)
		SELECT org, enc, seen, state, facility, doc::json, unit, disposition, band, protocols, sensitive
		FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bool[])
			AS x(org, enc, seen, state, facility, doc, unit, disposition, band, protocols, sensitive)
		ON CONFLICT (encounter_id) DO UPDATE SET seen = excluded.seen, state = excluded.state, facility = excluded.facility,
			snapshot = excluded.snapshot, unit = excluded.unit, disposition = excluded.disposition, band = excluded.band,
			protocols = excluded.protocols, sensitive = excluded.sensitive
		WHERE e.seen < excluded.seen`, x.org, x.encounter, x.seen, x.state, x.facility, x.doc, f.unit, f.disposition, f.band, f.protocols, f.sensitive)
	return nil
}

// filters are the columns the worklist is filtered by.
type filters struct {
	unit, disposition, band, protocols []string
	sensitive                          []bool
}

func filtersOf(rows []row) (f filters) {
	for _, r := range rows {
		t := r.snapshot.(events.Transition)
		band, protocols := "", ""
		if t.Risk != nil {
			band = t.Risk.Band
		}
		if len(t.Protocols) > 0 {
			protocols = `["` + strings.Join(t.Protocols, `","`) + `"]`
		}
		f.unit, f.disposition, f.band = append(f.unit, t.Unit), append(f.disposition, t.Disposition), append(f.band, band)
		f.protocols, f.sensitive = append(f.protocols, protocols), append(f.sensitive, t.Sensitive)
	}
	return f
}

func saveReferrals(c *Changes, b *pgx.Batch) error {
	if len(c.referrals.values) == 0 {
		return nil
	}
	x, err := layOut(c.referrals.values)
	if err != nil {
		return err
	}
	b.Queue(`INSERT INTO referral AS r (org_id, encounter_id, id, seen, state, snapshot)
		SELECT org, enc, id, seen, state, doc
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[]) AS x(org, enc, id, seen, state, doc)
		ON CONFLICT (encounter_id, id) DO UPDATE SET seen = excluded.seen, state = excluded.state, snapshot = excluded.snapshot
		WHERE r.seen < excluded.seen`, x.org, x.encounter, x.id, x.seen, x.state, x.doc)
	return nil
}

func saveAlerts(c *Changes, b *pgx.Batch) error {
	if len(c.alerts.values) == 0 {
		return nil
	}
	x, err := layOut(c.alerts.values)
	if err != nil {
		return err
	}
	b.Queue(`INSERT INTO alert AS a (org_id, encounter_id, id, seen, state, snapshot)
		SELECT org, enc, id, seen, state, doc
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[]) AS x(org, enc, id, seen, state, doc)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, state = excluded.state, snapshot = excluded.snapshot
		WHERE a.seen < excluded.seen`, x.org, x.encounter, x.id, x.seen, x.state, x.doc)
	return nil
}

func saveFacilities(c *Changes, b *pgx.Batch) error {
	for _, r := range c.facilities.values { // a handful in a lifetime
		f := r.facility
		b.Queue(`INSERT INTO facility AS f (org_id, id, code, name, zone, verified, seen) VALUES ($1,$2,$3,$4,$5,$6,$7)
			ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, zone = excluded.zone,
				verified = excluded.verified, seen = excluded.seen WHERE f.seen < excluded.seen`,
			r.Org, f.ID, f.Code, f.Name, f.Zone, f.Verified, r.Seen)
	}
	return nil
}

func saveEntries(c *Changes, b *pgx.Batch) error {
	n := len(c.entries)
	if n == 0 {
		return nil
	}
	org, enc, id, cause := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n), make([]events.ID, n)
	source, version := make([]int16, n), make([]int64, n)
	typ, detail := make([]string, n), make([]string, n)
	occurred, received := make([]time.Time, n), make([]time.Time, n)
	var text []byte
	for i := range c.entries {
		e := &c.entries[i]
		org[i], enc[i], id[i], cause[i] = e.Org, e.Encounter, e.ID, e.Cause
		source[i], version[i], typ[i], occurred[i], received[i] = int16(e.Source), e.Version, e.Type, e.Occurred, e.Received
		var err error
		if text, err = e.Detail.json(text[:0]); err != nil {
			return err
		}
		detail[i] = string(text)
	}
	b.Queue(`INSERT INTO entry (org_id, encounter_id, source, version, id, type, occurred_at, received_at, cause, detail)
		SELECT org, enc, source, version, id, typ, occurred, received, cause, detail
		FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[], $5::uuid[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::uuid[], $10::text[])
			AS x(org, enc, source, version, id, typ, occurred, received, cause, detail)
		ON CONFLICT DO NOTHING`, org, enc, source, version, id, typ, occurred, received, cause, detail)
	return nil
}

func saveMinutes(c *Changes, b *pgx.Batch) error {
	if len(c.minutes) == 0 {
		return nil
	}
	keys := make([]minuteKey, 0, len(c.minutes))
	for k := range c.minutes {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b minuteKey) int { // one order, so that two writers never wait for each other
		if d := slices.Compare(a.org[:], b.org[:]); d != 0 {
			return d
		}
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return slices.Compare([]byte(a.kind), []byte(b.kind))
	})
	org, at := make([]events.ID, len(keys)), make([]time.Time, len(keys))
	kind, count := make([]string, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		org[i], at[i], kind[i], count[i] = k.org, k.at, k.kind, c.minutes[k]
	}
	b.Queue(`INSERT INTO minute AS m (org_id, at, kind, n)
		SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bigint[])
		ON CONFLICT (org_id, at, kind) DO UPDATE SET n = m.n + excluded.n`, org, at, kind, count)
	return nil
}

func saveTouched(c *Changes, b *pgx.Batch) error {
	if len(c.touched) == 0 {
		return nil
	}
	n := len(c.touched)
	org, enc, received := make([]events.ID, 0, n), make([]events.ID, 0, n), make([]time.Time, 0, n)
	for _, t := range c.touched {
		org, enc, received = append(org, t.Org), append(enc, t.Encounter), append(received, t.Received)
	}
	b.Queue(`INSERT INTO touch (orgs, encounters, received) VALUES ($1, $2, $3)`, org, enc, received)
	return nil
}
