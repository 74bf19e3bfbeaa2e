package admission

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

func TestHowAFeedDidIsCountedAndWrittenDownWithItsPulse(t *testing.T) {
	h := start(t)
	stamp := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("200601021504") }
	h.send(
		adtMessage("Q1", "A01", stamp(-50*time.Hour), "M1", "V1"),
		adtMessage("Q2", "A03", stamp(-40*time.Hour), "M1", "V1", "PV1-36=01"), // late, without a clinician
		adtMessage("Q3", "A01", stamp(-50*time.Hour), "M2", "V2"),
		adtMessage("Q4", "A03", stamp(-12*time.Hour), "M2", "V2", "PD1||||FAM^Doe^Jane"), // not said where to
		adtMessage("Q5", "A08", stamp(-11*time.Hour), "", "V2"),                          // names no patient
	)
	h.settle()
	feed := items(get[object](h, web.Auditor, "GET", "/feeds", nil))[0].(object)["id"].(string)
	deadline := time.Now().Add(30 * time.Second)
	for { // it is written down with the pulse
		q := get[object](h, web.Auditor, "GET", "/feeds/"+feed+"/quality", nil)
		day := q["last_day"].(object)
		got := [7]any{day["answered"], day["handled"], day["discharges"], day["no_disposition"], day["late"], day["no_pcp"], day["quarantined"]}
		if got == [7]any{5., 5., 2., 1., 1., 1., 1.} {
			if p50, p99 := day["ack_p50_s"].(float64), day["ack_p99_s"].(float64); p50 <= 0 || p99 < p50 {
				t.Errorf("replies within %v, %v", p50, p99)
			}
			if rhythm := q["rhythm"].([]any); len(rhythm) != 24 || rhythm[23].(object)["usual"] != nil {
				t.Errorf("a feed of today has the rhythm %v", rhythm)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("counted %v", day)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Counts of several writings, and of several processes, add up; what is old is forgotten.
func TestCountsOfAFeedAddUp(t *testing.T) {
	h := start(t)
	feed := h.anyFeed()
	slot := store.Slot{Feed: feed, Org: DemoOrg, At: time.Now().Add(-3 * 24 * time.Hour).UTC().Truncate(store.SlotLength)}
	old := slot
	old.At = old.At.Add(-9 * 24 * time.Hour)
	one := func() *store.Quality {
		q := &store.Quality{Handled: 3, Late: 1}
		q.Acks[store.AckBucket(3*time.Millisecond)], q.Acks[store.AckBucket(time.Minute)] = 99, 1
		return q
	}
	for range 2 {
		if err := h.store.SaveQuality(context.Background(), map[store.Slot]*store.Quality{slot: one(), old: one()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.store.PruneSlots(context.Background()); err != nil {
		t.Fatal(err)
	}
	rows := h.slots(feed)
	if len(rows) != 1 || rows[0].Answered() != 200 || rows[0].Handled != 6 || rows[0].Late != 2 {
		t.Fatalf("%+v", rows)
	}
	if p50, p995 := rows[0].Within(.5), rows[0].Within(.995); p50 != 5*time.Millisecond || p995 != 10*time.Second {
		t.Errorf("half within %v, nearly all within %v", p50, p995)
	}
	hours := rhythmOf(rows, slot.At.Add(24*time.Hour))
	if last := hours[len(hours)-1]; last.N != 0 || last.Usual == nil || *last.Usual != 200 {
		t.Errorf("a day later, at the same hour: %+v", last)
	}
}

func (h *hospital) anyFeed() events.ID {
	h.t.Helper()
	for id := range h.directory.Setup().Feeds {
		return id
	}
	h.t.Fatal("there is no feed")
	return events.ID{}
}

func (h *hospital) slots(feed events.ID) (rows []store.SlotRow) {
	h.t.Helper()
	err := h.db.Tx(context.Background(), DemoOrg, func(tx pgx.Tx) (err error) {
		rows, err = h.store.Slots(context.Background(), tx, feed, time.Now().Add(-30*24*time.Hour))
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return rows
}
