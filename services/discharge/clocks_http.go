package discharge

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// clockRoutes are the routes of clocks and of the rules they run by.
func (a *api) clockRoutes(r *web.Router) {
	web.Handle(r, web.TransitionsRead, "GET", "/clocks", "Clocks of stays: due, met, attempted, missed, paused, not applicable", a.listClocks)
	web.Handle(r, web.TransitionsRead, "GET", "/encounters/{encounter}/tcm", "What the transition can be reported as: 99496, 99495, none or review", a.tcm)
	web.Handle(r, web.TransitionsRead, "GET", "/rules", "The rule packs, with sources, versions and vectors", a.rulePacks)
	web.Handle(r, web.TransitionsRead, "GET", "/rules/{rule}/due", "When something would be due by a rule, and why", a.ruleDue)
	web.Handle(r, web.RulesMove, "POST", "/rules/move", "Move open clocks and tasks to another version of their rule", a.moveRule)
	a.requestRoutes(r)
	word(a, r, "record", "Record that a clock was met, or an attempt, that no task says", a.service.record)
	word(a, r, "pause", "Let a clock stand still, where its rule allows", a.service.pause)
	word(a, r, "resume", "Let a paused clock run again", a.service.resume)
	word(a, r, "undo", "Take back the latest thing recorded on a clock", a.service.undo)
}

// clockView is a clock as the API shows it.
type clockView struct {
	ID         events.ID `json:"id"`
	Encounter  events.ID `json:"encounter_id"`
	Transition events.ID `json:"transition_id"`
	Patient    events.ID `json:"patient_id"`
	Facility   string    `json:"facility"`
	clock.Clock
	until time.Time
}

type listClocksIn struct {
	web.PageIn
	Encounter  events.ID `query:"encounter"`
	Transition events.ID `query:"transition"`
	State      string    `query:"state" doc:"one state, or several separated by commas; not-applicable is listed for one encounter only"`
	Facility   string    `query:"facility" doc:"the facility's code (MSH-4)"`
	DueBefore  time.Time `query:"due_before"`
}

// clockCursor is the place in a list of clocks.
type clockCursor struct {
	Until     time.Time `json:"u"`
	Encounter events.ID `json:"e"`
	Rule      string    `json:"r"`
}

const (
	clockChunk = 200    // transitions read at once
	clockScan  = 20_000 // read at most for one page: a page may be short and have a next one
	afterRules = "~"    // sorts after the id of every rule
)

func (a *api) listClocks(ctx context.Context, in *listClocksIn) (*web.Listed[clockView], error) {
	var from clockCursor
	again, err := web.DecodeCursor(in.Cursor, &from)
	if err != nil {
		return nil, err
	}
	want, now := states(in.State), a.service.clock().UTC()
	q := store.ClockQuery{
		Encounter: in.Encounter, Transition: in.Transition, Facility: in.Facility,
		Until: from.Until, After: from.Encounter, Again: again, Limit: clockChunk,
	}
	if slices.Equal(want, []string{string(clock.StateDue)}) {
		q.Running = &now
	}
	var views []clockView
	next := ""
	err = a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		for scanned := 0; len(views) <= in.Limit; scanned += clockChunk {
			rows, err := store.Clocks(ctx, tx, q)
			if err != nil {
				return err
			}
			for _, t := range rows {
				found, err := a.service.clocksOf(t, now, in)
				if err != nil {
					return err
				}
				for _, c := range found {
					if t.Encounter == from.Encounter && c.place() <= from.Rule || len(want) > 0 && !slices.Contains(want, string(c.State)) {
						continue
					}
					views = append(views, c)
				}
			}
			if len(rows) < clockChunk {
				return nil
			}
			last := rows[len(rows)-1]
			q.Until, q.After, q.Again = *last.ClocksUntil, last.Encounter, false
			if scanned+clockChunk >= clockScan && len(views) <= in.Limit {
				next = web.EncodeCursor(clockCursor{q.Until, q.After, afterRules})
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := web.Page(views, in.Limit, func(c clockView) any { return clockCursor{c.until, c.Encounter, c.place()} })
	if next != "" {
		out.Body.Next = &next
	}
	return out, nil
}

// clocksOf are the clocks of a transition as they stand; where it was asked for alone,
// with the rules that run none for it and why.
func (s *service) clocksOf(t *transition.Transition, now time.Time, in *listClocksIn) ([]clockView, error) {
	rec, err := recordOf(t)
	if err != nil {
		return nil, err
	}
	list, err := s.table(t.Org).View(rec, clock.As{Now: now, Zone: t.Zone, Calendar: t.Calendar, Readmitted: t.State == transition.Readmitted})
	if err != nil {
		return nil, err
	}
	if !in.Encounter.IsZero() || !in.Transition.IsZero() {
		zone, err := calendar.Zone(t.Zone)
		if err != nil {
			return nil, err
		}
		list = append(list, s.notApplicable(t, rec, zone)...)
	}
	var out []clockView
	for _, c := range list {
		if !in.DueBefore.IsZero() && (c.Due == nil || !c.Due.Before(in.DueBefore)) {
			continue
		}
		v := clockView{
			ID: clockID(t.Encounter, c), Encounter: t.Encounter, Transition: t.ID, Patient: t.Patient,
			Facility: t.Facility, Clock: c,
		}
		if t.ClocksUntil != nil {
			v.until = *t.ClocksUntil
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b clockView) int { return strings.Compare(a.place(), b.place()) })
	return out, nil
}

// clockID is the id of a clock; of a request's it names the request, too.
func clockID(encounter events.ID, c clock.Clock) events.ID {
	if c.Request != nil {
		return events.Derive("clock", encounter.String(), c.Rule, strconv.Itoa(c.Request.N))
	}
	return events.Derive("clock", encounter.String(), c.Rule)
}

// place is where a clock stands in the list of its encounter's.
func (v clockView) place() string {
	if v.Request != nil {
		return fmt.Sprintf("%s %06d", v.Rule, v.Request.N)
	}
	return v.Rule
}

func (s *service) notApplicable(t *transition.Transition, rec clock.Record, zone *time.Location) []clock.Clock {
	list := s.table(t.Org).NotApplicable(rec, s.subject(t, nil, rec), zone)
	switch t.State {
	case transition.None, transition.Cancelled, transition.Expired:
		for i := range list {
			list[i].Reason = "the transition is " + t.State
			if t.State == transition.None {
				list[i].Reason = "the stay has no transition of care"
			}
		}
	}
	return list
}

type tcmIn struct {
	Encounter events.ID `path:"encounter"`
	MDM       string    `query:"mdm" enum:"high,moderate,low,straightforward" doc:"complexity of the decision making, where it is known"`
	Reported  bool      `query:"reported" doc:"transitional care was reported already in these 30 days"`
}

type tcmOut struct {
	Body struct {
		Code    string    `json:"code" enum:"99496,99495,none,review"`
		Reasons []string  `json:"reasons"`
		From    clock.TCM `json:"from" doc:"what it follows from; days after the discharge"`
	}
}

func (a *api) tcm(ctx context.Context, in *tcmIn) (*tcmOut, error) {
	var rows []*transition.Transition
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		rows, err = store.Clocks(ctx, tx, store.ClockQuery{Encounter: in.Encounter, Limit: 1})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errNoClocks
	}
	rec, err := recordOf(rows[0])
	if err != nil {
		return nil, err
	}
	from, err := a.service.table(web.From(ctx).Org).TCMOf(rec, clock.As{
		Now: a.service.clock().UTC(), Zone: rows[0].Zone, Calendar: rows[0].Calendar, Readmitted: rows[0].State == transition.Readmitted,
	})
	if err != nil {
		return nil, err
	}
	from.MDM, from.Reported = in.MDM, in.Reported
	out := &tcmOut{}
	out.Body.Code, out.Body.Reasons = from.Outcome()
	out.Body.From = from
	return out, nil
}

var errNoClocks = fault.New(fault.Unknown, "there is no such encounter with clocks")

func (a *api) rulePacks(ctx context.Context, _ *struct{}) (*web.Listed[clock.Pack], error) {
	packs := a.service.table(web.From(ctx).Org).Packs()
	return web.Page(packs, len(packs), nil), nil
}

type ruleDueIn struct {
	Rule     string    `path:"rule" doc:"the rule's id, or id@version; without one the version in force"`
	At       time.Time `query:"at" required:"true" doc:"the trigger's instant"`
	Facility string    `query:"facility" doc:"the code of the facility whose zone and business days count"`
	Zone     string    `query:"zone" doc:"an IANA zone, where no facility is named"`
	Extended bool      `query:"extended"`
}

type ruleDueOut struct{ Body clock.Trace }

func (a *api) ruleDue(ctx context.Context, in *ruleDueIn) (*ruleDueOut, error) {
	cal, name := a.service.federal, in.Zone
	if in.Facility != "" {
		err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
			f, err := store.FacilityByCode(ctx, tx, in.Facility)
			if err != nil || f == nil {
				return err
			}
			cal, name = a.service.calendar(f.Closures), f.Zone
			return nil
		})
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, fault.New(fault.Unknown, "there is no such facility")
		}
	}
	zone, err := calendar.Zone(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "name a facility, or an IANA zone")
	}
	id, version, fixed := strings.Cut(in.Rule, "@")
	rule, ok := a.service.table(web.From(ctx).Org).Rule(id, calendar.DateOf(in.At, zone))
	if fixed {
		rule, ok = a.service.table(web.From(ctx).Org).Version(id, version)
	}
	if !ok {
		return nil, fault.New(fault.Unknown, "there is no such rule")
	}
	return &ruleDueOut{rule.Bent(in.At.UTC(), clock.Where{Zone: zone, Calendar: cal}, clock.Bends{Extended: in.Extended})}, nil
}
