package board

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAMessageIsReadInWords(t *testing.T) {
	got := Segments(t.Context(), "MSH|^~\\&|ADT|MERCY|||20261121||ADT^A03|MSG00017|P|2.5.1\nPID|1||M-1^^^MERCY^MR~X-2||SANTOS^MARIA\nZBX|1|a\n\nQQ")
	want := []Segment{
		{"MSH", "Who sent the message, and when", []Field{{"Sending program", "ADT"}, {"Sending facility", "MERCY"}, {"Sent at", "20261121"}, {"Kind of message", "ADT, A03"}, {"Control number", "MSG00017"}, {"Production or test", "P"}, {"Version", "2.5.1"}}},
		{"PID", "The patient", []Field{{"Numbers", "M-1, MERCY, MR; X-2"}, {"Name", "SANTOS, MARIA"}}},
		{"ZBX", "The sender’s own", nil},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
