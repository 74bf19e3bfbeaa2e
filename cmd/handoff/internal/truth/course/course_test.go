package course

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

var base = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// Every event that a feed can tell of is told, by every sender that may, in the first thousand cases.
func TestEveryTriggerIsTold(t *testing.T) {
	told := map[string]map[string]bool{}
	for n := range 1000 {
		c := Make(1, n, fmt.Sprintf("K0%05d", n), base)
		for _, m := range c.Messages {
			if told[m.Trigger] == nil {
				told[m.Trigger] = map[string]bool{}
			}
			told[m.Trigger][c.Sender.Code] = true
		}
	}
	var want []string
	for n := 1; n <= 62; n++ {
		want = append(want, fmt.Sprintf("A%02d", n))
	}
	for _, trigger := range want {
		if len(told[trigger]) == 0 {
			t.Errorf("%s is never told", trigger)
		}
	}
	if got := slices.Sorted(maps.Keys(told)); !slices.Equal(got, want) {
		t.Errorf("told: %v\nwant: %v", got, want)
	}
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	controls := map[string]bool{}
	for n := range 300 {
		tag := fmt.Sprintf("K0%05d", n)
		a, b := Make(7, n, tag, base), Make(7, n, tag, base)
		if len(a.Messages) == 0 || len(a.Messages) != len(b.Messages) {
			t.Fatalf("case %d: %d messages, then %d", n, len(a.Messages), len(b.Messages))
		}
		for i, m := range a.Messages {
			if !bytes.Equal(m.Body, b.Messages[i].Body) {
				t.Fatalf("case %d, message %d: other bytes the second time", n, i)
			}
			if m.Sent.After(base) {
				t.Errorf("case %d, message %d is sent after the present", n, i)
			}
			if controls[m.Control] && a.Plot != "control id used twice" {
				t.Errorf("control id %s twice", m.Control)
			}
			controls[m.Control] = true
		}
	}
}

// What the senders write is HL7 that says what was meant, whatever it looks like.
func TestMessagesCanBeRead(t *testing.T) {
	for n := range 400 {
		c := Make(3, n, fmt.Sprintf("K0%05d", n), base)
		for _, m := range c.Messages {
			parsed, err := hl7.Parse(m.Body)
			if err != nil {
				t.Fatalf("%s: %v\n%q", c.Plot, err, m.Body)
			}
			if parsed.Trigger() != m.Trigger || parsed.ControlID() != m.Control || parsed.Get("MSH-4").String() != c.Sender.Code {
				t.Errorf("%s: %s %s of %s is read as %s %s of %s", c.Plot, m.Trigger, m.Control, c.Sender.Code, parsed.Trigger(), parsed.ControlID(), parsed.Get("MSH-4").String())
			}
		}
	}
}

func TestADisorderHasEveryMessage(t *testing.T) {
	for n := range 500 {
		w := Disorder(5, n, 9)
		seen := map[int]bool{}
		for _, wave := range w {
			for _, i := range wave {
				seen[i] = true
			}
		}
		if len(seen) != 9 {
			t.Fatalf("case %d: %v", n, w)
		}
		for _, wave := range w.Without(4) {
			for _, i := range wave {
				if i > 7 {
					t.Fatalf("case %d without one: %v", n, w.Without(4))
				}
			}
		}
	}
}
