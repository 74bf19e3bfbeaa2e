package page

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// read is what a component says, without its markup.
func read(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(tags.ReplaceAllString(b.String(), " ")), " ")
}

// What is to come and what has been are never said with the same words.
func TestAnAlertSaysWhetherItGoesOnOrWent(t *testing.T) {
	zone := board.Zone("America/New_York")
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, zone)
	soon, tomorrow, late := now.Add(70*time.Minute), now.Add(17*time.Hour), now.Add(-time.Second)
	for name, c := range map[string]struct {
		a             Alert
		want, without string
	}{
		"to come":            {Alert{State: "raised", EscalatesAt: &soon, EscalatesTo: "role:lead"}, "Goes to every liaison lead today at 3:10 PM if nobody takes it on.", "Passed on"},
		"to come tomorrow":   {Alert{State: "raised", EscalatesAt: &tomorrow, EscalatesTo: "ann"}, "Goes to Ann Lee tomorrow at 7:00 AM if nobody takes it on.", "Passed on"},
		"nobody knows whom":  {Alert{State: "raised", EscalatesAt: &soon}, "Goes to more people today at 3:10 PM if nobody takes it on.", "Passed on"},
		"to whoever is on":   {Alert{State: "raised", EscalatesAt: &soon, EscalatesTo: "unit"}, "Goes to the roster of the unit today at 3:10 PM if nobody takes it on.", "Passed on"},
		"due, not gone yet":  {Alert{State: "raised", EscalatesAt: &late, EscalatesTo: "role:lead"}, "Goes to every liaison lead any moment: nobody took it on.", "if nobody"},
		"gone":               {Alert{State: "raised", Escalations: 1}, "Passed on 1 time: nobody had taken it on.", "Goes to"},
		"gone, and goes on":  {Alert{State: "raised", Escalations: 2, EscalatesAt: &soon, EscalatesTo: "role:operations"}, "Passed on 2 times: nobody had taken it on. Goes to everybody in operations today at 3:10 PM", "any moment"},
		"taken on meanwhile": {Alert{State: "acknowledged", Escalations: 1, AcknowledgedBy: "ann", EscalatesAt: &soon}, "Passed on 1 time: nobody had taken it on. With Ann Lee", "Goes to"},
	} {
		a := AlertRow{Alert: c.a, Of: board.Row{Zone: zone}, Staff: map[string]string{"ann": "Ann Lee"}}
		a.RaisedAt = now.Add(-time.Hour)
		got := read(t, alertRow(Page{Now: now, Viewer: web.Principal{}}, a))
		if !strings.Contains(got, c.want) || strings.Contains(got, c.without) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
