package notification

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
)

func TestOpeningRaisesOneAlertToTheRoleWhereThereIsNoRoster(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	list := b.told(opened(tr))
	b.tell(list...) // a repetition that the inbox let through must not be told twice either
	got := b.alerts("?encounter=" + tr.Encounter.String())
	if len(got) != 1 {
		t.Fatalf("%d alerts, want 1: %+v", len(got), got)
	}
	a := got[0]
	if a.Kind != "transition-opened" || a.State != "raised" || a.Severity != "routine" || a.Cause != list[0].ID || a.TransitionID != tr.ID {
		t.Errorf("alert %+v", a)
	}
	if diff := cmp.Diff([]string{"role:liaison"}, a.Recipients); diff != "" {
		t.Error(diff)
	}
	if !a.ReceivedAt.Equal(list[0].Received) {
		t.Errorf("received at %v, want %v", a.ReceivedAt, list[0].Received)
	}
	d := b.detail(a.ID)
	if len(d.Deliveries) != 1 || d.Deliveries[0].State != "delivered" || d.Deliveries[0].Channel != "console" {
		t.Errorf("deliveries %+v", d.Deliveries)
	}
	if len(d.Why) != 1 || d.Why[0].Reason != "role of the organization; no roster for unit ICU of MERCY, no roster for facility MERCY" {
		t.Errorf("why %+v", d.Why)
	}
	if n := b.announced("care.alert.raised.v1"); n != 1 {
		t.Errorf("%d announced", n)
	}
	b.balanced()
}

// people gives the organization two liaisons, one of them with an address, and a lead.
func (b *bench) people() {
	b.t.Helper()
	off := false
	in := map[string]any{"people": []setup.Person{
		{ID: "ann", Name: "Ann", Roles: []string{"liaison"}, Email: "ann@example.org", EmailFrom: "routine"},
		{ID: "bob", Name: "Bob", Roles: []string{"liaison"}, Email: "bob@example.org", EmailFrom: "critical"},
		{ID: "eve", Name: "Eve", Roles: []string{}, Active: &off},
		{ID: "lea", Name: "Lea", Roles: []string{"lead"}, Email: "lea@example.org"},
	}}
	if code := b.call(b.as(web.Admin), "PUT", "/people", in, nil); code != 200 {
		b.t.Fatalf("put people: %d", code)
	}
}

func (b *bench) roster(facility, unit string, members ...string) {
	b.t.Helper()
	in := map[string]any{"rosters": []setup.Roster{{Facility: facility, Unit: unit, Members: members}}}
	if code := b.call(b.as(web.Admin), "PUT", "/rosters", in, nil); code != 200 {
		b.t.Fatalf("put rosters: %d", code)
	}
}

// decisions are an alert's why, as "what recipient channel".
func decisions(d alertDetail) []string {
	var out []string
	for _, r := range d.Why {
		out = append(out, r.Decision+" "+r.Recipient+" "+r.Channel)
	}
	slices.Sort(out)
	return out
}

func TestTheRosterOfTheUnitIsToldWithReasonsForEveryone(t *testing.T) {
	b := newBench(t, run.Config{})
	b.told(opened(stay("before"))) // the directory is in memory now, and must be read again
	b.people()
	b.roster("MERCY", "ICU", "ann", "bob", "eve")
	b.told(opened(stay("one")))
	a := b.alerts("?encounter=" + stay("one").Encounter.String())[0]
	if diff := cmp.Diff([]string{"ann", "bob"}, a.Recipients); diff != "" {
		t.Error(diff)
	}
	want := []string{"excluded eve console", "selected ann console", "selected ann email", "selected bob console", "suppressed bob email"}
	if diff := cmp.Diff(want, decisions(b.detail(a.ID))); diff != "" {
		t.Error(diff)
	}
	if got := b.alerts("?inbox=true"); len(got) != 1 || got[0].EncounterID != stay("before").Encounter {
		t.Errorf("the inbox of somebody else in the role: %+v", got)
	}
	var rows struct{ Items []row }
	b.call(b.as(web.Auditor), "GET", "/ledger?person=bob", nil, &rows)
	var said []string
	for _, r := range rows.Items {
		said = append(said, r.Decision+": "+r.Reason)
	}
	if diff := cmp.Diff([]string{"selected: roster of unit ICU of MERCY", "delivered: in the console", "suppressed: email from critical on; this is routine"}, said); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}

func TestACancelledDischargeIsCorrectedOnItsThreadAndReopenedThere(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	b.told(opened(tr))
	a := b.alerts("")[0]
	if code := b.call(b.as(web.Liaison), "POST", "/alerts/"+a.ID.String()+"/acknowledge", nil, nil); code != 200 {
		t.Fatal(code)
	}
	again := tr
	again.Version, again.State = 3, "planning"
	b.told(events.TransitionPlanned{Of: events.Of{Transition: again}})
	if got := b.alerts("")[0]; got.State != "resolved" || got.Reason != "discharge-cancelled" {
		t.Errorf("after A13: %+v", got)
	}
	reopened := tr
	reopened.Version = 4
	b.told(opened(reopened))
	old := tr
	old.Version = 3
	b.told(events.TransitionCancelled{Of: events.Of{Transition: old}}) // older than what is known
	got := b.alerts("")
	if len(got) != 1 || got[0].State != "acknowledged" || got[0].Reason != "discharged-again" || got[0].ID != a.ID {
		t.Fatalf("after the second A03: %+v", got)
	}
	d := b.detail(a.ID)
	var versions []int
	for _, x := range d.Deliveries {
		versions = append(versions, x.Version)
	}
	if diff := cmp.Diff([]int{1, 3, 4}, versions); diff != "" { // 2 was the acknowledgement
		t.Error(diff)
	}
	var thread []string
	for _, r := range d.Thread {
		thread = append(thread, r.Decision)
	}
	want := []string{"delivered", "acknowledged", "resolved", "corrected", "delivered", "corrected", "delivered"}
	if diff := cmp.Diff(want, thread); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}

func TestWhatNobodyHasTriedToSendYetIsTakenBack(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "ann")
	tr := stay("one")
	cancelled := tr
	cancelled.Version, cancelled.State, cancelled.Reason = 3, "cancelled", "admission-cancelled"
	b.told(opened(tr))
	b.told(events.TransitionCancelled{Of: events.Of{Transition: cancelled}})
	in := stay("two")
	gone := in
	gone.Version, gone.State = 3, "expired"
	b.told(opened(in), events.TransitionExpired{Of: events.Of{Transition: gone}}) // the same within one batch
	for _, a := range b.alerts("") {
		states := map[string]string{}
		for _, x := range b.detail(a.ID).Deliveries {
			states[x.Channel+string(rune('0'+x.Version))] = x.State
		}
		if diff := cmp.Diff(map[string]string{"console1": "delivered", "console2": "delivered", "email1": "suppressed"}, states); diff != "" {
			t.Errorf("%s: %s", a.Reason, diff)
		}
	}
	b.balanced()
}

func TestALateArrivalWakesNobodyAndIsCounted(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "ann")
	var facts []events.Fact
	for _, name := range []string{"a", "b", "c"} {
		tr := stay(name)
		tr.LateArrival = true
		facts = append(facts, opened(tr), events.TaskOverdue{Work: events.Work{Task: events.Task{
			ID: events.Derive("task", name), Encounter: tr.Encounter, Late: true, State: "requested", OwnerRole: "liaison"}}})
	}
	list := b.told(facts[:4]...)
	b.told(facts[4:]...)
	b.told(facts[0], facts[2], facts[0]) // opened again: counted already
	got := b.alerts("")
	if len(got) != 1 || got[0].Kind != "late-arrivals" || got[0].Count != 3 || got[0].Facility != "MERCY" || got[0].EscalatesAt != nil {
		t.Fatalf("alerts: %+v", got)
	}
	for _, d := range b.detail(got[0].ID).Deliveries {
		if d.Channel != "console" {
			t.Errorf("a digest went out by %s", d.Channel)
		}
	}
	var rows struct{ Items []row }
	b.call(b.as(web.Auditor), "GET", "/ledger?event="+list[0].ID.String(), nil, &rows)
	if !slices.ContainsFunc(rows.Items, func(r row) bool { return r.Decision == "suppressed" && r.Reason == "late-arrival" }) {
		t.Errorf("ledger of a late discharge: %+v", rows.Items)
	}
	b.balanced()
}

func TestAConfidentialStayGoesToTheOwningRolesConsoleOnly(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "ann")
	tr := stay("vip")
	tr.Sensitive = true
	b.told(opened(tr))
	later := stay("later")
	b.told(opened(later))
	later.Version, later.Sensitive = 3, true
	b.told(events.TransitionUpdated{Of: events.Of{Transition: later}})
	for _, a := range b.alerts("") {
		if diff := cmp.Diff([]string{"role:liaison"}, a.Recipients); diff != "" || !a.Sensitive {
			t.Errorf("%s: %s", a.Reason, diff)
		}
		for _, d := range b.detail(a.ID).Deliveries {
			if d.Channel != "console" && d.State != "suppressed" {
				t.Errorf("%s: %+v", a.Reason, d)
			}
		}
	}
	b.balanced()
}

func overdue(enc events.Transition, code, priority string) events.TaskOverdue {
	return events.TaskOverdue{Work: events.Work{Task: events.Task{
		ID: events.Derive("task", enc.ID.String(), code), Transition: enc.ID, Encounter: enc.Encounter, Facility: enc.Facility, Code: code,
		State: "requested", OwnerRole: "intake", Priority: priority, Overdue: true}}}
}

func TestOverdueTasksOfOneEncounterFoldUntilSomebodyTakesThemOn(t *testing.T) {
	b := newBench(t, run.Config{})
	enc := stay("one")
	call, visit, list := overdue(enc, "call", "routine"), overdue(enc, "visit", "stat"), overdue(enc, "list", "routine")
	b.told(call)
	b.told(visit)
	got := b.alerts("")
	if len(got) != 1 || got[0].Count != 2 || got[0].Severity != "critical" || !slices.Equal(got[0].Recipients, []string{"role:intake"}) {
		t.Fatalf("folded: %+v", got)
	}
	b.call(b.as(web.Intake), "POST", "/alerts/"+got[0].ID.String()+"/acknowledge", nil, nil)
	b.told(list)
	if got = b.alerts("?state=raised"); len(got) != 1 || got[0].TaskID != list.Task.ID {
		t.Fatalf("a new one after the acknowledgement: %+v", got)
	}
	if got = b.alerts("?state=acknowledged"); len(got) != 1 {
		t.Fatalf("acknowledged: %+v", got)
	}
	done := list.Task
	done.State = "completed"
	b.told(events.TaskCompleted{Work: events.Work{Task: done}})
	if got = b.alerts("?state=resolved"); len(got) != 1 || got[0].Reason != "completed" {
		t.Errorf("resolved: %+v", got)
	}
	b.balanced()
}

func TestAReferralsAnswerIsToldAndItsRecallCorrected(t *testing.T) {
	b := newBench(t, run.Config{})
	r := events.Referral{ID: events.NewID(), Encounter: stay("one").Encounter, Facility: "MERCY", Need: "snf"}
	s := events.Search{Referral: r}
	b.told(events.ReferralDeclined{Search: s}, events.ReferralDeclined{Search: s}, events.ReferralAccepted{Search: s})
	byKind := map[string]alertView{}
	for _, a := range b.alerts("") {
		byKind[a.Kind] = a
	}
	if d := byKind["referral-declined"]; d.State != "resolved" || d.Count != 2 || d.Severity != "urgent" {
		t.Errorf("declined: %+v", d)
	}
	if a := byKind["referral-accepted"]; a.State != "raised" || a.Severity != "routine" {
		t.Errorf("accepted: %+v", a)
	}
	b.told(events.ReferralRecalled{Search: s})
	d := b.detail(byKind["referral-accepted"].ID)
	if d.State != "resolved" || len(d.Deliveries) != 2 {
		t.Errorf("recalled: %+v", d)
	}
	b.balanced()
}

func TestQuarantinedMessagesReachOperationsOncePerReason(t *testing.T) {
	b := newBench(t, run.Config{})
	feed := events.NewID()
	q := func(reason string) events.MessageQuarantined {
		return events.MessageQuarantined{Feed: feed, FeedName: "f", Facility: "MERCY", Message: events.NewID(), Reason: reason}
	}
	b.told(q("no-patient-id"), q("no-patient-id"))
	b.told(q("no-patient-id"), q("impossible-date"))
	got := b.alerts("")
	if len(got) != 2 || got[0].Count+got[1].Count != 4 || got[0].Recipients[0] != "role:operations" {
		t.Errorf("alerts: %+v", got)
	}
	b.balanced()
}

// fire runs the escalation timers that are due at now, as the timer loop does.
func (b *bench) fire(now time.Time) (n int) {
	b.t.Helper()
	err := b.db.SystemTx(b.ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(b.ctx, `DELETE FROM timer WHERE due_at <= $1 RETURNING name, key, org_id, due_at`, now)
		if err != nil {
			return err
		}
		due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[timer.Timer])
		if err != nil || len(due) == 0 {
			return err
		}
		n = len(due)
		return b.escalate(b.ctx, tx, now, due)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestWhatNobodyAcknowledgesGoesFurtherAndThenToOperations(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	rules := map[string]any{"rules": []setup.Rule{}, "policies": []setup.Policy{{Severity: "routine", Steps: []setup.Step{{After: "10m", Target: "role:lead"}}}}}
	if code := b.call(b.as(web.Admin), "PUT", "/rules", rules, nil); code != 200 {
		t.Fatal(code)
	}
	b.told(opened(stay("taken")), opened(stay("left")))
	taken := b.alerts("?encounter=" + stay("taken").Encounter.String())[0]
	b.call(b.as(web.Liaison), "POST", "/alerts/"+taken.ID.String()+"/acknowledge", nil, nil)
	start := time.Now()
	if n := b.fire(start.Add(9 * time.Minute)); n != 0 {
		t.Errorf("%d timers fired early", n)
	}
	b.fire(start.Add(11 * time.Minute))
	left := b.alerts("?encounter=" + stay("left").Encounter.String())[0]
	if left.Escalations != 1 || !slices.Contains(left.Recipients, "role:lead") || left.State != "raised" {
		t.Fatalf("after the first wait: %+v", left)
	}
	if d := decisions(b.detail(left.ID)); !slices.Contains(d, "selected lea email") {
		t.Errorf("the lead's email: %v", d)
	}
	b.fire(start.Add(30 * time.Minute))
	got := b.alerts("?kind=escalation-exhausted")
	if len(got) != 1 || got[0].Count != 1 || got[0].Recipients[0] != "role:operations" {
		t.Fatalf("operations: %+v", got)
	}
	if left = b.alerts("?encounter=" + stay("left").Encounter.String())[0]; left.EscalatesAt != nil || left.State != "raised" {
		t.Errorf("after the last step: %+v", left)
	}
	if taken = b.alerts("?encounter=" + stay("taken").Encounter.String())[0]; taken.Escalations != 0 || taken.State != "acknowledged" {
		t.Errorf("acknowledged: %+v", taken)
	}
	var said []string
	for _, r := range b.detail(left.ID).Thread {
		if r.Decision == "escalated" {
			said = append(said, r.Recipient+": "+r.Reason)
		}
	}
	if diff := cmp.Diff([]string{"role:lead: no acknowledgement within 10m0s", ": nobody answered"}, said); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}

func TestDemoPeopleArePutOnceAndLeftAlone(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	for range 2 {
		if err := b.demo(b.ctx); err != nil {
			t.Fatal(err)
		}
	}
	b.org = events.Derive("org", "demo")
	var people struct{ Items []setup.Person }
	b.call(b.as(web.Liaison), "GET", "/people", nil, &people)
	if len(people.Items) != len(demoPeople) || strings.Contains(people.Items[0].Email, "@") {
		t.Errorf("people as a liaison sees them: %+v", people.Items)
	}
}
