package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// directory stands for notification: it holds one roster, in New York, and what was put last.
type directory struct {
	mu  sync.Mutex
	put map[string]any
}

func (d *directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.URL.Path != "/api/notification/rosters" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPut {
		var in struct{ Rosters []map[string]any }
		_ = json.NewDecoder(r.Body).Decode(&in)
		d.put = in.Rosters[0]
	}
	_, _ = w.Write([]byte(`{"items": [{"facility": "MERCY", "unit": "4N", "members": ["role:lead"], "zone": "America/New_York",
		"shifts": [{"members": ["ann", "bob"], "days": ["sun", "mon", "tue", "wed", "sat"], "start": "19:00", "end": "07:00"}, {"members": ["eve"], "from": "2026-12-25T00:00:00Z", "until": "2026-12-25T12:00:00Z"}],
		"on_call": [{"from": "2026-11-22T15:00:00Z", "until": "2026-11-23T00:00:00Z", "members": []}, {"from": "2026-11-23T00:00:00Z", "until": "2026-11-29T15:00:00Z", "members": ["ann", "bob"]}],
		"gaps": [{"from": "2026-11-22T15:00:00Z", "until": "2026-11-23T00:00:00Z", "members": []}]}, {"facility": "MERCY", "unit": "ICU", "members": ["cy"], "zone": "America/New_York", "shifts": []}], "next": null}`))
}

func TestShiftsAreSetAndListedOnTheCommandLine(t *testing.T) {
	d := &directory{}
	s := httptest.NewServer(d)
	defer s.Close()
	at := []string{"--url", s.URL, "--token-file", file(t, "token", "t")}
	roster := func(args ...string) (int, string, string) {
		return handoff(t, append(append([]string{"roster"}, args...), at...)...)
	}
	for name, c := range map[string]struct {
		args string
		want map[string]any
	}{
		"every week, over the end of it": {"role:lead|--shift=fri-mon,wed 19:00-07:00 ann,bob", map[string]any{"members": []any{"role:lead"}, "shifts": []any{
			map[string]any{"members": []any{"ann", "bob"}, "days": []any{"fri", "sat", "sun", "mon", "wed"}, "start": "19:00", "end": "07:00"},
		}}},
		"once, in the zone that its rosters have": {"--shift=2026-12-24T19:00/2026-12-25T07:00 role:lead|--shift=daily 07:00-19:00 ann", map[string]any{"members": []any{}, "shifts": []any{
			map[string]any{"members": []any{"role:lead"}, "from": "2026-12-24T19:00:00-05:00", "until": "2026-12-25T07:00:00-05:00"},
			map[string]any{"members": []any{"ann"}, "days": []any{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, "start": "07:00", "end": "19:00"},
		}}},
		"once, in a zone that is said": {"--zone=America/Denver|--shift=2026-07-04T19:00/2026-07-05T01:00Z ann", map[string]any{"members": []any{}, "zone": "America/Denver", "shifts": []any{
			map[string]any{"members": []any{"ann"}, "from": "2026-07-04T19:00:00-06:00", "until": "2026-07-05T01:00:00Z"},
		}}},
		"none any more":   {"ann|--no-shifts", map[string]any{"members": []any{"ann"}, "shifts": []any{}}},
		"as they are":     {"ann", map[string]any{"members": []any{"ann"}}},
		"the roster gone": {"", map[string]any{"members": []any{}}},
	} {
		args := strings.FieldsFunc(c.args, func(r rune) bool { return r == '|' })
		if status, out, errs := roster(append([]string{"set", "--facility", "MERCY", "--unit", "4N"}, args...)...); status != 0 || !strings.Contains(out, "1 stored") {
			t.Errorf("%s: status %d, %q %q", name, status, out, errs)
			continue
		}
		c.want["facility"], c.want["unit"] = "MERCY", "4N"
		if diff := cmp.Diff(c.want, d.put); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for args, want := range map[string]string{
		"--shift=ann": "write it like", "--shift=mon-fry 19:00-07:00 ann": "no stretch of days", "--shift=mon 19:00 ann": "no two times of the day",
		"--shift=2026-12-24 ann": "no two instants", "--shift=2026-12-24/2026-12-25 ann": "is no time", "--facility=LAKE|--shift=2026-12-24T19:00/2026-12-25T07:00 ann": "say it with --zone",
		"--zone=Mars/Base|--shift=2026-12-24T19:00/2026-12-25T07:00 ann": "Mars/Base", "--no-shifts|--shift=daily 07:00-19:00 ann": "can't be used together",
	} {
		if status, _, errs := roster(append([]string{"set", "--facility", "MERCY"}, strings.Split(args, "|")...)...); status == 0 || !strings.Contains(errs, want) {
			t.Errorf("%s: status %d, %q does not say %q", args, status, errs, want)
		}
	}
	status, out, errs := roster("list")
	for _, want := range []string{"nobody", "Sun 2026-11-22T10:00", "mon-wed,sat,sun 19:00-07:00 ann,bob; 2026-12-24T19:00/2026-12-25T07:00 eve", "MERCY     ICU   cy         -"} {
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("status %d, %q does not say %q %s", status, out, want, errs)
		}
	}
	if _, out, _ := roster("list", "--json"); !strings.Contains(out, `"from":"2026-12-25T00:00:00Z"`) {
		t.Errorf("JSON: %s", out)
	}
}
