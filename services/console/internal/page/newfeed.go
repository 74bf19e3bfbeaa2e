package page

import (
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
)

// Hospital is a facility as admission answers.
type Hospital struct {
	ID   events.ID `json:"id"`
	Code string    `json:"code"`
	Name string    `json:"name"`
	Zone string    `json:"zone"`
}

// called is the hospital as it is chosen from a list.
func (h Hospital) called() string {
	if h.Name == "" || h.Name == h.Code {
		return h.Code
	}
	return h.Name + " (" + h.Code + ")"
}

// Connect is the page on which a feed is tried and made.
type Connect struct {
	Feeds     []Feed
	Hospitals []Hospital
}

// Made is a feed that was made just now. Its key is known this once.
type Made struct {
	Feed
	Key          string   `json:"api_key"`
	Certificates []string `json:"certificates"`
	Base         string   `json:"-"` // how people reach this program
}

// send is how a first message is sent.
func (m Made) send() string {
	return "curl --data-binary @message.hl7 \\\n  -H \"Content-Type: application/hl7-v2\" \\\n  -H \"Authorization: Bearer " + m.Key + "\" \\\n  " + m.Base + "/api/admission/hl7v2"
}

func (m Made) byCertificate() bool { return len(m.Certificates) > 0 }

// zones are the time zones of the United States, by what people call them.
var zones = []Word{
	{"America/New_York", "Eastern"}, {"America/Chicago", "Central"}, {"America/Denver", "Mountain"}, {"America/Phoenix", "Arizona"},
	{"America/Los_Angeles", "Pacific"}, {"America/Anchorage", "Alaska"}, {"Pacific/Honolulu", "Hawaii"}, {"America/Puerto_Rico", "Puerto Rico"},
}

// Lines splits a text into its lines, without blanks and empty ones.
func Lines(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
