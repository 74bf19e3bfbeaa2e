package board

import (
	"context"
	"time"
)

// MuteEnd is a time until which somebody may want to be left alone.
type MuteEnd struct {
	Code, Text string
	At         time.Time
	Long       bool // longer than a shift: for one alert, not for a kind of them
}

// shifts are the hours at which nurses change: most work twelve hours.
var shifts = []int{7, 19}

// MuteEnds are the times to choose from, in the zone of the place.
func MuteEnds(ctx context.Context, now time.Time, zone *time.Location) []MuteEnd {
	end, next := shiftEnds(now, zone)
	return []MuteEnd{
		{"hour", say(ctx, "For an hour"), now.Add(time.Hour), false},
		{"shift", say(ctx, "For this shift, until %s", When(ctx, end, now, zone)), end, false},
		{"next", say(ctx, "For the next shift too, until %s", When(ctx, next, now, zone)), next, true},
	}
}

// shiftEnds are the next two changes of shift. One that is less than half an hour away is taken for the
// past: whoever mutes then thinks of the shift that begins.
func shiftEnds(now time.Time, zone *time.Location) (end, next time.Time) {
	local := now.In(zone)
	var ends []time.Time
	for day := 0; len(ends) < 2; day++ {
		for _, hour := range shifts {
			at := time.Date(local.Year(), local.Month(), local.Day()+day, hour, 0, 0, 0, zone)
			if at.Sub(now) >= 30*time.Minute {
				ends = append(ends, at)
			}
		}
	}
	return ends[0], ends[1]
}
