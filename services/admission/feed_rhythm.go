package admission

import (
	"time"

	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// A feed's health is told against its own rhythm: a clinic that is quiet every night is well at night, a
// hospital that is quiet for five minutes at noon is not.
const (
	healthOff      = "off"      // switched off
	healthNever    = "never"    // nothing has come yet
	healthLearning = "learning" // too little has come to know its rhythm
	healthOK       = "ok"
	healthSlow     = "slow"   // quieter than it usually is at this hour
	healthSilent   = "silent" // so quiet that something is wrong
)

// learned is how many beats make a rhythm.
const learned = 20

// rhythm says how a feed does now, and the usual gap at this hour; 0 where that is not known.
func rhythm(f *store.FeedRow, now time.Time) (health string, usual time.Duration) {
	usual = usualGap(f.Gaps, now)
	switch {
	case !f.Enabled:
		return healthOff, usual
	case f.LastReceived == nil:
		return healthNever, 0
	case f.Beats < learned || usual == 0:
		return healthLearning, usual
	}
	quiet := now.Sub(*f.LastReceived)
	switch {
	case quiet > max(10*time.Minute, 12*usual):
		return healthSilent, usual
	case quiet > max(2*time.Minute, 5*usual):
		return healthSlow, usual
	}
	return healthOK, usual
}

// usualGap is that of this hour; where the feed was never heard at this hour, the longest of any.
func usualGap(gaps []*float32, now time.Time) time.Duration {
	var longest float32
	for hour, g := range gaps {
		if g == nil {
			continue
		}
		if hour == now.UTC().Hour() {
			return time.Duration(float64(*g) * float64(time.Second))
		}
		longest = max(longest, *g)
	}
	return time.Duration(float64(longest) * float64(time.Second))
}
