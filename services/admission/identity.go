package admission

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/linkage"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// Limits of the linker: patients per transaction, how long it looks at nothing, and how much longer
// than it works it rests, so that messages go first on a small machine.
const (
	linkBatch = 512
	linkLook  = time.Second
	linkRest  = 2
	linkYield = time.Second // how long it lets messages go first
)

// linker compares patients that are new or changed with all others of their organization, after the
// messages that told of them are applied. Of several processes one works at a time.
//
// Links never leave an organization: keys, counts, profiles and pairs are each of one, and are only
// ever joined within it. So nobody's patients, confidential ones least of all, are linked with
// another organization's.
type linker struct {
	s     *service
	model *linkage.Model
	wake  chan struct{}
	most  int // patients per transaction
	limit int // fewer of them after a failure, to find the patient it is about
}

func newLinker(s *service) *linker {
	return &linker{s: s, model: linkage.Shipped(), wake: make(chan struct{}, 1), most: linkBatch, limit: linkBatch}
}

// ring says that there may be patients to compare.
func (l *linker) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run compares until ctx is done.
func (l *linker) run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		for !l.s.applier.idle() && time.Since(began) < linkYield && ctx.Err() == nil {
			pause(ctx, 20*time.Millisecond)
		}
		began = time.Now()
		n, err := l.once(ctx)
		if err != nil && ctx.Err() == nil {
			l.failed(ctx, err)
		}
		if n == l.limit && err == nil {
			pause(ctx, linkRest*time.Since(began))
			continue
		}
		select {
		case <-l.wake:
			pause(ctx, linkRest*time.Since(began))
		case <-time.After(linkLook):
		case <-ctx.Done():
		}
	}
	return nil
}

// failed makes the next batch smaller. A patient that cannot be compared even alone is left out.
func (l *linker) failed(ctx context.Context, err error) {
	l.s.log.WarnContext(ctx, "patients not compared yet", "patients", l.limit, "error", err)
	switch {
	case passing(err) || race(err):
	case l.limit > 1:
		l.limit = max(1, l.limit/4)
	default:
		l.limit = l.most
		l.s.log.ErrorContext(ctx, "a patient cannot be compared with others", "error", err)
		if err := l.s.outbox.SystemTx(ctx, func(tx pgx.Tx) error {
			_, _, _, err := l.s.store.TakeDue(ctx, tx, 1)
			return err
		}); err != nil {
			l.s.log.WarnContext(ctx, "nor left out", "error", err)
		}
	}
	pause(ctx, 200*time.Millisecond)
}

// once compares one batch and returns how many rows of the queue it was.
func (l *linker) once(ctx context.Context) (n int, err error) {
	if due, err := l.s.store.Due(ctx); err != nil || !due {
		return 0, err
	}
	began := time.Now()
	var r *round
	err = l.s.outbox.SystemTx(ctx, func(tx pgx.Tx) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("comparing: %v\n%s", p, debug.Stack())
			}
		}()
		due, rows, free, err := l.s.store.TakeDue(ctx, tx, l.limit)
		if err != nil || !free || len(due) == 0 {
			return err
		}
		n, r = rows, l.round()
		return r.compare(ctx, tx, due)
	})
	if err == nil && n > 0 {
		l.limit = l.most
		l.s.metrics.compared(r, time.Since(began))
	}
	return n, err
}

// round is one batch of patients being compared.
type round struct {
	*service
	model    *linkage.Model
	digester *linkage.Digester

	due      []store.Compared
	profiles map[events.ID]*linkage.Profile
	org      map[events.ID]events.ID // of patients with a profile
	changes  store.Profiles
	keys     []store.Keyed // of who is looked for
	stats    map[events.ID]*linkage.Stats
	known    map[events.ID]*store.Pair // by id
	shared   map[events.ID]bool        // pairs, by id, that share an identifier
	scored   map[linkage.Verdict]int

	changed []*store.Pair      // pairs to write
	touched map[events.ID]bool // patients whose groups may be others now
	torn    bool               // decisions join a pair that a decision holds apart
	steps   []events.Event
}

func (l *linker) round() *round {
	return &round{
		service: l.s, model: l.model, digester: linkage.NewDigester(l.s.secret), profiles: map[events.ID]*linkage.Profile{}, org: map[events.ID]events.ID{},
		changes: store.Profiles{Terms: map[store.Term]int{}}, stats: map[events.ID]*linkage.Stats{}, known: map[events.ID]*store.Pair{}, shared: map[events.ID]bool{},
		scored: map[linkage.Verdict]int{}, touched: map[events.ID]bool{},
	}
}

// compare: load, decide, save, announce.
func (r *round) compare(ctx context.Context, tx pgx.Tx, due map[events.ID]bool) (err error) {
	ids := make([]events.ID, 0, len(due))
	for id, regroup := range due {
		if ids = append(ids, id); regroup {
			r.touched[id] = true
		}
	}
	if r.due, err = r.store.ToCompare(ctx, tx, ids); err != nil {
		return err
	}
	changed := r.read()
	pairs, err := r.store.PairsOf(ctx, tx, changed)
	if err != nil {
		return err
	}
	found, err := r.store.SaveProfiles(ctx, tx, r.changes, r.keys, linkage.MostPerKey)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		r.known[p.ID] = p
		found = append(found, store.Candidate{Patient: p.Low, Other: p.High})
	}
	shared, err := r.store.SharedBy(ctx, tx, changed, false)
	if err != nil {
		return err
	}
	for _, s := range shared {
		if links(s) {
			found = append(found, store.Candidate{Patient: s.A, Other: s.B})
			r.shared[store.NewPair(events.ID{}, s.A, s.B).ID] = true
		}
	}
	if err := r.loadOthers(ctx, tx, found); err != nil {
		return err
	}
	r.scoreAll(found)
	if err := r.store.SavePairs(ctx, tx, r.changed); err != nil {
		return err
	}
	if err := r.regroup(ctx, tx, "demographics"); err != nil {
		return err
	}
	return r.outbox.Announce(ctx, tx, r.steps...)
}

// read makes profiles of who is due, and notes what is different about them. A patient that another
// stands for has none: it is compared as that one.
func (r *round) read() (changed []events.ID) {
	for i := range r.due {
		c := &r.due[i]
		var p linkage.Profile
		text := ""
		if c.Into.IsZero() {
			p = linkage.Read(&c.Record)
			text = p.Encode()
			r.profiles[c.ID], r.org[c.ID] = &p, c.Org
		} else {
			r.profiles[c.ID] = nil
		}
		if c.Before != nil && *c.Before == text {
			continue
		}
		changed = append(changed, c.ID)
		r.changes.IDs, r.changes.Orgs, r.changes.Profiles = append(r.changes.IDs, c.ID), append(r.changes.Orgs, c.Org), append(r.changes.Profiles, text)
		r.differ(c, &p)
	}
	return changed
}

// differ notes the keys and terms by which a patient's profile differs from the one before.
func (r *round) differ(c *store.Compared, p *linkage.Profile) {
	scope := c.Org.String()
	count := func(p *linkage.Profile, n int) {
		r.changes.Terms[store.Term{Org: c.Org}] += n
		for _, t := range p.Terms() {
			r.changes.Terms[store.Term{Org: c.Org, Digest: t.Digest(r.digester, scope)}] += n
		}
	}
	stale := map[int64]bool{}
	if c.Before != nil && *c.Before != "" {
		old := linkage.Decode(*c.Before)
		for _, k := range old.Keys(r.digester, scope) {
			stale[k] = true
		}
		count(&old, -1)
	}
	if c.Into.IsZero() {
		for _, k := range p.Keys(r.digester, scope) {
			key := store.Keyed{Org: c.Org, Patient: c.ID, Value: k}
			if r.keys = append(r.keys, key); !stale[k] {
				r.changes.Keys = append(r.changes.Keys, key)
			}
			delete(stale, k)
		}
		count(p, 1)
	}
	for k := range stale {
		r.changes.Stale = append(r.changes.Stale, store.Keyed{Org: c.Org, Patient: c.ID, Value: k})
	}
}

// loadOthers reads whom the changed patients are compared with, and how common their values are.
func (r *round) loadOthers(ctx context.Context, tx pgx.Tx, found []store.Candidate) error {
	var missing []events.ID
	want := func(id events.ID) {
		if _, known := r.profiles[id]; !known {
			r.profiles[id] = nil
			missing = append(missing, id)
		}
	}
	for _, c := range found {
		want(c.Patient)
		want(c.Other)
	}
	if len(found) == 0 {
		return nil
	}
	list, err := r.store.ProfilesOf(ctx, tx, missing)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Text != "" {
			p := linkage.Decode(s.Text)
			r.profiles[s.Patient], r.org[s.Patient] = &p, s.Org
		}
	}
	return r.loadStats(ctx, tx, found)
}

// loadStats reads the counts of all terms of the one side of the pairs, and of the other's names.
func (r *round) loadStats(ctx context.Context, tx pgx.Tx, found []store.Candidate) error {
	want := map[store.Term]linkage.Term{}
	add := func(id events.ID, names bool) {
		p, org := r.profiles[id], r.org[id]
		if p == nil {
			return
		}
		want[store.Term{Org: org}] = linkage.Term{}
		for _, t := range p.Terms() {
			if !names || t.Name() {
				want[store.Term{Org: org, Digest: t.Digest(r.digester, org.String())}] = t
			}
		}
	}
	done := map[events.ID]int{}
	for _, c := range found {
		if done[c.Patient]&1 == 0 {
			add(c.Patient, false)
		}
		if done[c.Other] == 0 {
			add(c.Other, true)
		}
		done[c.Patient] |= 1
		done[c.Other] |= 2
	}
	terms := make([]store.Term, 0, len(want))
	for t := range want {
		terms = append(terms, t)
	}
	counts, err := r.store.Terms(ctx, tx, terms)
	if err != nil {
		return err
	}
	for t, term := range want {
		s := r.stats[t.Org]
		if s == nil {
			s = &linkage.Stats{Counts: map[linkage.Term]int{}}
			r.stats[t.Org] = s
		}
		if t.Digest == 0 {
			s.Patients = counts[t]
		} else {
			s.Counts[term] = counts[t]
		}
	}
	return nil
}

// scoreAll scores each pair once.
func (r *round) scoreAll(found []store.Candidate) {
	seen := map[events.ID]bool{}
	for _, c := range found {
		p := r.pair(c.Patient, c.Other)
		if p != nil && !seen[p.ID] {
			seen[p.ID] = true
			r.score(p)
		}
	}
	for _, p := range r.known {
		if r.profiles[p.Low] == nil || r.profiles[p.High] == nil {
			r.found(p, store.None, p.Score, p.Explanation) // another stands for one of them, and is compared
		}
	}
}

// pair is what is known of two patients; nil if they cannot be compared.
func (r *round) pair(a, b events.ID) *store.Pair {
	org := r.org[a]
	if a == b || r.profiles[a] == nil || r.profiles[b] == nil || org != r.org[b] {
		return nil
	}
	p := store.NewPair(org, a, b)
	if known := r.known[p.ID]; known != nil {
		return known
	}
	return p
}

// score finds what a pair is by its score now.
func (r *round) score(p *store.Pair) {
	low, high := r.profiles[p.Low], r.profiles[p.High]
	e := r.model.Score(low, high, r.stats[p.Org])
	r.scored[e.Verdict]++
	if r.shared[p.ID] {
		r.touched[p.Low], r.touched[p.High] = true, true
		if linkage.Contradicts(low, high) {
			e.Verdict, e.Hold = linkage.Look, "they share an identifier, and all else tells them apart"
		}
	}
	if p.Fresh && e.Verdict == linkage.Ignore {
		return
	}
	text := encodeExplanation(&e)
	if !p.Fresh && text == p.Explanation {
		return
	}
	verdict := map[linkage.Verdict]string{linkage.Link: store.Linked, linkage.Look: store.Review, linkage.Ignore: store.None}[e.Verdict]
	r.found(p, verdict, e.Score, text)
}

// found notes what a pair is by its score.
func (r *round) found(p *store.Pair, verdict string, score float64, explanation string) {
	held, was := p.Holds(), p.Now()
	p.Verdict, p.Score, p.Explanation = verdict, score, explanation
	if held != p.Holds() {
		r.touched[p.Low], r.touched[p.High] = true, true
	}
	if was != p.Now() || p.Fresh {
		p.Note(store.Step{At: now(), What: "score", State: p.Now(), Decision: p.Decision, Score: p.Score})
	}
	r.changed = append(r.changed, p)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
