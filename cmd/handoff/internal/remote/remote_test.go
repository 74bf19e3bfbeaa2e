package remote

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

func TestAListIsReadToItsEnd(t *testing.T) {
	pages := map[string]string{"": "two", "two": "three", "three": ""}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := r.URL.Query().Get("cursor")
		next := any(pages[at])
		if next == "" {
			next = nil
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": []Item{{"page": at, "path": r.URL.Path}}, "next": next})
	}))
	defer s.Close()
	t.Setenv("HANDOFF_TOKEN", "t")
	c, err := Flags{URL: s.URL}.Connect(web.Admin)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.List(t.Context(), "admission", "/feeds?limit=1", 100)
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{{"page": "", "path": "/api/admission/feeds"}, {"page": "two", "path": "/api/admission/feeds"}, {"page": "three", "path": "/api/admission/feeds"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestADevelopmentInstanceGivesATokenOfTheRole(t *testing.T) {
	data := t.TempDir()
	key, err := devkey.Create(data)
	if err != nil {
		t.Fatal(err)
	}
	authority := web.NewDevAuthority(key.Public())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := authority.Who(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if err != nil {
			web.WriteProblem(w, err)
			return
		}
		_ = json.NewEncoder(w).Encode(who.Roles)
	}))
	defer s.Close()
	c, err := Flags{URL: s.URL, Data: data, Org: "demo"}.Connect(web.Interface)
	if err != nil {
		t.Fatal(err)
	}
	var roles []web.Role
	if err := c.Get(t.Context(), "admission", "/x", &roles); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]web.Role{web.Interface}, roles); d != "" {
		t.Fatal(d)
	}
}

func TestAProblemIsToldInItsWords(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		web.WriteProblem(w, fault.New(fault.Conflict, "there is a feed of that name"))
	}))
	defer s.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Flags{URL: s.URL, TokenFile: token}.Connect(web.Admin)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Send(t.Context(), "POST", "admission", "/feeds", 0, Item{}, nil)
	if fault.KindOf(err) != fault.Conflict || err.Error() != "there is a feed of that name" {
		t.Fatalf("%v %q", fault.KindOf(err), err)
	}
}

func TestNothingRunsHere(t *testing.T) {
	_, err := Flags{Data: t.TempDir()}.Connect(web.Admin)
	if err == nil || !strings.Contains(err.Error(), "handoff run") {
		t.Fatalf("error %v, want one that says how to start", err)
	}
}

func TestATable(t *testing.T) {
	var out bytes.Buffer
	items := []Item{{"name": "North", "facilities": []any{"A", "B"}, "enabled": true}, {"name": "", "facilities": []any{}, "enabled": false, "n": 2.0}}
	if err := (Output{}).Show(&out, items, "name", "facilities", "enabled", "n"); err != nil {
		t.Fatal(err)
	}
	want := "NAME   FACILITIES  ENABLED  N\nNorth  A, B        yes      -\n-      -           no       2\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Fatal(d)
	}
}
