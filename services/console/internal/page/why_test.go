package page

import (
	"strings"
	"testing"

	"github.com/handoff-care/handoff/services/console/internal/board"
)

// A protocol is named as people call it; one whose name is not known now, by its code.
func TestWhyNamesProtocolsByTheirTitles(t *testing.T) {
	of := Task{Protocols: []string{"snf@2026.1", "high-risk@3"}}
	said := read(t, WhySheet(Trace{Rule: "handoff-report", Version: "2026.1"}, of, board.Row{Title: "Give report"}, map[string]string{"snf": "Skilled nursing facility"}))
	for _, want := range []string{"Skilled nursing facility, version 2026.1", "High risk, version 3"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
}
