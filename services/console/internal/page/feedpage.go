package page

import (
	"context"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Quality is how a feed did, as admission answers.
type Quality struct {
	Hour   FeedFigures `json:"last_hour"`
	Day    FeedFigures `json:"last_day"`
	Rhythm []FeedHour  `json:"rhythm"`
}

// FeedFigures are a feed's figures over some time.
type FeedFigures struct {
	Answered      int64   `json:"answered"`
	AckP50        float64 `json:"ack_p50_s"`
	AckP99        float64 `json:"ack_p99_s"`
	Handled       int64   `json:"handled"`
	Quarantined   int64   `json:"quarantined"`
	Unknown       int64   `json:"unknown_facility"`
	Discharges    int64   `json:"discharges"`
	NoDisposition int64   `json:"no_disposition"`
	Late          int64   `json:"late"`
	NoPCP         int64   `json:"no_pcp"`
}

// FeedHour is an hour of a feed's rhythm.
type FeedHour struct {
	At    time.Time `json:"at"`
	N     int64     `json:"n"`
	Usual *float64  `json:"usual"`
}

// remark is a line of the table of a feed's figures: what it is, and what helps.
type remark struct {
	What, Do  text.Message
	Hour, Day string
	Bad       bool
}

// remarks are a feed's figures in words.
func (q Quality) remarks(ctx context.Context) []remark {
	share := func(n, of int64) string {
		if of == 0 {
			return "–"
		}
		return say(ctx, "%s of %s (%.0f%%)", Number(float64(n)), Number(float64(of)), 100*float64(n)/float64(of))
	}
	within := func(s float64) string {
		if s == 0 {
			return "–"
		}
		return Took(ctx, time.Duration(s*float64(time.Second)))
	}
	h, d := q.Hour, q.Day
	return []remark{
		{"Messages answered", "", Number(float64(h.Answered)), Number(float64(d.Answered)), false},
		{"Half answered within", "", within(h.AckP50), within(d.AckP50), false},
		{"99 of 100 answered within", "Above a second, senders begin to send twice.", within(h.AckP99), within(d.AckP99), h.AckP99 > 1},
		{"Set aside", "Look at each with its reason below; when its cause is gone, apply it again.", share(h.Quarantined, h.Handled), share(d.Quarantined, d.Handled), d.Quarantined > 0},
		{"Refused: hospital (MSH-4) not one of the feed’s", "Add the hospital to the feed, or this name as an alias.", Number(float64(h.Unknown)), Number(float64(d.Unknown)), d.Unknown > 0},
		{"Discharges that do not say where to", "Ask the hospital for PV1-36, or name its codes in the feed’s settings.", share(h.NoDisposition, h.Discharges), share(d.NoDisposition, d.Discharges), d.NoDisposition > 0},
		{"Discharges told more than a day after", "Ask the hospital to send the A03 when the patient leaves.", share(h.Late, h.Discharges), share(d.Late, d.Discharges), d.Late > 0},
		{"Discharges without a primary care clinician", "Ask the hospital for PD1-4: nobody to book the visit with is known.", share(h.NoPCP, h.Discharges), share(d.NoPCP, d.Discharges), d.NoPCP > 0},
	}
}
