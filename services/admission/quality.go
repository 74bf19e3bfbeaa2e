package admission

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// lateAfter is how long after a patient left a discharge may come before it is called late.
const lateAfter = 24 * time.Hour

// quality adds up how feeds do until it is written down with their pulse: no row and no statement for a
// message.
type quality struct {
	mu sync.Mutex
	by map[store.Slot]*store.Quality
}

func (q *quality) of(feed *adt.Feed, at time.Time) *store.Quality {
	key := store.Slot{Feed: feed.ID, Org: feed.Org, At: at.UTC().Truncate(store.SlotLength)}
	if q.by == nil {
		q.by = map[store.Slot]*store.Quality{}
	}
	one := q.by[key]
	if one == nil {
		one = &store.Quality{}
		q.by[key] = one
	}
	return one
}

// answered counts a reply, and how long its sender waited.
func (q *quality) answered(in *adt.Inbound, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.of(in.Feed, in.Received)
	one.Acks[store.AckBucket(took)]++
	if in.Reason == adt.UnknownFacility {
		one.Unknown++
	}
}

// handled counts what a batch of messages lacked.
func (q *quality) handled(items []*item, mine map[events.ID]bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range items {
		if !mine[it.in.ID] {
			continue
		}
		one := q.of(it.in.Feed, it.in.Received)
		one.Handled++
		if it.verdict.State == adt.Quarantined {
			one.Quarantined++
		}
		if it.verdict.State != "" || it.cmd.Kind != encounter.Discharge {
			continue
		}
		f := &it.cmd.Fact
		one.Discharges++
		if f.Values.Disposition == "" || f.Values.Disposition == encounter.Unmapped {
			one.NoDisposition++
		}
		if it.in.Received.Sub(f.Occurred) > lateAfter {
			one.Late++
		}
		if m := it.in.Message; m != nil && m.Segment("PD1").Value(4) == "" {
			one.NoPCP++
		}
	}
}

func (q *quality) take() map[store.Slot]*store.Quality {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.by
	q.by = nil
	return out
}

// figuresView is how a feed did over a time.
type figuresView struct {
	Answered      int64   `json:"answered"`
	AckP50        float64 `json:"ack_p50_s" doc:"half of the replies within; 0: none"`
	AckP99        float64 `json:"ack_p99_s"`
	Handled       int64   `json:"handled"`
	Quarantined   int64   `json:"quarantined"`
	Unknown       int64   `json:"unknown_facility" doc:"refused: MSH-4 is none of the feed's"`
	Discharges    int64   `json:"discharges"`
	NoDisposition int64   `json:"no_disposition" doc:"of the discharges: it is not said where to, or by a code that no map knows"`
	Late          int64   `json:"late" doc:"of the discharges: told more than 24 h after"`
	NoPCP         int64   `json:"no_pcp" doc:"of the discharges: no primary care clinician (PD1-4)"`
}

// hourView is an hour of a feed's rhythm.
type hourView struct {
	At    time.Time `json:"at"`
	N     int64     `json:"n"`
	Usual *float64  `json:"usual" doc:"what this hour of the day brought on the days before; null: not known"`
}

type qualityView struct {
	FeedID events.ID   `json:"feed_id"`
	Hour   figuresView `json:"last_hour"`
	Day    figuresView `json:"last_day"`
	Rhythm []hourView  `json:"rhythm" doc:"the last 24 hours, oldest first"`
}

// qualityOf says how a feed did: answers, what its messages lacked, its rhythm.
func (s *service) qualityOf(ctx context.Context, in *byID) (*qualityOut, error) {
	var slots []store.SlotRow
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		slots, err = s.store.Slots(ctx, tx, in.ID, time.Now().Add(-8*24*time.Hour))
		return err
	})
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	out := &qualityOut{qualityView{FeedID: in.ID, Hour: summed(slots, now.Add(-time.Hour)), Day: summed(slots, now.Add(-24*time.Hour)), Rhythm: rhythmOf(slots, now)}}
	return out, nil
}

type qualityOut struct{ Body qualityView }

// summed adds the slots up from the one that a time falls in.
func summed(slots []store.SlotRow, since time.Time) figuresView {
	var q store.Quality
	for _, s := range slots {
		if !s.At.Before(since.Truncate(store.SlotLength)) {
			q.Add(&s.Quality)
		}
	}
	return figuresView{
		Answered: q.Answered(), AckP50: q.Within(.5).Seconds(), AckP99: q.Within(.99).Seconds(), Handled: q.Handled, Quarantined: q.Quarantined,
		Unknown: q.Unknown, Discharges: q.Discharges, NoDisposition: q.NoDisposition, Late: q.Late, NoPCP: q.NoPCP,
	}
}

// rhythmOf lays messages out by hour, beside the mean of the same hour of the days before that the feed was
// known.
func rhythmOf(slots []store.SlotRow, now time.Time) []hourView {
	by := map[time.Time]int64{}
	first := now
	for _, s := range slots {
		by[s.At.UTC().Truncate(time.Hour)] += s.Answered()
		if s.At.Before(first) {
			first = s.At
		}
	}
	var out []hourView
	for at := now.Truncate(time.Hour).Add(-23 * time.Hour); !at.After(now); at = at.Add(time.Hour) {
		h := hourView{At: at, N: by[at]}
		var before []float64
		for day := at.Add(-24 * time.Hour); !day.Before(first.Truncate(time.Hour)); day = day.Add(-24 * time.Hour) {
			before = append(before, float64(by[day]))
		}
		if len(before) > 0 {
			sum := 0.0
			for v := range slices.Values(before) {
				sum += v
			}
			sum /= float64(len(before))
			h.Usual = &sum
		}
		out = append(out, h)
	}
	return out
}
