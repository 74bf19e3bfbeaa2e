package page

import (
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Operations is how the system is doing.
type Operations struct {
	Tiles    []Tile
	Services []Figures
	Span     string                // which time the charts show: hour or day
	Tables   map[string]ChartTable // the charts to be read
}

// ChartTable is a chart as a table.
type ChartTable struct {
	Names []string
	Lines []ChartLine
}

// ChartLine is a stretch of time of a chart.
type ChartLine struct {
	At     time.Time
	Values []string
}

// Tile is one figure that matters.
type Tile struct {
	Name, Note  text.Message
	Value, Tone string
}

// Figures are one service's own.
type Figures struct {
	Name                    string
	Missing                 string // why there are none
	Laws                    []web.Law
	Parked                  []Parked
	Handled, Lag, OutboxAge string
	All                     map[string]float64 // by name{labels}
}

// Parked is a key that is set aside.
type Parked struct {
	Stream string    `json:"stream"`
	Key    events.ID `json:"key"`
	Error  string    `json:"reason"`
	Events int       `json:"events"`
	Since  time.Time `json:"parked_at"`
}

func (o Operations) parkedCount() (n int) {
	for _, s := range o.Services {
		n += len(s.Parked)
	}
	return n
}

// Sum adds a metric over its labels.
func (f Figures) Sum(name string) (total float64) {
	for key, v := range f.All {
		if key == name || strings.HasPrefix(key, name+"{") {
			total += v
		}
	}
	return total
}

// Number writes a count with its thousands apart.
func Number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func parkedPath(service string, k Parked) string {
	return "/operations/parked/" + service + "/" + k.Stream + "/" + k.Key.String()
}

func replayPath(service string, k Parked) string { return parkedPath(service, k) + "/replay" }

// Mail is a message in development's sink.
type Mail struct {
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Body    string    `json:"body"`
	At      time.Time `json:"at"`
}
