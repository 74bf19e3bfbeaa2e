package ledger

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

func anyRow(t *rapid.T, seq int64) Row {
	text := rapid.StringMatching(`[a-c]{0,3}`)
	return Row{
		Seq: seq, Org: events.Derive("org"), At: time.UnixMicro(rapid.Int64Range(0, 3).Draw(t, "at")), Decision: text.Draw(t, "decision"),
		Alert: events.Derive(text.Draw(t, "alert")), Version: rapid.IntRange(0, 2).Draw(t, "version"), Recipient: text.Draw(t, "recipient"),
		Channel: text.Draw(t, "channel"), Reason: text.Draw(t, "reason"), Event: events.Derive(text.Draw(t, "event")), Actor: text.Draw(t, "actor"),
	}
}

func TestTwoDifferentRowsNeverHaveOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRow(t, 1), anyRow(t, 1)
		if (a == b) != bytes.Equal(a.canonical(nil), b.canonical(nil)) {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}

// Any cut of the rows into links verifies; any change of any row or link does not.
func TestAChainHoldsUntilSomethingIsTouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var links []Link
		var rows [][]Row
		last, seq := Link{Org: events.Derive("org")}, int64(0)
		for range rapid.IntRange(1, 4).Draw(t, "links") {
			var part []Row
			for range rapid.IntRange(1, 4).Draw(t, "rows") {
				seq += rapid.Int64Range(1, 3).Draw(t, "gap")
				part = append(part, anyRow(t, seq))
			}
			last = Extend(last, part, time.UnixMicro(seq))
			links, rows = append(links, last), append(rows, part)
		}
		if err := verify(links, rows); err != nil {
			t.Fatalf("untouched: %v", err)
		}
		i := rapid.IntRange(0, len(links)-1).Draw(t, "link")
		j := rapid.IntRange(0, len(rows[i])-1).Draw(t, "row")
		switch rapid.IntRange(0, 4).Draw(t, "damage") {
		case 0:
			rows[i][j].Reason += "x"
		case 1:
			rows[i] = append(rows[i][:j:j], rows[i][j+1:]...)
		case 2:
			links[i].Hash[j] ^= 1
		case 3:
			rows[i] = append(rows[i], rows[i][j])
		case 4:
			links[i].From--
		}
		if err := verify(links, rows); err == nil {
			t.Fatal("the damage was not seen")
		}
	})
}

func verify(links []Link, rows [][]Row) error {
	c := NewChecker(events.Derive("org"))
	for i, l := range links {
		if err := c.Check(l, rows[i]); err != nil {
			return err
		}
	}
	return nil
}
