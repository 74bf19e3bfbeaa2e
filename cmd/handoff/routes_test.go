package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

var updateRoutes = flag.Bool("update-routes", false, "write testdata/routes.txt")

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// Who may call what, for every route of every service, is one table in testdata; and the routes do
// what the table says: a role that is not named is refused before anything is read.
func TestEveryRouteIsInTheTableAndRefusesEverybodyElse(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.New(t)
	var table []string
	for _, s := range services() {
		i, stop, err := describe(t.Context(), s, url)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		defer stop()
		r := web.NewRouter(s.Name, web.NewDevAuthority(key.Public()), slog.New(slog.DiscardHandler))
		if i.Routes != nil {
			i.Routes(r)
		}
		run.Describe(r)
		for _, route := range r.Routes() {
			table = append(table, row(route))
			refuses(t, r, route, key)
		}
	}
	slices.Sort(table)
	text := strings.Join(table, "\n") + "\n"
	const file = "testdata/routes.txt"
	if *updateRoutes {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("the routes differ from %s: review who may call what, then run this test with -update-routes\n%s", file, text)
	}
}

func row(route web.Route) string {
	var roles []string
	for _, role := range append(slices.Clone(web.Roles), web.Feed) {
		if web.Allow(web.Principal{Subject: "x", Org: events.Derive("org"), Roles: []web.Role{role}}, route.Permission) {
			roles = append(roles, string(role))
		}
	}
	return fmt.Sprintf("%-70s %-18s %s", route.Method+" "+route.Path, route.Permission, strings.Join(roles, " "))
}

// refuses asks as nobody, and as each role that may not. (Those that may are asked by the services' own tests.)
func refuses(t *testing.T, r *web.Router, route web.Route, key *ecdsa.PrivateKey) {
	t.Helper()
	path := parameter.ReplaceAllString(strings.TrimPrefix(route.Path, "/api/"+r.Service), events.Derive("nobody").String())
	ask := func(token string) int {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, route.Method, path, nil)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w.Code
	}
	if route.Permission == web.Anyone {
		return
	}
	if got := ask(""); got != http.StatusUnauthorized {
		t.Errorf("%s %s as nobody: %d", route.Method, route.Path, got)
	}
	for _, role := range append(slices.Clone(web.Roles), web.Feed) {
		who := web.Principal{Subject: "x", Org: events.Derive("org"), Roles: []web.Role{role}}
		if web.Allow(who, route.Permission) {
			continue
		}
		if got := ask(roleToken(t, key, role)); got != http.StatusForbidden {
			t.Errorf("%s %s as %s: %d", route.Method, route.Path, role, got)
		}
	}
}

func roleToken(t *testing.T, key *ecdsa.PrivateKey, role web.Role) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(map[string]any{"iss": web.DevIssuer, "aud": web.TokenAudience, "sub": "route-" + string(role),
		"org": events.Derive("org"), "roles": []web.Role{role}, "exp": time.Now().Add(time.Hour).Unix()}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
