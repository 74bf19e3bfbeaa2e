package run

import (
	"errors"
	"testing"
	"time"
)

func TestAServiceIsReadyWhileItsStreamWasThereLately(t *testing.T) {
	now := time.Now()
	gone := errors.New("nats: no response from stream")
	for name, c := range map[string]struct {
		seen time.Time
		err  error
		want bool
	}{
		"not looked yet":           {time.Time{}, nil, true},
		"never there":              {time.Time{}, gone, true},
		"there":                    {now.Add(-time.Second), nil, false},
		"just gone":                {now.Add(-9 * time.Second), gone, false},
		"gone for a while":         {now.Add(-11 * time.Second), gone, true},
		"no answer for long, none": {now.Add(-time.Minute), nil, true},
	} {
		s := newStream(nil, "admission", 0, StreamLimits{}, nil)
		s.seen, s.err = c.seen, c.err
		err := s.missing(now)
		if (err != nil) != c.want || (c.want && c.err != nil && !errors.Is(err, c.err)) {
			t.Errorf("%s: %v, want a reason: %v", name, err, c.want)
		}
	}
}
