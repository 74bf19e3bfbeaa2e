package referral

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

func body(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// stands lists what became of each provider asked, by name, in the order asked.
func (w *world) stands(v store.View) string {
	w.t.Helper()
	var out []string
	d := w.detail(v.ID)
	for _, o := range d.Offers {
		out = append(out, strings.TrimSuffix(o.State+" "+o.Reason, " "))
	}
	return d.State + ": " + strings.Join(out, ", ")
}

// ring fires the timer of a search as if it were so late.
func (w *world) ring(v store.View, at time.Time) {
	w.t.Helper()
	err := w.s.outbox.SystemTx(context.Background(), func(tx pgx.Tx) error {
		return w.s.nextWave(context.Background(), tx, at, []timer.Timer{{Name: waveTimer, Key: v.ID, Org: demoOrg}})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// due is when a search's timer is set to, as the database has it.
func (w *world) due(v store.View) (at time.Time) {
	w.t.Helper()
	if err := w.db.System.QueryRow(context.Background(), `SELECT due_at FROM timer WHERE name = 'wave' AND key = $1`, v.ID).Scan(&at); err != nil {
		w.t.Fatal(err)
	}
	return at
}

func TestWavesAreAskedOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	var ids []events.ID
	for _, n := range []string{"Cedar Grove Care Center", "Lakeside Rehabilitation and Nursing", "Prairie View Health Center", "Maple Court Nursing Home", "Saint Brigid Home"} {
		ids = append(ids, w.provider(n))
	}
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.do(w.the(s.Encounter), "send", body(map[string]any{"providers": ids, "wave_size": 2, "hours": 4}))
	if len(v.Offers) != 2 || len(v.Plan.Next) != 2 || v.Plan.Next[1][0] != ids[4] || v.Offers[1].Wave != 1 || v.Offers[0].Until.Sub(*v.Offers[0].AskedAt) != 4*time.Hour {
		t.Fatalf("%+v, then %+v", v.Offers, v.Plan)
	}
	if due := w.due(v); !due.Equal(*v.Offers[0].Until) {
		t.Errorf("the timer is set to %v, not %v", due, v.Offers[0].Until)
	}
	w.ring(v, v.Offers[0].Until.Add(-time.Second)) // never early
	if got := w.stands(v); got != "sent: sent, sent" {
		t.Fatal(got)
	}
	w.do(v, "decline", body(map[string]any{"provider_id": ids[0], "reason": "no-bed"}))
	if got := w.stands(v); got != "sent: declined no-bed, sent" {
		t.Fatal(got)
	}
	w.ring(v, *v.Offers[0].Until) // the deadline of the first wave
	if got := w.stands(v); got != "sent: declined no-bed, withdrawn no-response, sent, sent" {
		t.Fatal(got)
	}
	two := w.detail(v.ID)
	if !two.Offers[2].AskedAt.Equal(*v.Offers[0].Until) || two.Offers[3].Wave != 2 {
		t.Errorf("the second wave is %+v", two.Offers[2:])
	}
	if due := w.due(v); !due.Equal(*two.Offers[2].Until) {
		t.Errorf("the timer is set to %v", due)
	}
	w.do(v, "decline", body(map[string]any{"provider_id": ids[2], "reason": "staffing"}))
	w.do(v, "decline", body(map[string]any{"provider_id": ids[3], "reason": "payer"})) // all said no: the next at once
	if got := w.stands(v); got != "sent: declined no-bed, withdrawn no-response, declined staffing, declined payer, sent" {
		t.Fatal(got)
	}
	w.do(v, "accept", whose(ids[4]))
	w.ring(v, v.Offers[0].Until.Add(100*time.Hour)) // nothing is left to do
	if got := w.stands(v); !strings.HasPrefix(got, "accepted") || !strings.HasSuffix(got, "accepted") {
		t.Fatal(got)
	}
	if got := w.told(s.Encounter); !slices.Equal(got, []string{"snf drafted drafted", "snf sent sent", "snf declined sent", "snf updated declined", "snf sent sent",
		"snf declined sent", "snf declined declined", "snf sent sent", "snf accepted accepted"}) {
		t.Errorf("told %q", got)
	}
	w.balanced()
}

// Where the last ones say nothing either, those who search are told: nobody is left.
func TestSilenceOfTheLastOnesIsANo(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.do(w.the(s.Encounter), "send", body(map[string]any{"providers": []events.ID{w.provider("Cedar Grove Care Center")}, "hours": 1}))
	w.ring(v, *v.Offers[0].Until)
	if got := w.stands(v); got != "declined: withdrawn no-response" {
		t.Fatal(got)
	}
	if got := w.told(s.Encounter); got[len(got)-1] != "snf declined declined" {
		t.Errorf("told %q", got)
	}
	w.balanced()
}

func TestWhatThePatientChoseIsKept(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.the(s.Encounter)
	version := etag(v.Version)
	w.must(422, "POST", "/referrals/"+v.ID.String()+"/choose", `{"to":"somebody","declined":true}`, "If-Match", version)
	w.must(422, "POST", "/referrals/"+v.ID.String()+"/choose", `{"to":"patient"}`, "If-Match", version)
	maple := w.provider("Maple Court Nursing Home")
	v = w.do(v, "choose", body(map[string]any{"to": "representative", "providers": []events.ID{maple}, "note": "the daughter, by phone"}))
	if c := v.Plan.Choice; c == nil || c.To != "representative" || c.By != "maria" || !slices.Equal(c.Providers, []events.ID{maple}) || c.At.IsZero() || v.State != "drafted" {
		t.Errorf("%+v", v)
	}
	var lines web.List[store.Line]
	w.must(200, "GET", "/referrals/"+v.ID.String()+"/history", "").into(t, &lines)
	if l := lines.Items[len(lines.Items)-1]; l.Action != "choose" || l.Reason != "representative" || l.Note != "the daughter, by phone" || !slices.Equal(l.Asked, []events.ID{maple}) {
		t.Errorf("%+v", l)
	}
	for _, e := range w.facts() {
		if f, ok := e.Fact.(events.ChoiceRecorded); ok && strings.Contains(body(f), "daughter") {
			t.Error("a person's words travel in a fact")
		}
	}
	w.balanced()
}
