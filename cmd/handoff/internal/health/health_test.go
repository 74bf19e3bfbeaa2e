package health

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
	"github.com/handoff-care/handoff/pkg/seal"
)

func find(t *testing.T, list []Finding, what string) Finding {
	t.Helper()
	for _, f := range list {
		if f.What == what {
			return f
		}
	}
	t.Fatalf("nothing was found about %q: %v", what, list)
	return Finding{}
}

func TestBeforeTheFirstStart(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	list := Look(t.Context(), Options{Data: filepath.Join(t.TempDir(), "none"), HTTP: "127.0.0.1:0", MLLP: busy.Addr().String()})
	if f := find(t, list, "data directory"); f.Grade != Fine {
		t.Errorf("%+v", f)
	}
	if f := find(t, list, "address 127.0.0.1:0"); f.Grade != Fine {
		t.Errorf("%+v", f)
	}
	if f := find(t, list, "address "+busy.Addr().String()); f.Grade != Wrong || !strings.Contains(f.Do, "--mllp") {
		t.Errorf("%+v", f)
	}
}

func TestARunningInstance(t *testing.T) {
	code := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	defer s.Close()
	data := t.TempDir()
	claim, err := instance.Take(data)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if err := claim.Publish(instance.Info{PID: os.Getpid(), Started: time.Now(), HTTP: s.URL, MLLP: strings.TrimPrefix(s.URL, "http://")}); err != nil {
		t.Fatal(err)
	}
	o := Options{Data: data, Services: []string{"discharge"}, Get: func(_ context.Context, _, path string) ([]map[string]any, error) {
		switch {
		case strings.HasPrefix(path, "/feeds"):
			return []map[string]any{{"name": "north", "enabled": true, "last_received_at": time.Now().Add(-3 * time.Hour).Format(time.RFC3339)}}, nil
		case strings.HasPrefix(path, "/parked"):
			return []map[string]any{{"key": "k"}}, nil
		}
		return []map[string]any{{"difference": 2.0, "laws": []any{map[string]any{"law": "in = out", "left": 3.0, "right": 1.0, "difference": 2.0}}}}, nil
	}}
	got := map[string]Grade{}
	for _, f := range Look(t.Context(), o) {
		got[f.What] = f.Grade
		if f.Grade != Fine && f.Do == "" {
			t.Errorf("%s is %s, and nothing says what to do", f.What, f.Grade)
		}
	}
	for what, grade := range map[string]Grade{"instance": Fine, "readiness": Fine, "MLLP": Fine, "feed north": Watch, "parked keys": Wrong, "discharge laws": Wrong} {
		if got[what] != grade {
			t.Errorf("%s is %q, want %q", what, got[what], grade)
		}
	}
	code = http.StatusServiceUnavailable
	if f := find(t, Look(t.Context(), o), "readiness"); f.Grade != Wrong {
		t.Errorf("%+v", f)
	}
}

func TestFeeds(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		feed map[string]any
		want Grade
	}{
		"has just sent":  {map[string]any{"last_received_at": "2026-11-20T11:59:00Z"}, Fine},
		"is silent":      {map[string]any{"last_received_at": "2026-11-20T09:00:00Z"}, Watch},
		"has never sent": {map[string]any{}, Watch},
		"is off":         {map[string]any{"enabled": false}, Fine},
	} {
		if d := cmp.Diff(c.want, feed(c.feed, now).Grade); d != "" {
			t.Errorf("a feed that %s: %s", name, d)
		}
	}
}

func TestADirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := folder(file); f.Grade != Wrong || f.Do == "" {
		t.Fatalf("%+v", f)
	}
}

// The one file that no copy of the database brings back is looked at before a start needs it.
func TestMessageKeys(t *testing.T) {
	data := t.TempDir()
	named := filepath.Join(t.TempDir(), "keys")
	want := func(file string, grade Grade, words string) {
		t.Helper()
		f := find(t, Look(t.Context(), Options{Data: data, HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", KeyFile: file}), "message keys")
		if f.Grade != grade || !strings.Contains(f.State+f.Do, words) || (f.Do == "") != (grade == Fine) {
			t.Errorf("%+v, want %s and %q", f, grade, words)
		}
	}
	want("", Fine, "does not exist yet")
	want(named, Wrong, "handoff key new")
	if err := seal.Create(named); err != nil {
		t.Fatal(err)
	}
	want(named, Fine, "seals with key")
	if err := os.WriteFile(filepath.Join(data, "message-keys.used"), []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("", Wrong, "put back your copy")
	want(named, Wrong, "does not have it")
	if err := os.WriteFile(filepath.Join(data, "message-keys"), []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("", Wrong, "line 1 is no key")
}

func TestSealing(t *testing.T) {
	for clear, grade := range map[float64]Grade{0: Fine, 7: Watch} {
		f := sealing(t.Context(), Options{Get: func(context.Context, string, string) ([]map[string]any, error) {
			return []map[string]any{{"in_the_clear": clear, "keys": 3.0, "keys_destroyed": 2.0}}, nil
		}})
		if f.Grade != grade || !strings.Contains(f.State, "data keys: 3, 2 destroyed") || strings.Contains(f.State, "7 messages") != (clear > 0) {
			t.Errorf("%+v", f)
		}
	}
}
