package checks

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// made is a folder of one run of deploy/secrets.sh, for all tests that only need some.
var made = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "secrets")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("sh", "../secrets.sh", dir).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("deploy/secrets.sh: %w\n%s", err, out)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := made(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// copySecrets puts those secrets into a folder.
func copySecrets(t *testing.T, to string) {
	t.Helper()
	from, err := made()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// secrets runs deploy/secrets.sh.
func secrets(t *testing.T, dir string) {
	t.Helper()
	if out, err := exec.Command("sh", "../secrets.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("deploy/secrets.sh: %v\n%s", err, out)
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	secrets(t, dir)
	before := contents(t, dir)
	if err := os.Remove(filepath.Join(dir, "discharge.nats.password")); err != nil {
		t.Fatal(err)
	}
	secrets(t, dir)
	after := contents(t, dir)
	for name, text := range before {
		changed := name == "discharge.nats.password" || name == "nats-passwords.conf"
		if (after[name] != text) != changed {
			t.Errorf("%s changed: %v, want %v", name, after[name] != text, changed)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v %v", info, err)
	}
	if git := read(t, "deploy/.gitignore"); !strings.Contains(git, "/secrets/") {
		t.Error("git would take the secrets")
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

// The trial's hospital and listener know each other by the trial's authority, and notification knows the mail sink.
func TestTrialCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	copySecrets(t, dir)
	pool := x509.NewCertPool()
	if text, err := os.ReadFile(filepath.Join(dir, "mllp-ca.pem")); err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("mllp-ca.pem: %v", err)
	}
	pair := func(name string) []tls.Certificate {
		c, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{c}
	}
	for _, c := range []struct {
		name           string
		server, client *tls.Config
	}{
		{"MLLP", &tls.Config{Certificates: pair("mllp-server"), ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert},
			&tls.Config{Certificates: pair("hospital"), RootCAs: pool, ServerName: "localhost"}},
		{"mail", &tls.Config{Certificates: pair("mailpit")}, &tls.Config{RootCAs: pool, ServerName: "mailpit"}},
	} {
		here, there := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(here, c.server).HandshakeContext(t.Context()) }()
		if err := tls.Client(there, c.client).HandshakeContext(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := <-done; err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
	}
}
