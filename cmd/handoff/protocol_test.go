package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge"
)

// write puts a file into a folder.
func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const house = `protocols:
  - {code: house-asthma, version: "1", from: 2026-01-01, kind: addon, title: Asthma, when: '"asthma" in conditions', tasks: [{task: copd-check}]}
`

func TestTheCasesBesideProtocolsAreRun(t *testing.T) {
	status, out, errs := handoff(t, "protocol", "test")
	if status != 0 || !strings.Contains(out, " 0 failed") || strings.Contains(out, "no case meets") {
		t.Fatalf("status %d, %q %q", status, out, errs)
	}
	folder := t.TempDir()
	write(t, folder, "house.yaml", house)
	if status, out, errs := handoff(t, "protocol", "lint", folder); status != 0 || !strings.Contains(out, "house-asthma@1") || !strings.Contains(out, "home@2026.1") {
		t.Fatalf("status %d, %q %q: want the house's protocol beside those that are shipped", status, out, errs)
	}
	if status, out, _ := handoff(t, "protocol", "test", folder); status != 0 || !strings.Contains(out, "no case meets house-asthma@1") {
		t.Fatalf("status %d, %q: want to be told that nothing tests the house's protocol", status, out)
	}
	write(t, folder, "house_test.yaml", `cases:
  - {name: asthma, encounter: {disposition: "01", diagnoses: [J459]}, includes: [copd-check], excludes: [tcm-contact]}
`)
	status, out, _ = handoff(t, "protocol", "test", folder)
	if status != 1 || !strings.Contains(out, "FAIL  house_test.yaml: asthma\n      tcm-contact is in the plan") || strings.Contains(out, "no case meets") {
		t.Fatalf("status %d, %q: want to be told what is wrong", status, out)
	}
	if status, _, errs := handoff(t, "protocol", "lint", "--alone", folder); status != 1 || !strings.Contains(errs, "conditions.yaml is missing") {
		t.Fatalf("status %d, %q: a folder that stands alone lacks its files", status, errs)
	}
	write(t, folder, "house.yaml", strings.Replace(house, `"asthma" in`, `"asthma" on`, 1))
	if status, _, errs := handoff(t, "protocol", "test", folder); status != 1 || !strings.Contains(errs, "house.yaml: protocol house-asthma") {
		t.Fatalf("status %d, %q: want to be told that the condition cannot be read", status, errs)
	}
}

// dischargeService serves the discharge service's API on an empty database, and gives its address;
// commands speak to it as an administrator.
func dischargeService(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	service := discharge.Service()
	i, stop, err := describe(t.Context(), service, pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r := web.NewRouter(service.Name, web.NewDevAuthority(key.Public()), slog.New(slog.DiscardHandler))
	i.Routes(r)
	s := httptest.NewServer(http.StripPrefix("/api/"+service.Name, r))
	t.Cleanup(s.Close)
	t.Setenv("HANDOFF_TOKEN", roleToken(t, key, web.Admin))
	return s.URL
}

// From a folder to being in force, and back.
func TestProtocolsAreChangedFromTheCommandLine(t *testing.T) {
	at := "--url=" + dischargeService(t)
	folder := t.TempDir()
	write(t, folder, "house.yaml", house)
	set := ""
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"list"}, 0, "home@2026.1"},
		{[]string{"list", "--sets"}, 0, "NUMBER"},
		{[]string{"activate", folder, "--reason", "asthma"}, 1, "run a preview of it first"},
		{[]string{"preview", folder}, 0, "0 stays of the last 30 days"},
		{[]string{"preview", folder, "--json", "--days", "91"}, 1, "at most 90"},
		{[]string{"preview"}, 1, "name a folder"},
		{[]string{"preview", folder, "--shipped"}, 1, "name a folder"},
		{[]string{"shadow", folder}, 0, "tried from now on"},
		{[]string{"shadow"}, 0, "0 stays, 0 of them with other tasks"},
		{[]string{"shadow", "--end"}, 0, "nothing is tried any more"},
		{[]string{"activate", folder, "--reason", "asthma", "--from", "2026-01-01T00:00:00Z"}, 1, "say replan"},
		{[]string{"activate", folder, "--reason", "asthma"}, 0, "is in force everywhere"},
		{[]string{"activate", folder, "--reason", "asthma", "--facility", "NOWHERE"}, 1, "there is no facility NOWHERE"},
		{[]string{"list", "--history"}, 0, "asthma"},
		{[]string{"rollback", "--reason", "enough"}, 0, "the shipped set is in force everywhere"},
		{[]string{"activate", "--set", "", "--reason", "x"}, 1, "name a folder"},
	} {
		status, out, errs := handoff(t, append(append([]string{"protocol"}, c.args...), at)...)
		if status != c.status || !strings.Contains(out+errs, c.want) {
			t.Errorf("protocol %s: status %d, %q %q; want %d, %q", strings.Join(c.args, " "), status, out, errs, c.status, c.want)
		}
		if _, rest, found := strings.Cut(out, "stored as set 1, "); found {
			id, _, _ := strings.Cut(rest, "\n")
			if set != "" && set != id {
				t.Errorf("the same folder is stored as %s and %s", set, id)
			}
			set = id
		}
	}
	if status, out, errs := handoff(t, "protocol", "preview", "--set", set, "--json", at); status != 0 || !strings.Contains(out, `"stays":0`) {
		t.Errorf("status %d, %q %q", status, out, errs)
	}
}
