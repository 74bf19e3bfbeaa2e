package notification

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
)

// subjects are those of the mails that reached the mail server, with how they say things stand, oldest first.
func (b *bench) subjects() (out []string) {
	b.t.Helper()
	var caught struct{ Items []channel.Sunk }
	b.call(b.as(web.Liaison), "GET", "/outbox", nil, &caught)
	for _, m := range slices.Backward(caught.Items) {
		said := strings.Split(m.Body, "\n")
		out = append(out, m.Subject+": "+strings.TrimSpace(said[2]))
	}
	return out
}

// mailsOf are the deliveries by mail of the only alert, as "version state reason".
func (b *bench) mailsOf() (out []string) {
	b.t.Helper()
	for _, d := range b.detail(b.alerts("")[0].ID).Deliveries {
		if d.Channel == "email" {
			out = append(out, fmt.Sprintf("%d %s: %s", d.Version, d.State, d.Reason))
		}
	}
	return out
}

// versions are snapshots of one stay, counting on.
func versions() func() events.Of {
	tr := stay("one")
	return func() events.Of {
		tr.Version++
		return events.Of{Transition: tr}
	}
}

func TestADischargeThatIsTakenBackAndMadeAgainBeforeTheMailWentOutIsMailed(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	next := versions()
	b.told(events.TransitionOpened{Of: next()})  // A03
	b.told(events.TransitionPlanned{Of: next()}) // A13
	b.told(events.TransitionOpened{Of: next()})  // A03
	if n := b.post("email"); n != 1 {
		t.Errorf("%d mails were due, want 1", n)
	}
	want := []string{"1 suppressed: superseded", "3 delivered: accepted by the mail server"}
	if diff := cmp.Diff(want, b.mailsOf()); diff != "" {
		t.Error(diff)
	}
	// It is the first that this reader hears, and says so; what follows is an update.
	b.told(events.TransitionPlanned{Of: next()})
	b.post("email")
	if diff := cmp.Diff([]string{"A discharge needs follow-up: It can wait for its turn. Nobody has taken it on yet.", "Update: A discharge needs follow-up: It is settled: nothing is left to do."}, b.subjects()); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}

func TestADischargeThatChangesBeforeTheMailWentOutIsMailedAsNew(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	next := versions()
	b.told(events.TransitionOpened{Of: next()})
	b.told(events.TransitionReplanned{Of: next()})
	b.post("email")
	b.told(events.TransitionReplanned{Of: next()})
	b.post("email")
	if diff := cmp.Diff([]string{"A discharge needs follow-up: It can wait for its turn. Nobody has taken it on yet.", "Update: A discharge needs follow-up: It can wait for its turn. Nobody has taken it on yet."}, b.subjects()); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}

// What may have reached the reader, though nobody knows, counts as the first: two firsts would be worse.
func TestWhatFollowsAMailInDoubtIsAnUpdate(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	next := versions()
	b.told(events.TransitionOpened{Of: next()})
	if _, err := b.db.System.Exec(b.ctx, `UPDATE delivery SET attempts = 1 WHERE channel = 'email'`); err != nil { // a try nobody recorded the end of
		t.Fatal(err)
	}
	b.told(events.TransitionReplanned{Of: next()})
	b.post("email")
	firsts := 0
	for _, s := range b.subjects() {
		if !strings.HasPrefix(s, "Update: ") {
			firsts++
		}
	}
	if got := b.subjects(); len(got) != 2 || firsts != 1 {
		t.Errorf("%q", got)
	}
	b.balanced()
}

// A discharge that turns out to be more severe reaches whoever hears only of that, once; and the alert
// is as severe as if that had been said at first.
func TestWhatBecomesSevereReachesWhoeverHearsOnlyOfThat(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "ICU", "ann", "lea")
	tr := stay("one")
	b.told(opened(tr))
	before := b.alerts("")[0]
	if before.Severity != "routine" {
		t.Fatalf("%+v", before)
	}
	against := tr
	against.Version, against.Disposition = tr.Version+1, "07"
	b.told(events.TransitionReplanned{Of: events.Of{Transition: against}})
	after := b.alerts("")[0]
	if after.Severity != "urgent" {
		t.Errorf("left against advice: %+v", after)
	}
	mails := map[string]int{}
	for _, d := range b.detail(after.ID).Deliveries {
		if d.Channel == "email" && d.State != "suppressed" {
			mails[d.Recipient]++
		}
	}
	if diff := cmp.Diff(map[string]int{"ann": 1, "lea": 1}, mails); diff != "" {
		t.Error(diff)
	}
	b.told(events.TransitionReplanned{Of: events.Of{Transition: func() events.Transition { x := against; x.Version++; x.Disposition = "01"; return x }()}})
	if got := b.alerts("")[0]; got.Severity != "routine" {
		t.Errorf("after the correction: %+v", got)
	}
	b.balanced()
}
