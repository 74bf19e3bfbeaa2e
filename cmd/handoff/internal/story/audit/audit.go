package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/ledger"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/mailbox"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
)

// Audit checks one facility of one system against a ledger. Not safe for concurrent use.
type Audit struct {
	Facility string
	Ledger   *ledger.Ledger
	Screen   *api.Screen // somebody who watched all the time; nil: nobody did
	Repeated int         // mails that were handed over more than once, as of the last check

	box               *mailbox.Box
	reader            string // whose mails are read
	auditor, engineer *api.Client
	model             map[string][]string // by shape: the open tasks of an undisturbed stay
	findings          []string
}

// New returns an audit of a facility.
func New(s api.System, facility string, l *ledger.Ledger) *Audit {
	return &Audit{Facility: facility, Ledger: l, auditor: api.New(s, "auditor"), engineer: api.New(s, "interface"), model: map[string][]string{}}
}

func (a *Audit) find(format string, args ...any) {
	a.findings = append(a.findings, fmt.Sprintf(format, args...))
}

// Check looks once. No findings means that all holds.
func (a *Audit) Check(ctx context.Context) ([]string, error) {
	w, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	a.findings = nil
	a.messages(w)
	for _, c := range a.Ledger.Cases() {
		if c.Facility == a.Facility && c.Done() {
			a.stay(w, c)
		}
	}
	a.strangers(w)
	a.lists(w)
	a.screen(w)
	a.mails(w)
	return a.findings, a.timelines(ctx, w)
}

// Settle looks again and again until all holds, or ctx is done; then it returns what did not. took is
// how long that was.
func (a *Audit) Settle(ctx context.Context) (findings []string, took time.Duration, err error) {
	start := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		found, lookErr := a.Check(ctx)
		switch {
		case lookErr == nil && len(found) == 0:
			return nil, time.Since(start), nil
		case lookErr == nil:
			findings, err = found, nil
		case ctx.Err() == nil:
			err = lookErr
		}
		select {
		case <-ctx.Done():
			return findings, time.Since(start), err
		case <-tick.C:
		}
	}
}

// messages: I1 and I2, as far as messages go.
func (a *Audit) messages(w *world) {
	for _, c := range a.Ledger.Cases() {
		if c.Facility != a.Facility {
			continue
		}
		for _, e := range c.Entries {
			kept, said := w.messages[e.ControlID], e.Answer()
			switch {
			case said.Surprise != "":
				a.find("%s %s: %s", e.Trigger, e.ControlID, said.Surprise)
			case said.Outcome == ledger.Refused:
				a.find("%s %s was answered %s", e.Trigger, e.ControlID, said.Code)
			case said.Outcome == ledger.Accepted && len(kept) != 1, len(kept) > 1:
				a.find("%s %s was %s and is there %d times", e.Trigger, e.ControlID, said.Outcome, len(kept))
			case len(kept) == 1 && kept[0].Hash != e.Hash:
				a.find("%s %s has other bytes than were sent: hash %s, want %s", e.Trigger, e.ControlID, kept[0].Hash, e.Hash)
			case said.Outcome == ledger.Accepted && kept[0].State != "applied":
				a.find("%s %s is %s: %s", e.Trigger, e.ControlID, kept[0].State, kept[0].Reason)
			}
		}
	}
}

// stay: I3 and I5 of one stay whose messages were all accepted.
func (a *Audit) stay(w *world, c *ledger.Case) {
	want, name := c.Shape.Want, c.Visit+" ("+c.Shape.Name+")"
	list := w.encounters[c.Visit]
	if len(list) != 1 {
		a.find("%s: there are %d encounters", name, len(list))
		return
	}
	e := list[0]
	if e.State != want.State || e.Class != want.Class || e.Disposition != want.Disposition {
		a.find("%s: the stay is %s, %s, disposition %q; want %s, %s, %q", name, e.State, e.Class, e.Disposition, want.State, want.Class, want.Disposition)
	}
	a.transition(w, c, name, e.ID)
	a.tasks(w, c, name, e.ID)
	a.referral(w, want, name, e.ID)
	a.alert(w, c, name, e.ID)
}

func (a *Audit) transition(w *world, c *ledger.Case, name, encounter string) {
	want := c.Shape.Want
	var current []string
	for _, t := range w.transitions[encounter] {
		if t.State != "cancelled" {
			current = append(current, t.State)
			continue
		}
		// What came in another order may never have been planned at all.
		if c.InOrder && want.Cancelled != "" && t.Reason != want.Cancelled {
			a.find("%s: the transition was cancelled because of %q, want %q", name, t.Reason, want.Cancelled)
		}
	}
	switch {
	case want.Transition == "" && len(current) > 0:
		a.find("%s: there is a transition (%v), want none", name, current)
	case want.Transition != "" && (len(current) != 1 || current[0] != want.Transition):
		a.find("%s: current transitions %v, want one, %s", name, current, want.Transition)
	}
}

// tasks: exactly those the protocols say, neither more nor fewer, alike in all that matters.
func (a *Audit) tasks(w *world, c *ledger.Case, name, encounter string) {
	var codes, alike []string
	for _, t := range w.tasks[encounter] {
		if !t.Open() {
			continue
		}
		codes = append(codes, t.Code)
		alike = append(alike, describe(t))
	}
	slices.Sort(codes)
	slices.Sort(alike)
	if !slices.Equal(codes, c.Shape.Want.Tasks) {
		a.find("%s: open tasks %v, want %v", name, codes, c.Shape.Want.Tasks)
		return
	}
	if model, known := a.model[c.Shape.Name]; known && !slices.Equal(alike, model) {
		a.find("%s: open tasks\n%v\nwant, as an undisturbed stay has them,\n%v", name, alike, model)
	}
}

// describe is what is the same for every stay of a shape.
func describe(t api.Task) string {
	due := "never"
	if t.DueAt != nil {
		due = t.DueAt.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s due %s, %s, for %s, %q", t.Code, due, t.Priority, t.OwnerRole, t.Title)
}

func (a *Audit) referral(w *world, want stays.Want, name, encounter string) {
	var needs []string
	for _, r := range w.referrals[encounter] {
		if r.State != "withdrawn" && r.State != "expired" {
			needs = append(needs, r.Need)
		}
	}
	if want.Need == "" && len(needs) > 0 || want.Need != "" && !slices.Equal(needs, []string{want.Need}) {
		a.find("%s: open referrals for %v, want %q", name, needs, want.Need)
	}
}

// alert: one for every opening. Of a stay whose messages came in another order it cannot be said
// whether something that was taken back had been announced before.
func (a *Audit) alert(w *world, c *ledger.Case, name, encounter string) {
	n := len(w.alerts[encounter])
	if n > 1 || c.Shape.Want.Transition == "active" && n != 1 || !c.Shape.Want.Alert && n > 0 && (c.InOrder || !c.Shape.Cancels()) {
		a.find("%s: %d alerts that it was opened, want one: %v", name, n, c.Shape.Want.Alert)
	}
}

// strangers: nothing is there that was not sent.
func (a *Audit) strangers(w *world) {
	sent, visits := map[string]bool{}, map[string]bool{}
	for _, c := range a.Ledger.Cases() {
		visits[c.Visit] = true
		for _, e := range c.Entries {
			sent[e.ControlID] = e.Answer().Sends > 0
		}
	}
	for id := range w.messages {
		if !sent[id] {
			a.find("there is a message %q that was never sent", id)
		}
	}
	for visit := range w.encounters {
		if !visits[visit] {
			a.find("there is a stay %q that was never sent", visit)
		}
	}
}

// lists: I4, and that no service knows of more than its neighbours.
func (a *Audit) lists(w *world) {
	for _, r := range w.accounts {
		for _, law := range r.Laws {
			if law.Left != law.Right || law.Difference != 0 {
				a.find("%s: %s: %d against %d", r.Service, law.Law, law.Left, law.Right)
			}
		}
		if r.Difference != 0 || len(r.Laws) == 0 {
			a.find("%s: difference %d over %d laws", r.Service, r.Difference, len(r.Laws))
		}
	}
	known := map[string]bool{}
	for _, list := range w.encounters {
		for _, e := range list {
			known[e.ID] = true
		}
	}
	for encounter := range w.transitions {
		if !known[encounter] {
			a.find("there is a transition of encounter %s, which nobody knows", encounter)
		}
	}
	for encounter, list := range w.tasks {
		open := 0
		for _, t := range list {
			if t.Open() {
				open++
			}
		}
		for _, t := range w.transitions[encounter] {
			if open > 0 && t.State == "cancelled" {
				a.find("the cancelled transition of encounter %s has %d open tasks", encounter, open)
			}
		}
	}
	a.findings = append(a.findings, w.parked...)
}

// screen: whoever watches all the time is shown each alert once.
func (a *Audit) screen(w *world) {
	if a.Screen == nil {
		return
	}
	shown := map[string]int{}
	for _, n := range a.Screen.Seen() {
		if n.Event == "alert" {
			shown[n.Subject]++
		}
	}
	for id, n := range shown {
		if n > 1 {
			a.find("alert %s was shown %d times", id, n)
		}
	}
	for _, list := range w.alerts {
		for _, alert := range list {
			if alert.RaisedAt.After(a.Screen.Since) && shown[alert.ID] == 0 {
				a.find("alert %s was never shown", alert.ID)
			}
		}
	}
}

// Learn takes the open tasks of every finished case of the ledger as the model for its shape. Call it
// after an undisturbed run, at rest.
func (a *Audit) Learn(ctx context.Context) error {
	w, err := a.read(ctx)
	if err != nil {
		return err
	}
	for _, c := range a.Ledger.Cases() {
		if c.Facility != a.Facility || !c.InOrder || !c.Done() {
			continue
		}
		list := w.encounters[c.Visit]
		if len(list) != 1 {
			return fmt.Errorf("the model of %s has %d encounters", c.Shape.Name, len(list))
		}
		model := []string{}
		for _, t := range w.tasks[list[0].ID] {
			if t.Open() {
				model = append(model, describe(t))
			}
		}
		slices.Sort(model)
		a.model[c.Shape.Name] = model
	}
	return nil
}
