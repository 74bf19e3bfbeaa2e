package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// composed is docker-compose.yml as an engine would see it, with the secrets of a fresh run of deploy/secrets.sh.
func composed(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(tree(t), "docker-compose.yml")},
		cli.WithEnv([]string{"HANDOFF_OIDC_ISSUER=https://login.example.org"}), cli.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tree is a copy of what docker-compose.yml refers to, with secrets in it: a checkout has none.
func tree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"docker-compose.yml", "deploy"} {
		from := filepath.Join(root, name)
		if info, err := os.Stat(from); err != nil {
			t.Fatal(err)
		} else if !info.IsDir() {
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Join(to, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	copySecrets(t, filepath.Join(to, "deploy", "secrets"))
	return to
}

// ours are the services of the system: the folders of services/.
func ours(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "services"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestComposeRunsEveryServiceApart(t *testing.T) {
	t.Parallel()
	p := composed(t)
	for _, name := range ours(t) {
		s, ok := p.Services[name]
		if !ok {
			t.Errorf("there is no service %s", name)
			continue
		}
		if s.Build == nil || s.Build.Dockerfile != "deploy/Dockerfile" || s.Build.Args["SERVICE"] == nil || *s.Build.Args["SERVICE"] != name {
			t.Errorf("%s is not built from deploy/Dockerfile with SERVICE=%s", name, name)
		}
		if _, err := os.Stat(filepath.Join(root, "services", name, "cmd", name, "main.go")); err != nil {
			t.Errorf("the image of %s has no program: %v", name, err)
		}
		checkIdentity(t, name, s)
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.Privileged || s.User == "root" {
			t.Errorf("%s may do more than it needs", name)
		}
		for _, on := range []string{"postgres", "roles", "nats"} {
			if _, waits := s.DependsOn[on]; !waits {
				t.Errorf("%s does not wait for %s", name, on)
			}
		}
	}
	for name, want := range map[string]string{"handoff": "handoff"} {
		if got := p.Services[name].Build.Args["SERVICE"]; got == nil || *got != want {
			t.Errorf("%s is not built with SERVICE=%s", name, want)
		}
	}
}

// checkIdentity wants that a service logs in as itself, with its own secrets and no other's.
func checkIdentity(t *testing.T, name string, s types.ServiceConfig) {
	t.Helper()
	value := func(key string) string {
		if v := s.Environment[key]; v != nil {
			return *v
		}
		return ""
	}
	if url := value("HANDOFF_DATABASE_URL"); !strings.HasPrefix(url, "postgres://handoff_"+name+"_login@") || !strings.Contains(url, "passfile=/run/secrets/pgpass") {
		t.Errorf("%s connects to %s, want its own login and its password from a file", name, url)
	}
	if value("HANDOFF_PUBLIC_URL") == "" {
		t.Errorf("%s does not know how people reach the console: its links would lead to itself", name)
	}
	if value("HANDOFF_NATS_PASSWORD_FILE") != "/run/secrets/nats" || value("HANDOFF_NATS_PASSWORD") != "" || len(s.EnvFiles) > 0 {
		t.Errorf("%s does not have its NATS password from a file", name)
	}
	own := func(secret types.ServiceSecretConfig) bool {
		return secret.Source == name+"-nats" && secret.Target == "nats"
	}
	if !slices.ContainsFunc(s.Secrets, own) {
		t.Errorf("%s is not given its NATS password", name)
	}
	for _, secret := range s.Secrets {
		if strings.HasSuffix(secret.Source, "-nats") && secret.Source != name+"-nats" {
			t.Errorf("%s is given %s", name, secret.Source)
		}
		if strings.HasSuffix(secret.Source, "-pgpass") && secret.Source != name+"-pgpass" {
			t.Errorf("%s is given %s", name, secret.Source)
		}
	}
	sealed := slices.ContainsFunc(s.Secrets, func(secret types.ServiceSecretConfig) bool { return secret.Source == "message-keys" })
	if sealed != (name == "admission") || sealed != (value("HANDOFF_KEY_FILE") == "/run/secrets/message-keys") {
		t.Errorf("%s: is given the keys of messages: %v, want that admission is, and nobody else", name, sealed)
	}
	for key, v := range s.Environment {
		if v != nil && strings.HasPrefix(key, "HANDOFF_") && !strings.HasPrefix(key, "HANDOFF_NATS_PASSWORD") && !settings(t)[key] {
			t.Errorf("%s: no program reads %s", name, key)
		}
	}
}

// settings are the variables that a service's program reads: one for each flag of run.Config.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "pkg/run/config.go"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\t([A-Za-z]+) +[^`]+`(.*)`$").FindAllStringSubmatch(string(text), -1) {
		name := regexp.MustCompile(`\bname:"([^"]+)"`).FindStringSubmatch(m[2])
		flag := strings.ToLower(m[1])
		if name != nil {
			flag = name[1]
		}
		known["HANDOFF_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))] = true
	}
	if len(known) < 10 {
		t.Fatalf("found only %d settings in pkg/run/config.go", len(known))
	}
	return known
}

// Whatever the engine would pull is named by version: what ran yesterday runs tomorrow.
func TestImagesHaveVersions(t *testing.T) {
	version := regexp.MustCompile(`:v?\d+(\.\d+)*(-\w+)?$`)
	for name, s := range composed(t).Services {
		if s.Build == nil && !version.MatchString(s.Image) {
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
	}
}

func TestNothingPrivateIsPublished(t *testing.T) {
	p := composed(t)
	if !p.Networks["inside"].Internal {
		t.Error("the network inside has a way out")
	}
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q, want 127.0.0.1", name, port.Published, port.HostIP)
			}
		}
	}
	for _, name := range []string{"nats", "postgres", "nats-exporter", "postgres-exporter", "otel-collector", "tempo", "blackbox"} {
		s := p.Services[name]
		if _, out := s.Networks["outside"]; out || len(s.Networks) != 1 || len(s.Ports) > 0 {
			t.Errorf("%s can be reached from outside", name)
		}
	}
}

// Every API is at the front door, and what is for machines inside is not.
func TestTheFrontDoorLeadsToEveryService(t *testing.T) {
	file := read(t, "deploy/caddy/Caddyfile")
	for _, name := range ours(t) {
		path := "handle /api/" + name + "/* {"
		if name == "console" {
			path = "handle {"
		}
		if !regexp.MustCompile(regexp.QuoteMeta(path) + `\s+reverse_proxy ` + name + `:8080\b`).MatchString(file) {
			t.Errorf("%q does not lead to %s", path, name)
		}
	}
	if !strings.Contains(file, "@inside path /metrics /healthz /readyz") || !strings.Contains(file, "respond @inside 404") {
		t.Error("figures and health are open to anybody")
	}
	if strings.Count(file, "{") != strings.Count(file, "}") {
		t.Error("a block is not closed")
	}
}

// A mount of a file that is not there makes the engine create a folder of that name.
func TestWhatIsMountedExists(t *testing.T) {
	p := composed(t)
	check := func(name, path string) {
		rel, err := filepath.Rel(p.WorkingDir, path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			return // a secret
		}
		if _, err := os.Stat(filepath.Join(root, rel)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				check(name, v.Source)
			}
		}
	}
	for name, s := range p.Secrets {
		check(name, s.File)
	}
}

func TestWithoutAnIssuerComposeSaysSo(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(tree(t), "docker-compose.yml")}, cli.WithEnv(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = options.LoadProject(t.Context()); err == nil || !strings.Contains(err.Error(), "OpenID Connect issuer") {
		t.Errorf("error %v, want that it asks for the issuer", err)
	}
}

// The image of any service is built from the file's one argument, as nobody in particular, from nothing.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range strings.Split(string(text), "\n") {
		if regexp.MustCompile(`^(FROM|ARG|USER|ENTRYPOINT|COPY) `).MatchString(line) {
			got = append(got, line)
		}
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.work"))[1]
	want := []string{
		"FROM golang:" + goVersion + "-bookworm AS build", "ARG SERVICE", "COPY . .",
		"FROM scratch", "ARG SERVICE", "ARG VERSION=local",
		"COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/", "COPY --from=build /out/ /",
		"USER 65532:65532", `ENTRYPOINT ["/handoff"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deploy/Dockerfile (-want +got):\n%s", diff)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
