package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// medicare makes a stay one of a Medicare patient of 81 years.
func medicare(s *events.Encounter) {
	age := 81
	s.Payer, s.Age = "medicare", &age
}

// clocks are the clocks of an encounter by rule; each one's trace and verdict checks.
func (h *hospital) clocks(number int, query string) map[string]map[string]any {
	h.t.Helper()
	out := map[string]map[string]any{}
	for _, c := range h.must("nora:liaison", "GET", "/clocks?limit=500&encounter="+stay(number, "", "").ID.String()+query, nil).items() {
		h.check(c)
		out[c["rule"].(string)] = c
	}
	return out
}

// check follows a clock's trace as whoever reads the API could.
func (h *hospital) check(c map[string]any) {
	h.t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		h.t.Fatal(err)
	}
	var back clock.Clock
	if err := json.Unmarshal(text, &back); err != nil {
		h.t.Fatal(err)
	}
	cal := calendar.USFederal()
	if back.Trace != nil && back.Trace.Calendar != "" {
		if cal, err = calendar.Named(back.Trace.Calendar); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := back.Check(cal); err != nil {
		h.t.Error(err)
	}
}

func statesOf(clocks map[string]map[string]any) map[string]string {
	out := map[string]string{}
	for rule, c := range clocks {
		if c["state"] != "not-applicable" {
			out[rule] = c["state"].(string)
		}
	}
	return out
}

// at lets the present be an instant in New York.
func (h *hospital) at(text string) time.Time {
	h.t.Helper()
	zone, err := calendar.Zone("America/New_York")
	if err != nil {
		h.t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		h.t.Fatal(err)
	}
	h.s.clock = func() time.Time { return at }
	return at
}

// task is the task of a code of an encounter.
func (h *hospital) task(number int, code string) map[string]any {
	h.t.Helper()
	for _, t := range h.tasks(number, "") {
		if t["code"] == code {
			return t
		}
	}
	h.t.Fatalf("encounter %d has no task %s", number, code)
	return nil
}

// do acts on a task as Nora at its present version.
func (h *hospital) do(number int, code, action string, body map[string]any) {
	h.t.Helper()
	t := h.task(number, code)
	h.must("nora:liaison", "POST", fmt.Sprintf("/tasks/%s/%s", t["id"], action), body, "If-Match", fmt.Sprintf(`"%v"`, t["version"]))
}

// handle handles one event.
func (h *hospital) handle(e events.Event) {
	h.t.Helper()
	ctx := context.Background()
	err := h.out.SystemTx(ctx, func(tx pgx.Tx) error { return h.s.hear(ctx, tx, []events.Event{e}) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// toldOfClocks are the facts of clocks announced so far, in order.
func (h *hospital) toldOfClocks() []string {
	h.t.Helper()
	var out []string
	for _, typ := range h.told() {
		if strings.HasPrefix(typ, "clock.") {
			out = append(out, strings.TrimPrefix(typ, "clock."))
		}
	}
	return out
}

// kept are the clocks of an encounter as they are stored.
func (h *hospital) kept(number int) (text string) {
	h.t.Helper()
	err := h.db.System.QueryRow(context.Background(), `SELECT clocks::text FROM transition WHERE encounter_id = $1`, stay(number, "", "").ID).Scan(&text)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}
