package console

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

func quoted(text string) string {
	b, _ := json.Marshal(text) // a string: cannot fail
	return string(b)
}

// says waits until the view says a text.
func (b *tab) says(text string) {
	b.t.Helper()
	b.until(`document.querySelector("main").innerText.replace(/\s+/g, " ").includes(` + quoted(text) + `)`)
}

// notes waits for a passing note that says a text.
func (b *tab) notes(text string) {
	b.t.Helper()
	b.until(`document.querySelector("#toasts").innerText.includes(` + quoted(text) + `)`)
}

// looks opens a page on every screen and in every light: nothing that axe finds wrong, nothing to be
// scrolled sideways, a picture of each.
func (s *stage) looks(who, path, name string) {
	s.t.Helper()
	b := s.browse(1280, 900, false)
	b.signIn(who)
	b.visit(path)
	b.do(chromedp.WaitVisible(chromedp.CSS("h1")))
	b.looksRight(name)
}

func TestAnAlertAppearsIsTakenOnAndSettled(t *testing.T) {
	s := open(t)
	s.facility()
	dana, sam := s.browse(1280, 900, false), s.browse(1280, 900, true)
	dana.signIn("dana")
	sam.signIn("sam")
	for _, b := range []*tab{dana, sam} {
		b.visit("/alerts")
		b.live()
		b.says("Nothing needs you right now")
	}
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	a := s.alert(st, "urgent", "role:liaison")
	row := "#a-" + a.ID.String()
	for _, b := range []*tab{dana, sam} {
		b.until(`document.querySelector("` + row + `")?.innerText.includes("Maria Santos")`) // pushed
		b.says("Told: every clinical liaison")
		b.says("Goes to every liaison lead")
		b.says("if nobody takes it on.")
	}
	dana.click(row + " .why")
	for _, says := range []string{"On the roster of unit 4N", "passed on after 30 minutes to every liaison lead", "Seen by Dana Whitfield", "Lea Novak, by email: wants email for urgent and critical alerts only; this one is routine", "Dana Whitfield handed it to Sam Rivera: I cannot get to it in time"} {
		dana.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes(` + quoted(says) + `)`)
	}
	dana.shot("alert-story")
	dana.accessible("why an alert was raised")
	dana.click("#sheet .close button")
	s.peers.mu.Lock()
	if !slices.Contains(s.peers.shown.seen, a.ID.String()) {
		t.Error("that the alert was opened is not noted")
	}
	s.peers.mu.Unlock()

	s.peers.hold() // what follows from it is not heard yet: both see the alert open
	dana.click(row + " .acts .main")
	dana.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
	sam.click(row + " .acts .main")
	sam.notes("Dana Whitfield took this on a moment before you")
	sam.until(`document.querySelector("` + row + ` .owner").innerText === "With Dana Whitfield"`)
	s.peers.settle()
	sam.until(`!document.querySelector("` + row + `")`) // pushed: it is in good hands

	dana.visit("/alerts?show=taken")
	dana.live()
	dana.click(row + " .acts .button")
	dana.click(`#sheet button[value="duplicate"]`)
	dana.notes("Settled")
	dana.says("Nobody is seeing to an alert now")
	s.alert(st, "critical", "dana")
	s.looks("dana", "/alerts", "alerts")
	s.looks("dana", "/alerts?show=taken", "alerts-empty")
}

func TestAMessageSetAsideIsAppliedAgainWhenItsCauseIsGone(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false)
	b.signIn("ivo")
	b.visit("/feeds")
	b.live()
	b.says("Nothing is set aside")
	b.says("Silent: something is wrong")
	b.says("Usually every few seconds at this hour")
	row := "#m-" + s.quarantine("MSG0042").String()
	b.until(`document.querySelector("` + row + `")?.innerText.includes("Its hospital is not one of the feed")`) // pushed
	b.click(row + " a.button")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet .hl7").innerText.includes("ADT^A03")`)
	b.accessible("a message that was set aside")
	b.click("#sheet .close button")
	b.click(row + " button.main")
	b.notes("Still set aside: its hospital is not one of the feed")
	s.looks("ivo", "/feeds", "feeds")

	s.peers.mu.Lock()
	s.peers.shown.healed = true
	s.peers.mu.Unlock()
	b.click(row + " button.main")
	b.notes("Applied: the message is understood now")
	b.says("Nothing is set aside") // pushed

	olu := s.browse(1280, 900, false)
	olu.signIn("olu")
	s.peers.mu.Lock()
	s.peers.shown.healed = false
	s.peers.mu.Unlock()
	row = "#m-" + s.quarantine("MSG0043").String()
	olu.visit("/feeds")
	olu.click(row + " a.button")
	olu.until(`document.querySelector("#sheet").innerText.includes("Your role does not open what a message says")`)

	// The organization's keys are destroyed: why it was set aside can still be told, what it said cannot.
	s.peers.mu.Lock()
	list := s.peers.shown.broken
	gone := maps.Clone(list[len(list)-1])
	gone["reason"], gone["lost"] = "bytes-destroyed", "bytes-destroyed"
	list[len(list)-1] = gone
	s.peers.mu.Unlock()
	b.visit("/feeds")
	b.click(row + " a.button")
	b.until(`document.querySelector("#sheet").innerText.includes("What this message said cannot be read any more")`)
	b.until(`document.querySelector("#sheet").innerText.includes("was destroyed on purpose")`)
	b.accessible("a message that was destroyed")
}

func TestAPastedMessageIsExplainedFieldByField(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false)
	b.signIn("ivo")
	b.visit("/feeds/connect")
	b.until(`document.querySelector("form[action='/feeds/explain']")._htmx?.initialized`)
	js[chromedp.Void](b, `document.querySelector("#message").value = "MSH|^~\\&|ADT|MERCY\nPV1|1|I"; 0`)
	b.click("form[action='/feeds/explain'] button")
	b.says("This message would be used.")
	b.says("1 field to look at")
	b.says("Look: No UB-04 code of ours")
	b.accessible("a message explained")
	b.shot("feeds-explained")
	s.peers.mu.Lock()
	if pasted := s.peers.shown.pasted; strings.ReplaceAll(pasted, "\r\n", "\n") != "MSH|^~\\&|ADT|MERCY\nPV1|1|I" {
		t.Errorf("admission was asked about %q", pasted)
	}
	s.peers.mu.Unlock()
	s.looks("ivo", "/feeds/connect", "connect")
}

func TestAReferralIsSentDeclinedAcceptedAndBooked(t *testing.T) {
	s := open(t)
	s.facility()
	dana, sam := s.browse(1280, 1000, false), s.browse(1280, 1000, true, "409 (Conflict)")
	dana.signIn("dana")
	dana.visit("/referrals")
	dana.live()
	dana.says("A patient who needs a place appears here")
	st := s.dischargeTo(other{"03", "high", "4N"}, "Maria Santos", map[string]time.Duration{call: 90 * time.Minute})
	r := s.refer(st)
	slip := "#r-" + r.ID.String()
	dana.until(`document.querySelector("` + slip + `")?.innerText.includes("Maria Santos")`) // pushed
	dana.until(`document.body.innerText.includes("1,204")`)
	s.looks("dana", "/referrals", "referrals")
	page := "/referrals/" + r.ID.String()
	dana.click(slip + " a")
	dana.until(`location.pathname === "` + page + `"`)
	dana.live()
	dana.says("Skilled nursing facility for Maria Santos")
	for _, says := range []string{"Same area as the patient’s home", "Takes Medicare", "Has an interpreter for Spanish", "Rated 4.5 of 5 stars"} {
		dana.says(says)
	}
	dana.says("1 place does not fit")
	s.looks("dana", page, "referral")
	sam.signIn("sam")
	sam.visit(page)
	sam.live()
	sam.says("Ask the chosen")

	for _, id := range []string{"maple", "river"} {
		dana.click("#c-" + events.Derive(id).String() + " input")
	}
	dana.click(`form[action$="/send"] button`)
	dana.notes("Asked. The answers show here.")
	sam.says("Who was asked") // pushed
	dana.click(`#o-` + events.Derive("river").String() + ` .no button`)
	dana.notes("Noted: they said no")
	dana.says("Said no: no bed")
	sam.says("Said no: no bed")

	accept := `#o-` + events.Derive("maple").String() + ` form[action$="/accept"] button`
	s.peers.mu.Lock()
	s.peers.shown.slow = true // what the first one does is not heard of yet
	s.peers.mu.Unlock()
	sam.until(ready + `(` + quoted(accept) + `)`)
	s.peers.move("maple", "accepted") // somebody else was a moment faster
	sam.click(accept)
	sam.notes("Somebody else was a moment faster")
	sam.says("Maple Court takes the patient. Set the day.")
	sam.shot("referral-race-dark")

	sam.until(`document.querySelector("#start")`)
	js[chromedp.Void](sam, `document.querySelector("#start").value = "2026-12-01T14:30"; 0`)
	sam.click(`form[action$="/book"] button`)
	sam.notes("The day is set.")
	sam.says("Goes to Maple Court on")
	s.peers.mu.Lock()
	if at := s.peers.shown.referral["start_at"]; at != "2026-12-01T14:30:00-05:00" {
		t.Errorf("referral was told %v", at)
	}
	s.peers.mu.Unlock()
}

func TestTheCensusFollowsWhoIsAboutToLeave(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.visit("/census")
	b.live()
	b.says("Nobody is expected to leave")
	later := s.plans("Joseph Obi", 30*time.Hour)
	b.says("Joseph Obi") // pushed
	b.says("Needs: Skilled nursing facility")
	b.until(`document.querySelector("#view tbody").innerText.includes("11")`)
	sooner := s.plans("Maria Santos", 3*time.Hour)
	b.until(`[...document.querySelectorAll("#view .rows > li")].map(e => e.id).join() === "l-` + sooner.Encounter.String() + `,l-` + later.Encounter.String() + `"`)
	s.looks("dana", "/census", "census")
	b.click(`#view tbody a`)
	b.until(`location.search === "?facility=MERCY&unit=4N"`)
	b.live()
	b.says("Who is in Mercy Hospital, 4N")
	b.says("Day 2")
	b.says("Inpatient, 412 B")
	b.says("On leave")
	third := s.plans("Ana Ruiz", 5*time.Hour)
	b.until(`document.querySelector("#i-` + third.Encounter.String() + `")?.innerText.includes("Ana Ruiz")`) // pushed
	s.looks("dana", "/census?facility=MERCY&unit=4N", "census-unit")
}

// Pages of those who are about to leave hold each once, soonest first.
func TestPlanningGoesPageByPage(t *testing.T) {
	s := open(t)
	s.facility()
	var want []events.ID
	for i := range 7 {
		want = append(want, s.plans("Somebody", time.Duration(i+1)*time.Hour).Encounter)
	}
	st := store.New(s.db)
	var got []events.ID
	var after store.PlanningPosition
	for {
		list, next, err := st.Planning(t.Context(), s.org, "MERCY", after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			got = append(got, x.Encounter)
		}
		if next == nil {
			break
		}
		after = *next
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages hold %v, not %v", got, want)
	}
}

func TestTheHuddleSaysWhatIsOwedAndWhatToDecide(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false)
	b.signIn("lea")
	b.visit("/huddle")
	b.live()
	b.says("Nothing waits for a decision")
	b.says("Nothing is overdue.")
	st := s.dischargeTo(other{"03", "high", "4N"}, "Maria Santos", map[string]time.Duration{call: -90 * time.Minute, medicines: 5 * time.Hour})
	b.until(`document.querySelector("section[aria-labelledby=owed-h]").innerText.includes("` + call + `")`) // pushed
	b.until(`document.querySelector("section[aria-labelledby=complex-h]").innerText.includes("` + medicines + `")`)
	s.alert(st, "urgent", "role:lead")
	b.until(`document.querySelector("section[aria-labelledby=decide-h]").innerText.includes("A patient left")`)
	s.plans("Joseph Obi", 3*time.Hour)
	b.until(`document.querySelector("section[aria-labelledby=soon-h]").innerText.includes("Joseph Obi")`)
	s.looks("lea", "/huddle", "huddle")
}
