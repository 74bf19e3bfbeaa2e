package notification

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
)

// next is a transition one version on, after change.
func next(t *events.Transition, change func(*events.Transition)) events.Of {
	was := map[string]string{"state": t.State}
	patient := t.Patient
	t.Version++
	change(t)
	if t.State == was["state"] {
		delete(was, "state")
	}
	if t.Patient != patient {
		was["patient_id"] = patient.String()
	}
	return events.Of{Transition: *t, Previous: was}
}

// corrections are all kinds of them, as the facts that discharge makes of them; keeps says that the
// discharge still stands.
var corrections = []struct {
	name  string
	make  func(*events.Transition) events.Fact
	keeps bool
	why   string
}{
	{"admission cancelled", func(t *events.Transition) events.Fact {
		return events.TransitionCancelled{Of: next(t, func(t *events.Transition) { t.State, t.Reason = "cancelled", "admission-cancelled" })}
	}, false, "admission-cancelled"},
	{"visit deleted", func(t *events.Transition) events.Fact {
		return events.TransitionCancelled{Of: next(t, func(t *events.Transition) { t.State, t.Reason = "cancelled", "entered-in-error" })}
	}, false, "entered-in-error"},
	{"discharge cancelled", func(t *events.Transition) events.Fact {
		return events.TransitionPlanned{Of: next(t, func(t *events.Transition) { t.State = "planning" })}
	}, false, "discharge-cancelled"},
	{"class changed", func(t *events.Transition) events.Fact {
		return events.TransitionCancelled{Of: next(t, func(t *events.Transition) { t.State, t.Reason = "cancelled", "not-applicable" })}
	}, false, "not-applicable"},
	{"death learned late", func(t *events.Transition) events.Fact {
		return events.TransitionExpired{Of: next(t, func(t *events.Transition) { t.State, t.Reason = "expired", "expired" })}
	}, false, "expired"},
	{"disposition changed", func(t *events.Transition) events.Fact {
		of := next(t, func(t *events.Transition) { t.State = "active" })
		of.Previous["disposition"] = "01"
		return events.TransitionReplanned{Of: of}
	}, true, "disposition-changed"},
	{"discharge time changed", func(t *events.Transition) events.Fact {
		of := next(t, func(t *events.Transition) { t.State = "active" })
		of.Previous["discharged_at"] = "2026-10-16T18:02:00Z"
		return events.TransitionReplanned{Of: of}
	}, true, "discharge-time-changed"},
	{"merged or moved", func(t *events.Transition) events.Fact {
		return events.TransitionUpdated{Of: next(t, func(t *events.Transition) { t.Patient = events.Derive("patient", "survivor") })}
	}, true, "patient-changed"},
}

// owed are the corrections that the ledger says were owed to somebody, as "alert's kind recipient channel reason".
func (b *bench) owed(tr events.Transition) (out []string) {
	b.t.Helper()
	for _, a := range b.alerts("?encounter=" + tr.Encounter.String()) {
		for _, r := range b.detail(a.ID).Thread {
			if r.Decision == "corrected" && r.Recipient != "" {
				out = append(out, fmt.Sprint(a.Kind, " ", r.Recipient, " ", r.Channel, " ", r.Reason))
			}
		}
	}
	slices.Sort(out)
	return out
}

// Whoever was told of a discharge hears of every correction, on the same thread, however far the
// thread has come; and once.
func TestEveryCorrectionReachesEverybodyWhoWasTold(t *testing.T) {
	stages := []struct {
		name string
		then func(*bench, *events.Transition)
	}{
		{"raised", func(*bench, *events.Transition) {}},
		{"acknowledged", func(b *bench, _ *events.Transition) {
			b.call(b.as("liaison"), "POST", "/alerts/"+b.alerts("")[0].ID.String()+"/acknowledge", nil, nil)
		}},
		{"done with", func(b *bench, tr *events.Transition) {
			b.told(events.TransitionCompleted{Of: next(tr, func(t *events.Transition) { t.State = "completed" })})
		}},
	}
	for _, stage := range stages {
		for _, c := range corrections {
			t.Run(stage.name+", "+c.name, func(t *testing.T) {
				b := newBench(t, run.Config{Dev: true})
				b.people()
				b.roster("MERCY", "", "ann")
				tr := stay("one")
				b.told(opened(tr))
				b.post("email")
				stage.then(b, &tr)
				first := b.alerts("")[0]
				fact := c.make(&tr)
				b.told(fact)
				b.told(fact)
				got := b.alerts("")
				if len(got) != 1 || got[0].ID != first.ID || (got[0].State == "resolved") == c.keeps && stage.name != "done with" {
					t.Fatalf("%+v", got)
				}
				want := []string{"transition-opened ann console " + c.why, "transition-opened ann email " + c.why}
				if diff := cmp.Diff(want, b.owed(tr)); diff != "" {
					t.Error(diff)
				}
				if n := b.post("email"); n != 1 {
					t.Errorf("%d mails more", n)
				}
				b.balanced()
			})
		}
	}
}

// A discharge that comes back opens the same thread again; that a death was none says so.
func TestWhatComesBackIsSaidOnTheSameThread(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	tr := stay("one")
	b.told(opened(tr), events.TransitionExpired{Of: next(&tr, func(t *events.Transition) { t.State = "expired" })})
	b.told(events.TransitionOpened{Of: next(&tr, func(t *events.Transition) { t.State = "active" })})
	if got := b.alerts(""); len(got) != 1 || got[0].State != "raised" || got[0].Reason != "not-deceased" {
		t.Errorf("%+v", got)
	}
	b.balanced()
}

// Planning on after a cancelled discharge is no correction: those who were told know.
func TestWhatIsOverIsNotSaidAgain(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	b.told(opened(tr))
	b.told(events.TransitionPlanned{Of: next(&tr, func(t *events.Transition) { t.State = "planning" })})
	before := b.owed(tr)
	b.told(events.TransitionPlanned{Of: next(&tr, func(*events.Transition) {})},
		events.TransitionUpdated{Of: next(&tr, func(t *events.Transition) { t.Patient = events.Derive("survivor") })},
		events.TransitionCancelled{Of: next(&tr, func(t *events.Transition) { t.State = "cancelled" })})
	if diff := cmp.Diff(before, b.owed(tr)); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}

func overdueTask(tr events.Transition, code string) events.Work {
	return events.Work{Task: events.Task{ID: events.Derive("task", code), Transition: tr.ID, Encounter: tr.Encounter, Patient: tr.Patient,
		Facility: tr.Facility, Code: code, State: "requested", OwnerRole: "liaison", Overdue: true}}
}

// The alert of overdue tasks and of a referral follow the encounter to its new patient, and those who
// were told hear of it; when the stay withdraws the tasks they hear once, however many tasks there were.
func TestTheOtherThreadsOfAnEncounterAreCorrectedToo(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	first, second := overdueTask(tr, "tcm-contact"), overdueTask(tr, "follow-up-visit")
	r := events.Referral{ID: events.Derive("r"), Encounter: tr.Encounter, Transition: tr.ID, Facility: "MERCY", Need: "snf", Version: 4}
	b.told(opened(tr), events.TaskOverdue{Work: first}, events.TaskOverdue{Work: second}, events.ReferralAccepted{Search: events.Search{Referral: r}})
	b.told(events.TransitionUpdated{Of: next(&tr, func(t *events.Transition) { t.Patient = events.Derive("survivor") })})
	want := []string{
		"referral-accepted role:liaison console patient-changed", "task-overdue role:liaison console patient-changed",
		"transition-opened role:liaison console patient-changed",
	}
	if diff := cmp.Diff(want, b.owed(tr)); diff != "" {
		t.Error(diff)
	}
	gone := func(w events.Work) events.Fact {
		w.Task.State, w.Task.Reason, w.Why = "cancelled", "discharge-cancelled", "discharge-cancelled"
		return events.TaskCancelled{Work: w}
	}
	b.told(gone(first), gone(second))
	want = append(want, "task-overdue role:liaison console discharge-cancelled")
	slices.Sort(want)
	if diff := cmp.Diff(want, b.owed(tr)); diff != "" {
		t.Error(diff)
	}
	if got := b.alerts("?kind=task-overdue"); got[0].State != "resolved" {
		t.Errorf("%+v", got)
	}
	b.balanced()
}

// Somebody has taken the first overdue task on, and the next one raised another alert: when the stay
// withdraws both, both are over, and when it becomes confidential neither is mailed any more.
func TestAnAlertThatWasTakenOnIsCorrectedBesideTheNext(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	first, second := overdueTask(tr, "tcm-contact"), overdueTask(tr, "follow-up-visit")
	b.told(opened(tr), events.TaskOverdue{Work: first})
	b.call(b.as("liaison"), "POST", "/alerts/"+b.alerts("?kind=task-overdue")[0].ID.String()+"/acknowledge", nil, nil)
	b.told(events.TaskOverdue{Work: second})
	b.told(events.TransitionUpdated{Of: next(&tr, func(t *events.Transition) { t.Patient = events.Derive("survivor") })})
	for _, w := range []events.Work{first, second} {
		w.Task.State, w.Task.Reason = "cancelled", "discharge-cancelled"
		b.told(events.TaskCancelled{Work: w})
	}
	got := b.alerts("?kind=task-overdue")
	if len(got) != 2 || got[0].State != "resolved" || got[1].State != "resolved" {
		t.Fatalf("%+v", got)
	}
	if n := len(b.owed(tr)); n != 5 { // the opening; each of the two for the patient and the end
		t.Errorf("%d corrections: %v", n, b.owed(tr))
	}
	b.balanced()
}

// A discharge that is taken back while it settles: consoles saw both, nothing left the house and
// nothing needs a correction there. One that stays is told when it has settled, by the database's clock.
func TestNothingLeavesTheHouseWhileADischargeSettles(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	settling := func(name string) events.Transition {
		tr := stay(name)
		tr.SettlesAt = &until
		return tr
	}
	run := func() int {
		n, err := b.posts["email"].RunOnce(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	back, stays := settling("back"), settling("stays")
	b.told(opened(back), opened(stays))
	if n := run(); n != 0 {
		t.Fatalf("%d mails while it settles", n)
	}
	for _, tr := range []events.Transition{back, stays} {
		if got := b.alerts("?encounter=" + tr.Encounter.String())[0]; got.State != "raised" {
			t.Errorf("the console waits: %+v", got)
		}
	}
	b.told(events.TransitionPlanned{Of: next(&back, func(t *events.Transition) { t.State, t.SettlesAt = "planning", nil })})
	// The plan changes while it settles: one mail, of the last.
	of := next(&stays, func(*events.Transition) {})
	of.Previous["disposition"] = "01"
	b.told(events.TransitionReplanned{Of: of})
	if n := run(); n != 0 {
		t.Errorf("%d mails while it settles", n)
	}
	if diff := cmp.Diff([]string{"transition-opened ann console discharge-cancelled"}, b.owed(back)); diff != "" {
		t.Error(diff)
	}
	if _, err := b.db.System.Exec(b.ctx, `UPDATE delivery SET next_at = next_at - interval '1 hour' WHERE state = 'pending'`); err != nil {
		t.Fatal(err)
	}
	if n := run(); n != 1 {
		t.Errorf("%d mails when it has settled, want 1", n)
	}
	b.balanced()
}

// asks is a referral with one provider asked, tied to a facility of its own.
func asks(tr events.Transition) (events.Referral, events.ID) {
	provider := events.Derive("provider", "cedar")
	return events.Referral{
		ID: events.Derive("referral", tr.ID.String()), Encounter: tr.Encounter, Transition: tr.ID, Patient: tr.Patient, Facility: tr.Facility,
		Need: "snf", State: "sent", Version: 2, Offers: []events.Offer{{Provider: provider, State: "sent"}},
		Places: map[string]string{provider.String(): "CEDARGROVE"},
	}, provider
}

// cedar is a roster at the receiving facility.
func (b *bench) cedar() {
	b.t.Helper()
	in := map[string]any{"people": []setup.Person{{ID: "ivy", Name: "Ivy", Roles: []string{"intake"}, Email: "ivy@example.org"}}}
	if code := b.call(b.as("admin"), "PUT", "/people", in, nil); code != 200 {
		b.t.Fatalf("put people: %d", code)
	}
	b.roster("CEDARGROVE", "", "ivy")
}

// A provider that was asked hears on its own thread of everything that becomes of what it was asked for.
func TestTheAskedFacilityHearsOfEveryCorrection(t *testing.T) {
	for _, c := range []struct {
		name  string
		fact  func(events.Referral) events.Fact
		state string
		why   string // nothing: it is not told
	}{
		{"recalled", func(r events.Referral) events.Fact {
			r.State, r.Offers[0].State, r.Offers[0].Reason = "withdrawn", "withdrawn", "discharge-cancelled"
			return events.ReferralRecalled{Search: events.Search{Referral: r}}
		}, "resolved", "discharge-cancelled"},
		{"another patient", func(r events.Referral) events.Fact {
			return events.ReferralUpdated{Search: events.Search{Referral: r, Previous: map[string]string{"patient_id": r.Patient.String()}}}
		}, "raised", "patient-changed"},
		{"another day", func(r events.Referral) events.Fact {
			return events.ReferralUpdated{Search: events.Search{Referral: r, Previous: map[string]string{"discharged_at": ""}}}
		}, "raised", "discharge-time-changed"},
		{"ranked anew", func(r events.Referral) events.Fact {
			return events.ReferralUpdated{Search: events.Search{Referral: r}}
		}, "raised", ""},
		{"another was chosen", func(r events.Referral) events.Fact {
			r.State, r.Offers[0].State, r.Offers[0].Reason = "accepted", "withdrawn", "another-accepted"
			return events.ReferralAccepted{Search: events.Search{Referral: r}}
		}, "resolved", "another-accepted"},
		{"it declined", func(r events.Referral) events.Fact {
			r.State, r.Offers[0].State = "declined", "declined"
			return events.ReferralDeclined{Search: events.Search{Referral: r}}
		}, "resolved", ""},
		{"it offered", func(r events.Referral) events.Fact {
			r.State, r.Offers[0].State = "offered", "offered"
			return events.ReferralOffered{Search: events.Search{Referral: r}}
		}, "acknowledged", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, run.Config{Dev: true})
			b.cedar()
			tr := stay("one")
			r, _ := asks(tr)
			sent := events.ReferralSent{Search: events.Search{Referral: r}}
			b.told(sent)
			b.told(sent)
			b.post("email")
			r.Version++
			r.Offers = slices.Clone(r.Offers)
			fact := c.fact(r)
			b.told(fact)
			b.told(fact)
			got := b.alerts("?encounter=" + tr.Encounter.String() + "&kind=referral-asked")
			if len(got) != 1 || got[0].State != c.state || got[0].Facility != "CEDARGROVE" || !slices.Equal(got[0].Recipients, []string{"ivy"}) {
				t.Fatalf("%+v", got)
			}
			var want []string
			if c.why != "" {
				want = []string{"referral-asked ivy console " + c.why, "referral-asked ivy email " + c.why}
			}
			if diff := cmp.Diff(want, slices.DeleteFunc(b.owed(tr), func(s string) bool { return s[:14] != "referral-asked" })); diff != "" {
				t.Error(diff)
			}
			b.balanced()
		})
	}
}

// What is asked while the discharge settles, and taken back with it, never left the house.
func TestWhatIsAskedWhileADischargeSettlesWaits(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.cedar()
	r, _ := asks(stay("one"))
	until := time.Now().Add(time.Hour)
	r.SettlesAt = &until
	b.told(events.ReferralSent{Search: events.Search{Referral: r}})
	if n, err := b.posts["email"].RunOnce(b.ctx); err != nil || n != 0 {
		t.Fatalf("%d mails (%v)", n, err)
	}
	r.Version, r.State, r.SettlesAt = 3, "withdrawn", nil
	r.Offers = []events.Offer{{Provider: r.Offers[0].Provider, State: "withdrawn", Reason: "discharge-cancelled"}}
	b.told(events.ReferralRecalled{Search: events.Search{Referral: r}})
	if n := b.post("email"); n != 0 {
		t.Errorf("%d mails of what nobody outside heard of", n)
	}
	b.balanced()
}

// Left against advice, as it turns out: the alert is urgent now, and somebody who wants mails from
// urgent on gets the one they were spared.
func TestACorrectionThatMakesItUrgentTellsThoseWhoWereSpared(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	in := map[string]any{"people": []setup.Person{{ID: "ann", Name: "Ann", Roles: []string{"liaison"}, Email: "ann@example.org", EmailFrom: "urgent"}}}
	if code := b.call(b.as("admin"), "PUT", "/people", in, nil); code != 200 {
		t.Fatalf("put people: %d", code)
	}
	b.roster("MERCY", "", "ann")
	tr := stay("one")
	b.told(opened(tr))
	if n := b.post("email"); n != 0 {
		t.Fatalf("%d mails of a routine alert", n)
	}
	of := next(&tr, func(t *events.Transition) { t.Disposition = "07" })
	of.Previous["disposition"] = "01"
	b.told(events.TransitionReplanned{Of: of})
	got := b.alerts("")[0]
	if n := b.post("email"); n != 1 || got.Severity != "urgent" || time.Until(*got.EscalatesAt) > 40*time.Minute {
		t.Errorf("%d mails; %s, further at %s", n, got.Severity, got.EscalatesAt)
	}
	of = next(&tr, func(t *events.Transition) { t.Disposition = "01" })
	of.Previous["disposition"] = "07"
	b.told(events.TransitionReplanned{Of: of})
	if got := b.alerts("")[0]; got.Severity != "routine" {
		t.Errorf("and taken back: %s", got.Severity)
	}
	b.balanced()
}
