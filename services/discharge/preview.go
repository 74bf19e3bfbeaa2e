package discharge

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// whatIf is a preview in the making: recorded stays, each planned by the set in force
// now and by a candidate. Nothing comes of it.
type whatIf struct {
	s         *service
	db        *postgres.DB
	window    store.Window
	candidate *protocol.Set
	book      *protocol.Book
	at        time.Time                    // today
	places    map[events.ID]store.Facility // by id
	each      func(preview.Patient) error  // a stay whose tasks would differ; called by one worker at a time
	progress  func(done, of int)           // called by one worker at a time
	mu        sync.Mutex                   // guards what follows, and the calls
	total     *preview.Figures             //
	done, of  int                          //
}

// The stays of a window are read in slices of time, a page after the other, by as many
// workers as there are processors.
const (
	previewSlices  = 48
	previewPage    = 1000
	previewWorkers = 4
)

// run counts all stays of the window.
func (p *whatIf) run(ctx context.Context) (preview.Result, error) {
	err := p.db.Tx(ctx, p.window.Org, func(tx pgx.Tx) error {
		list, err := store.Facilities(ctx, tx, p.window.Org)
		if err != nil {
			return err
		}
		p.places = make(map[events.ID]store.Facility, len(list))
		for _, f := range list {
			p.places[f.ID] = f
		}
		p.of, err = store.CountRecorded(ctx, tx, p.window)
		return err
	})
	if err != nil {
		return preview.Result{}, err
	}
	p.total = preview.New()
	p.progress(0, p.of)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan part)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), previewWorkers) {
		workers.Go(func() {
			figures := preview.New()
			for t := range parts {
				if err := p.part(ctx, t, figures); err != nil {
					cancel(err)
				}
			}
			p.mu.Lock()
			p.total.Merge(figures)
			p.mu.Unlock()
		})
	}
	for _, t := range p.parts() {
		select {
		case parts <- t:
		case <-ctx.Done():
		}
	}
	close(parts)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return preview.Result{}, err
	}
	return p.total.Result(), nil
}

// part is a slice of the window's time, of one source of recorded stays.
type part struct {
	window store.Window
	source int
}

func (p *whatIf) parts() []part {
	var out []part
	step := p.window.Until.Sub(p.window.Since)/previewSlices + 1
	for from := p.window.Since; from.Before(p.window.Until); from = from.Add(step) {
		w := p.window
		w.Since = from
		if to := from.Add(step); to.Before(w.Until) {
			w.Until = to
		}
		for source := range store.Sources() {
			out = append(out, part{w, source})
		}
	}
	return out
}

func (p *whatIf) part(ctx context.Context, t part, figures *preview.Figures) error {
	var from store.Place
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var found []store.Recorded
		looked := 0
		err := p.db.Tx(ctx, t.window.Org, func(tx pgx.Tx) (err error) {
			found, from, looked, err = store.ReadRecorded(ctx, tx, t.window, t.source, from, previewPage)
			return err
		})
		if err != nil {
			return err
		}
		var changed []preview.Patient
		for _, r := range found {
			patient, differs, err := p.count(r, figures)
			if err != nil {
				return err
			}
			if differs {
				changed = append(changed, patient)
			}
		}
		if err := p.tell(looked, changed); err != nil {
			return err
		}
		if looked < previewPage {
			return nil
		}
	}
}

// count plans one stay by both sets.
func (p *whatIf) count(r store.Recorded, figures *preview.Figures) (preview.Patient, bool, error) {
	stay := r.Stay
	cal := p.s.federal
	if f, known := p.places[stay.FacilityID]; known {
		if f.Zone != "" {
			stay.Zone = f.Zone
		}
		cal = p.s.calendar(f.Closures)
	}
	zone, err := calendar.Zone(stay.Zone)
	if err != nil {
		return preview.Patient{}, false, err
	}
	today := p.book.At(stay.Facility, p.at)
	plans, err := p.s.rulesOf(p.s.shelf.look(), p.window.Org, p.at).Compare(stay, r.Dead || stay.Deceased, clock.Where{Zone: zone, Calendar: cal}, today, p.candidate)
	if err != nil {
		return preview.Patient{}, false, err
	}
	patient, differs := figures.Add(preview.Stay{Encounter: stay, Zone: zone, Owners: r.Owners}, plans[0], plans[1])
	return patient, differs, nil
}

func (p *whatIf) tell(looked int, changed []preview.Patient) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range changed {
		if err := p.each(c); err != nil {
			return err
		}
	}
	p.done += looked
	p.progress(p.done, p.of)
	return nil
}

// Emergency visits that opened nothing are kept as long as a preview can look back.
const (
	previewDays = 90
	forgetEvery = time.Hour
	forgetAtOne = 5000
)

// forget deletes recorded visits that no preview looks at any more, until ctx is done.
func (a *api) forget(ctx context.Context) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.forgetUnopened(ctx)
		}
	}
}

func (a *api) forgetUnopened(ctx context.Context) {
	before := a.service.now().AddDate(0, 0, -previewDays-1)
	err := a.db.SystemTx(ctx, func(tx pgx.Tx) error {
		orgs, err := store.Organizations(ctx, tx)
		for _, org := range orgs {
			if _, err := store.ForgetUnopened(ctx, tx, org, before, forgetAtOne); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.service.shelf.log.Warn("old visits were not deleted", "error", err)
	}
}
