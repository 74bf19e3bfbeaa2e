package truth

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/course"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/picture"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/rig"
)

// shrinker cuts a differing case down to the fewest messages that still differ, by telling it anew, to
// the same organizations, under tags not used before.
type shrinker struct {
	t           *testing.T
	rig         *rig.Rig
	told, other *hearing
	seed        uint64
	base        time.Time
	run         byte
	used        int
}

// attempt is a case with some messages left out.
type attempt struct {
	number int
	keep   []int // indexes of the whole case's messages
	waves  course.Waves
}

// try tells attempts and returns the first whose pictures differ, with its case and the difference.
func (s *shrinker) try(list []attempt) (best *attempt, of *course.Case, difference string) {
	s.t.Helper()
	trials := map[*hearing][]trial{}
	var cases []*course.Case
	for _, a := range list {
		whole := course.Make(s.seed, a.number, picture.Tag(s.run, s.used), s.base)
		s.used++
		c := *whole
		c.Messages = nil
		for _, i := range a.keep {
			c.Messages = append(c.Messages, whole.Messages[i])
		}
		cases = append(cases, &c)
		trials[s.told] = append(trials[s.told], trial{&c, course.AsTold(len(c.Messages))})
		trials[s.other] = append(trials[s.other], trial{&c, a.waves})
	}
	play(s.t, s.rig, trials)
	p := pictures(s.t, s.rig, s.told, s.other)
	for i := range list {
		if tag := cases[i].Tag; !slices.Equal(p[0][tag], p[1][tag]) {
			return &list[i], cases[i], picture.Difference(p[0][tag], p[1][tag])
		}
	}
	return nil, nil, ""
}

const mostRounds = 8

func (s *shrinker) report(c *course.Case) {
	s.t.Helper()
	n := len(c.Messages)
	now := attempt{number: c.Number, keep: course.AsTold(n)[0], waves: s.other.order(c)}
	best, of, difference := s.try([]attempt{now})
	if best == nil {
		s.t.Errorf("case %d (%s) did not differ when it was told again: its order among others matters, or chance", c.Number, c.Plot)
		return
	}
	for range mostRounds {
		var smaller []attempt
		for i := range best.keep {
			smaller = append(smaller, attempt{
				number: best.number, keep: slices.Delete(slices.Clone(best.keep), i, i+1), waves: best.waves.Without(i),
			})
		}
		if len(best.keep) == 1 {
			break
		}
		next, nextOf, nextDifference := s.try(smaller)
		if next == nil {
			break
		}
		best, of, difference = next, nextOf, nextDifference
	}
	s.t.Errorf("seed %d, case %d (%s at %s), cut down from %d messages to %d.\n\n%s\nOnly as told (-), only in the other order (+):\n%s",
		s.seed, c.Number, c.Plot, c.Sender.Code, n, len(best.keep), narrate(of, best.waves), difference)
}

// narrate prints a case's messages as told, and the other order of them.
func narrate(c *course.Case, waves course.Waves) string {
	var b strings.Builder
	for i, m := range c.Messages {
		fmt.Fprintf(&b, "message %d:\n  %s\n", i+1, strings.Join(strings.FieldsFunc(string(m.Body), func(r rune) bool { return r == '\r' || r == '\n' }), "\n  "))
	}
	return b.String() + order(c, waves)
}

// order prints the order of messages, wave by wave.
func order(c *course.Case, waves course.Waves) string {
	var b strings.Builder
	b.WriteString("the order:")
	for _, w := range waves {
		b.WriteString(" [")
		for _, i := range w {
			fmt.Fprintf(&b, " %d %s", i+1, c.Messages[i].Trigger)
		}
		b.WriteString(" ]")
	}
	b.WriteString("\n")
	return b.String()
}
