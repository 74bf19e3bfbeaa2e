package board

import (
	"context"
	"strings"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Segment is one line of an HL7 message, in words.
type Segment struct {
	Code, Name string
	Fields     []Field
}

// Field is a field that has a value.
type Field struct{ Name, Value string }

// segmentNames say what a segment is about.
var segmentNames = map[string]text.Message{
	"MSH": "Who sent the message, and when", "EVN": "What happened, and when", "PID": "The patient", "PD1": "More about the patient", "NK1": "Next of kin",
	"PV1": "The visit", "PV2": "More about the visit", "DG1": "A diagnosis", "PR1": "A procedure", "AL1": "An allergy", "OBX": "An observation", "GT1": "Who pays",
	"IN1": "Insurance", "IN2": "More about the insurance", "MRG": "The number that was merged", "ROL": "Somebody’s role", "DRG": "The diagnosis group", "ACC": "An accident",
	"ARV": "An access restriction", "NTE": "A note",
}

// fieldNames say what the fields people ask for are called, by segment and number.
var fieldNames = map[string]map[int]text.Message{
	"MSH": {3: "Sending program", 4: "Sending facility", 5: "Receiving program", 6: "Receiving facility", 7: "Sent at", 9: "Kind of message", 10: "Control number", 11: "Production or test", 12: "Version", 18: "Characters"},
	"EVN": {1: "Event", 2: "Recorded at", 3: "Planned for", 4: "Reason", 5: "By", 6: "Happened at"},
	"PID": {3: "Numbers", 5: "Name", 7: "Born", 8: "Sex", 9: "Alias", 10: "Race", 11: "Address", 13: "Phone at home", 14: "Phone at work", 15: "Language", 16: "Marital status", 18: "Account", 19: "Social security number", 29: "Died at", 30: "Has died"},
	"PD1": {3: "Practice", 4: "Primary care", 12: "Confidential"},
	"NK1": {2: "Name", 3: "Relationship", 4: "Address", 5: "Phone", 7: "Role"},
	"PV1": {2: "Class", 3: "Where", 4: "Type of admission", 6: "Where before", 7: "Attending physician", 8: "Referring physician", 9: "Consulting physician", 10: "Service", 14: "Came from", 16: "VIP", 17: "Admitting physician", 18: "Type of patient", 19: "Visit number", 36: "Went to", 37: "Went to, in detail", 44: "Admitted at", 45: "Left at", 50: "Other visit number"},
	"PV2": {3: "Reason for the admission", 8: "Expected to come", 9: "Expected to leave", 22: "Confidential", 24: "Status"},
	"DG1": {3: "Code", 4: "Words", 5: "When", 6: "Type"},
	"PR1": {3: "Code", 4: "Words", 5: "When"},
	"AL1": {2: "Kind", 3: "Of what", 5: "Reaction"},
	"OBX": {3: "What", 5: "Value", 6: "Unit", 14: "When"},
	"IN1": {2: "Plan", 3: "Company number", 4: "Company", 15: "Type of plan", 36: "Policy"},
	"MRG": {1: "Numbers before", 3: "Account before", 5: "Visit before", 7: "Name before"},
	"GT1": {3: "Name", 5: "Address", 6: "Phone"},
}

// Segments puts a message into words, as far as its words are known: for reading, not for deciding.
func Segments(ctx context.Context, message string) []Segment {
	var out []Segment
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, "\r\n")
		if len(line) < 4 {
			continue
		}
		code, sep := line[:3], line[3:4]
		called, ok := segmentNames[code]
		if !ok {
			called = "Something else"
			if code[0] == 'Z' {
				called = "The sender’s own"
			}
		}
		s := Segment{Code: code, Name: say(ctx, called)}
		values := strings.Split(line, sep)
		first := 1
		if code == "MSH" {
			values = append([]string{code, sep}, values[1:]...) // the separator is the first field
			first = 3
		}
		for n := first; n < len(values); n++ {
			name, ok := fieldNames[code][n]
			if value := readable(values[n]); value != "" && ok {
				s.Fields = append(s.Fields, Field{say(ctx, name), value})
			}
		}
		out = append(out, s)
	}
	return out
}

// readable is a field's value with the separators of its parts as people write them.
func readable(v string) string {
	var reps []string
	for rep := range strings.SplitSeq(v, "~") {
		var parts []string
		for part := range strings.SplitSeq(rep, "^") {
			if part = strings.TrimSpace(strings.ReplaceAll(part, "&", " ")); part != "" && part != `""` {
				parts = append(parts, part)
			}
		}
		if len(parts) > 0 {
			reps = append(reps, strings.Join(parts, ", "))
		}
	}
	return strings.Join(reps, "; ")
}
