package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
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

// change asks discharge to do something to a task. version 0 sends no If-Match (claims need none), the zero
// key no Idempotency-Key.
func (c *Console) change(ctx context.Context, id events.ID, action string, version int, in any, key events.ID) (page.Task, error) {
	var header []string
	if version > 0 {
		header = []string{"If-Match", strconv.Quote(strconv.Itoa(version))}
	}
	var t page.Task
	err := c.call(ctx, http.MethodPost, "discharge", "/tasks/"+id.String()+"/"+action, in, &t, keyed(key, header...)...)
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
