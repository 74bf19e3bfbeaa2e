package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/session"
)

// call asks another service as the signed-in person.
func (c *Console) call(ctx context.Context, method, service, path string, in, out any, header ...string) error {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return c.Peers.Call(ctx, session.Token(ctx), method, service, path, in, out, h)
}

// Person is what admission tells of a patient to those who may know.
type Person struct {
	ID    events.ID `json:"id"`
	Name  string    `json:"name"`
	Given string    `json:"given"`
	Last  string    `json:"family"`
	Born  string    `json:"birth_date"`
	// Restricted: admission keeps the name back.
	Restricted bool `json:"restricted"`
}

// Display is the name as people say it.
func (p Person) Display() string {
	return cmp.Or(p.Name, strings.TrimSpace(p.Given+" "+p.Last))
}

// names asks admission what patients are called. Whoever may not know, gets none; where admission
// does not answer, the page shows without.
func (c *Console) names(ctx context.Context, ids []events.ID) map[events.ID]Person {
	out := map[events.ID]Person{}
	if len(ids) == 0 || !web.Allow(web.From(ctx), web.NamesRead) {
		return out
	}
	var answer web.List[Person]
	if err := c.call(ctx, http.MethodPost, "admission", "/patients/names", map[string]any{"ids": ids}, &answer); err != nil {
		c.Log.WarnContext(ctx, "names are not known now", "error", err)
		return out
	}
	for _, p := range answer.Items {
		out[p.ID] = p
	}
	return out
}

// task is a task as discharge answers.
type task struct {
	ID           events.ID       `json:"id"`
	State        string          `json:"state"`
	Reason       string          `json:"reason"`
	Version      int             `json:"version"`
	Owner        string          `json:"owner"`
	DueAt        *time.Time      `json:"due_at"`
	SnoozedTo    *time.Time      `json:"snoozed_to"`
	Attempts     int             `json:"attempts"`
	Outcome      string          `json:"outcome"`
	Trace        json.RawMessage `json:"due_trace"`
	Reasons      []string        `json:"priority_reasons"`
	Protocols    []string        `json:"protocols"`
	Instructions string          `json:"instructions"`
	Source       string          `json:"source"`
}

// onto brings what is known of a task up to date with the answer.
func (t task) onto(known *events.Task) {
	if t.State == "" || t.Version < known.Version {
		return
	}
	known.State, known.Reason, known.Version, known.Owner = t.State, t.Reason, t.Version, t.Owner
	known.DueAt, known.SnoozedTo, known.Attempts, known.Outcome = t.DueAt, t.SnoozedTo, t.Attempts, t.Outcome
}

// trace is why a task is due when it is.
type trace struct {
	Rule      string     `json:"rule"`
	Version   string     `json:"version"`
	Title     string     `json:"title"`
	Source    string     `json:"source"`
	Standing  string     `json:"standing"`
	Trigger   string     `json:"trigger"`
	TriggerAt *time.Time `json:"trigger_at"`
	Zone      string     `json:"zone"`
	Calendar  string     `json:"calendar"`
	Steps     []string   `json:"steps"`
	Due       *time.Time `json:"due_at"`
}

// change asks discharge to do something to a task. version 0 sends no If-Match (claims need none).
func (c *Console) change(ctx context.Context, id events.ID, action string, version int, in any) (task, error) {
	var header []string
	if version > 0 {
		header = []string{"If-Match", strconv.Quote(strconv.Itoa(version))}
	}
	var t task
	err := c.call(ctx, http.MethodPost, "discharge", "/tasks/"+id.String()+"/"+action, in, &t, header...)
	return t, err
}

// field is a public fact of a fault, as text.
func field(err error, key string) (string, bool) {
	var f *fault.Error
	if !errors.As(err, &f) {
		return "", false
	}
	s, ok := f.Fields[key].(string)
	return s, ok && s != ""
}
