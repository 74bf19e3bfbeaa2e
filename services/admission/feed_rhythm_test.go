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

func TestAFeedIsMeasuredByItsOwnRhythm(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := noon.Add(-d); return &at }
	gap := func(s float32) []*float32 { g := make([]*float32, 24); g[12] = &s; return g }
	for _, c := range []struct {
		f    store.FeedRow
		want string
	}{
		{store.FeedRow{Enabled: false, LastReceived: ago(0), Beats: 900, Gaps: gap(5)}, healthOff},
		{store.FeedRow{Enabled: true}, healthNever},
		{store.FeedRow{Enabled: true, LastReceived: ago(time.Hour), Beats: 3, Gaps: gap(5)}, healthLearning},
		{store.FeedRow{Enabled: true, LastReceived: ago(time.Minute), Beats: 900, Gaps: gap(5)}, healthOK},
		{store.FeedRow{Enabled: true, LastReceived: ago(3 * time.Minute), Beats: 900, Gaps: gap(5)}, healthSlow},
		{store.FeedRow{Enabled: true, LastReceived: ago(11 * time.Minute), Beats: 900, Gaps: gap(5)}, healthSilent},
		{store.FeedRow{Enabled: true, LastReceived: ago(11 * time.Minute), Beats: 900, Gaps: gap(600)}, healthOK},
		{store.FeedRow{Enabled: true, LastReceived: ago(3 * time.Hour), Beats: 900, Gaps: gap(600)}, healthSilent},
	} {
		if got, _ := rhythm(&c.f, noon); got != c.want {
			t.Errorf("heard at %v with gaps of %v: %s, not %s", c.f.LastReceived, usualGap(c.f.Gaps, noon), got, c.want)
		}
	}
}

// Each beat teaches the rhythm of its hour; a long pause does not become the rhythm.
func TestBeatsTeachTheRhythm(t *testing.T) {
	h := start(t)
	feed := items(get[object](h, web.Auditor, "GET", "/feeds", nil))[0].(object)
	if feed["health"] != healthNever {
		t.Errorf("a new feed is %v", feed["health"])
	}
	id, err := events.ParseID(feed["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	beat := func(d time.Duration) {
		at = at.Add(d)
		if err := h.store.Pulse(context.Background(), map[events.ID]store.Heard{id: {Org: DemoOrg, At: at}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 60 {
		beat(10 * time.Second)
	}
	beat(20 * time.Minute)
	var rows []store.FeedRow
	if err := h.db.Tx(context.Background(), DemoOrg, func(tx pgx.Tx) (err error) { rows, err = h.store.Feeds(context.Background(), tx, id); return err }); err != nil {
		t.Fatal(err)
	}
	if usual := usualGap(rows[0].Gaps, at); rows[0].Beats != 60 || usual < 10*time.Second || usual > 30*time.Second {
		t.Errorf("after %d beats the usual gap is %v", rows[0].Beats, usual)
	}
}
