package desk

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

var epoch = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// office keeps one stay's alert and its deliveries between transactions as the database does.
type office struct {
	dir     *routing.Directory
	alert   *notice.Alert
	told    []store.Told
	ledger  []ledger.Row
	version int
}

func newOffice() *office {
	return &office{dir: routing.NewDirectory(routing.Data{
		People:  []routing.Person{{ID: "ann", Roles: []string{"liaison"}, Email: "ann@example.org", EmailFrom: notice.Routine, Active: true}},
		Rosters: []routing.Roster{{Facility: "A", Members: []string{"ann"}}},
	})}
}

// of gives a fact about the stay, one version on.
func (o *office) of(make func(events.Of) events.Fact, sensitive bool) events.Event {
	o.version++
	t := events.Transition{ID: events.Derive("t"), Encounter: events.Derive("e"), Facility: "A", Version: o.version, Sensitive: sensitive}
	return events.Event{ID: events.NewID(), Org: events.Derive("org"), Occurred: epoch, Received: epoch, Fact: make(events.Of{Transition: t})}
}

// hear is one transaction.
func (o *office) hear(list ...events.Event) {
	var known []*notice.Alert
	if o.alert != nil {
		known = append(known, o.alert)
	}
	b := notice.NewBook(epoch, known)
	for _, e := range list {
		b.Hear(e)
	}
	b.Finish()
	d := New(epoch)
	d.Told(o.told)
	for i := range b.Changes {
		d.Change(o.dir, &b.Changes[i])
		o.alert = b.Changes[i].Live
	}
	for _, s := range d.Work.Superseded {
		i := slices.IndexFunc(o.told, func(t store.Told) bool {
			return t.Recipient == s.Recipient && t.Channel == s.Channel && t.Version == s.Version
		})
		o.told[i].State, o.told[i].Reason = channel.Suppressed, s.Reason
	}
	for _, v := range d.Work.Deliveries {
		o.told = append(o.told, store.Told{Alert: v.Alert, Recipient: v.Recipient, Channel: v.Channel, Version: v.Version, State: v.State, Reason: v.Reason})
	}
	o.ledger = append(o.ledger, d.Work.Ledger...)
}

// post tries what waits, with the given outcome.
func (o *office) post(state string) {
	for i, t := range o.told {
		if t.State == channel.Pending {
			o.told[i].State, o.told[i].Attempts, o.told[i].Reason = state, t.Attempts+1, "tried"
		}
	}
}

// mails are the deliveries by mail, as "version state reason".
func (o *office) mails() (out []string) {
	for _, t := range o.told {
		if t.Channel == routing.Email {
			out = append(out, fmt.Sprint(t.Version, " ", t.State, " ", t.Reason))
		}
	}
	return out
}

func discharged(of events.Of) events.Fact { return events.TransitionOpened{Of: of} }
func replanned(of events.Of) events.Fact  { return events.TransitionReplanned{Of: of} }
func takenBack(of events.Of) events.Fact  { return events.TransitionPlanned{Of: of} }
func completed(of events.Of) events.Fact  { return events.TransitionCompleted{Of: of} }

func TestWhatOpensAgainIsToldToWhomTheFirstTellingWasTakenBackFrom(t *testing.T) {
	a03, a13, changed := discharged, takenBack, replanned
	for name, c := range map[string]struct {
		facts []func(events.Of) events.Fact
		want  []string
	}{
		"opened again": {[]func(events.Of) events.Fact{a03, a13, a03}, []string{"1 suppressed superseded", "3 pending "}},
		"changed, taken back, opened again": {[]func(events.Of) events.Fact{a03, changed, a13, a03},
			[]string{"1 suppressed superseded", "2 suppressed superseded", "4 pending "}},
		"twice": {[]func(events.Of) events.Fact{a03, a13, a03, a13, a03},
			[]string{"1 suppressed superseded", "3 suppressed superseded", "5 pending "}},
		"over before anybody heard": {[]func(events.Of) events.Fact{a03, a13}, []string{"1 suppressed superseded"}},
		"over in the end":           {[]func(events.Of) events.Fact{a03, a13, a03, a13}, []string{"1 suppressed superseded", "3 suppressed superseded"}},
	} {
		t.Run(name, func(t *testing.T) {
			apart, together := newOffice(), newOffice()
			var batch []events.Event
			for _, f := range c.facts {
				apart.hear(apart.of(f, false))
				batch = append(batch, together.of(f, false))
			}
			together.hear(batch...)
			if diff := cmp.Diff(c.want, apart.mails()); diff != "" {
				t.Errorf("in a transaction each: %s", diff)
			}
			if diff := cmp.Diff(c.want, together.mails()); diff != "" {
				t.Errorf("in one transaction: %s", diff)
			}
		})
	}
}

func TestAConfidentialStayThatOpensAgainIsOwedNoMail(t *testing.T) {
	o := newOffice()
	o.hear(o.of(discharged, false))
	o.hear(o.of(takenBack, false))
	o.hear(o.of(discharged, true))
	if diff := cmp.Diff([]string{"1 suppressed superseded"}, o.mails()); diff != "" {
		t.Error(diff)
	}
	last := func(r ledger.Row) bool {
		return r.Version == 3 && r.Channel == routing.Email && r.Decision == ledger.Suppressed && r.Reason == "confidential"
	}
	if !slices.ContainsFunc(o.ledger, last) {
		t.Errorf("the ledger does not say why: %+v", o.ledger)
	}
}

func TestWhatWasHiddenSaysSo(t *testing.T) {
	o := newOffice()
	o.hear(o.of(discharged, false))
	o.hear(o.of(func(of events.Of) events.Fact { return events.TransitionUpdated{Of: of} }, true))
	if diff := cmp.Diff([]string{"1 suppressed confidential"}, o.mails()); diff != "" {
		t.Error(diff)
	}
}

// Whatever happens to a discharge, and whenever the post comes by: while its alert stands, the reader
// has had a mail, has one waiting or one that failed for good; and one who has heard nothing never
// hears that it is over.
func TestNoReaderIsForgotten(t *testing.T) {
	facts := []func(events.Of) events.Fact{discharged, discharged, replanned, takenBack, completed}
	rapid.Check(t, func(t *rapid.T) {
		o := newOffice()
		for range rapid.IntRange(1, 10).Draw(t, "transactions") {
			heard := o.heard()
			var batch []events.Event
			for range rapid.IntRange(1, 3).Draw(t, "facts") {
				batch = append(batch, o.of(rapid.SampledFrom(facts).Draw(t, "fact"), false))
			}
			o.hear(batch...)
			if o.alert == nil {
				continue
			}
			waits := slices.ContainsFunc(o.told, func(t store.Told) bool { return t.Channel == routing.Email && t.State != channel.Suppressed })
			if o.alert.State != notice.Resolved && !waits {
				t.Fatalf("the alert is %s and nothing reaches the reader: %v", o.alert.State, o.mails())
			}
			if o.alert.State == notice.Resolved && o.alert.Reason != "completed" && !heard && slices.ContainsFunc(o.told, pendingMail) {
				t.Fatalf("a reader who heard nothing is told that it is over: %v", o.mails())
			}
			if s := rapid.SampledFrom([]string{"", channel.Delivered, channel.Pending, channel.Failed}).Draw(t, "post"); s != "" {
				o.post(s)
			}
		}
	})
}

func pendingMail(t store.Told) bool { return t.Channel == routing.Email && t.State == channel.Pending }

// heard reports whether a mail has reached the reader, or may have.
func (o *office) heard() bool {
	return slices.ContainsFunc(o.told, func(t store.Told) bool { return t.Channel == routing.Email && t.Attempts > 0 })
}
