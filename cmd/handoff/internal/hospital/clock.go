package hospital

import "time"

// wall is the time of day at a moment of the play, as known at its first span.
func (w *World) wall(at time.Duration) time.Time { return w.wallAt(0, at) }

// wallAt is the time of day at a moment, as it was foreseen when the play's clock showed now: an
// interruption is not known before it happens.
func (w *World) wallAt(now, at time.Duration) time.Time {
	span := w.spans[0]
	for _, s := range w.spans[1:] {
		if s.From > now {
			break
		}
		span = s
	}
	return span.Wall.Add(at - span.From)
}

// occurred is when a step happened: its discharge now, what came before it as long ago as in life.
func (w *World) occurred(s *stay, st step) time.Time {
	now := w.wallAt(st.due, st.due)
	if s.after != nil && len(s.last) == 0 {
		s.catchUp(w, st, now)
	}
	if st.at >= s.ends {
		return now
	}
	return w.wallAt(st.due, s.ends).Add(-time.Duration(float64(s.ends-st.at) * s.speed))
}

// catchUp slows a stay down so that it begins after the person's stay before it.
func (s *stay) catchUp(w *World, st step, now time.Time) {
	earliest := s.after.discharged.Add(20 * time.Minute)
	if earliest.After(now) || s.after.discharged.IsZero() {
		earliest = now
	}
	left := s.ends - st.at
	if left <= 0 {
		return
	}
	s.speed = min(s.speed, float64(w.wallAt(st.due, s.ends).Sub(earliest))/float64(left))
}
