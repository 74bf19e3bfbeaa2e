package devkey

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

func TestNoKeyNoToken(t *testing.T) {
	if _, err := Load(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Fatalf("error %v, want %v", err, ErrNone)
	}
}

func TestATokenIsAcceptedByItsInstanceAndByNoOther(t *testing.T) {
	data := t.TempDir()
	made, err := Create(data)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	org := events.Derive("organization", "demo")
	token, err := loaded.Token(Claims{Subject: "maria.santos", Name: "Maria Santos", Org: org, Roles: []web.Role{web.Liaison}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	got, err := web.NewDevAuthority(made.Public()).Who(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	want := web.Principal{Subject: "maria.santos", Name: "Maria Santos", Org: org, Roles: []web.Role{web.Liaison}, Dev: true}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	other, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.NewDevAuthority(other.Public()).Who(t.Context(), token); err == nil {
		t.Fatal("another instance accepted the token")
	}
}

func TestATokenEnds(t *testing.T) {
	k, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err := k.Token(Claims{Subject: "x", Org: events.NewID()}, time.Now().Add(-Life-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.NewDevAuthority(k.Public()).Who(t.Context(), token); err == nil {
		t.Fatal("a token older than its life was accepted")
	}
}

func TestOnlyTheOwnerReadsTheKey(t *testing.T) {
	data := t.TempDir()
	if _, err := Create(data); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(data, "dev-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, want 0600", info.Mode())
	}
}
