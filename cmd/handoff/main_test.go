package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
	"github.com/handoff-care/handoff/pkg/web"
)

// handoff runs a command line as main does.
func handoff(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = execute(t.Context(), args, terminal{strings.NewReader(""), &o, &e})
	return status, o.String(), e.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	const flag, env, inFile, byDefault = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:8080"
	yaml := file(t, "config.yaml", "http: "+inFile+"\ndemo_rate: 3\nwebhook-allow: [10.0.0.0/8, 172.16.0.0/12]\nlate-arrival-after: 36h\n")
	json := file(t, "config.json", `{"http": "`+inFile+`"}`)
	for name, c := range map[string]struct {
		env  string
		args []string
		want string
	}{
		"default":                 {"", nil, byDefault},
		"YAML file":               {"", []string{"--config", yaml}, inFile},
		"JSON file":               {"", []string{"--config", json}, inFile},
		"environment":             {env, nil, env},
		"environment and file":    {env, []string{"--config", yaml}, env},
		"flag, environment, file": {env, []string{"--config", yaml, "--http", flag}, flag},
		"flag and file":           {"", []string{"--config", yaml, "--http", flag}, flag},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("HANDOFF_HTTP", c.env)
			}
			p := parse(t, append([]string{"run"}, c.args...)...)
			if p.Run.HTTP != c.want {
				t.Fatalf("%s, want %s", p.Run.HTTP, c.want)
			}
		})
	}
	p := parse(t, "run", "--config", yaml)
	if p.Run.DemoRate != 3 || len(p.Run.WebhookAllow) != 2 || p.Run.LateAfter != 36*time.Hour {
		t.Fatalf("rate %g, allow %v, late %s: the file's other settings are lost", p.Run.DemoRate, p.Run.WebhookAllow, p.Run.LateAfter)
	}
	t.Setenv("HANDOFF_CONFIG", yaml)
	if p := parse(t, "run"); p.Run.HTTP != inFile {
		t.Fatalf("%s: HANDOFF_CONFIG does not name the file", p.Run.HTTP)
	}
}

func parse(t *testing.T, args ...string) program {
	t.Helper()
	var p program
	parser, err := newParser(&p, terminal{nil, io.Discard, io.Discard}, func(int) { t.Fatal("exit") })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAMisspeltSettingIsRefused(t *testing.T) {
	status, _, errs := handoff(t, "version", "--config", file(t, "c.yaml", "htpt: 127.0.0.1:1\n"))
	if status == 0 || !strings.Contains(errs, `"htpt"`) {
		t.Fatalf("status %d, %q; want a refusal that names the setting", status, errs)
	}
}

func TestAStrayDatabaseURLIsIgnored(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://elsewhere/")
	if p := parse(t, "run"); p.Run.DatabaseURL != "" {
		t.Fatalf("DATABASE_URL was taken: %s", p.Run.DatabaseURL)
	}
}

func TestHelpIsComplete(t *testing.T) {
	var p program
	parser, err := newParser(&p, terminal{nil, io.Discard, io.Discard}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(parser.Model, func(v kong.Visitable, next kong.Next) error {
		switch v := v.(type) {
		case *kong.Flag:
			if v.Help == "" {
				t.Errorf("flag --%s has no help", v.Name)
			}
		case *kong.Node:
			if v.Help == "" && v.Type == kong.CommandNode {
				t.Errorf("command %s has no help", v.Path())
			}
			if v.Type == kong.CommandNode && v.Leaf() && !v.Hidden {
				var args []string
				for word := range strings.FieldsSeq(v.Path()) {
					if word[0] != '(' { // an alias
						args = append(args, word)
					}
				}
				args = append(args, "--help")
				if status, out, errs := handoff(t, args...); status != 0 || !strings.Contains(out, "Usage:") || errs != "" {
					t.Errorf("%v: status %d, %q", args, status, errs)
				}
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ := handoff(t, "run", "--help")
	for _, want := range []string{"127.0.0.1:8080", "127.0.0.1:2575", "./.handoff", "$HANDOFF_DATABASE_URL"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("run --help does not say %s", want)
		}
	}
}

// answering is an MLLP receiver that answers AA, or AR to what comes from "WRONG".
func answering(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	return l.Addr().String()
}

func answer(c net.Conn) {
	defer c.Close()
	frames := mllp.NewReader(c, mllp.Options{})
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			return
		}
		h, _ := hl7.PeekHeader(frame)
		code := hl7.AA
		if string(h.SendingFacility) == "WRONG" {
			code = hl7.AR
		}
		if mllp.WriteFrame(c, hl7.Ack(h, hl7.Reply{Code: code, ID: "1", Time: time.Now()})) != nil {
			return
		}
	}
}

func TestSendSucceedsOnlyIfAllWasAccepted(t *testing.T) {
	to := answering(t)
	message := func(facility, id string) string {
		return "MSH|^~\\&|A|" + facility + "|||20261120||ADT^A01|" + id + "|P|2.5.1\rPID|1\r"
	}
	good, bad := file(t, "good.hl7", message("RIGHT", "1")+message("RIGHT", "2")), file(t, "bad.hl7", message("WRONG", "3"))
	for name, c := range map[string]struct {
		args []string
		ok   bool
		says string
	}{
		"all accepted": {[]string{good}, true, "2 sent, 2 accepted"},
		"one refused":  {[]string{good, bad}, false, "3 sent, 2 accepted, 1 AR"},
		"no such file": {[]string{good, "none.hl7"}, false, "2 sent, 2 accepted"},
		"not HL7":      {[]string{file(t, "x.txt", "hello")}, false, "nothing was sent"},
		"nobody there": {[]string{"--to", "127.0.0.1:1", good}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, _ := handoff(t, append([]string{"send", "--to", to}, c.args...)...)
			if (status == 0) != c.ok || !strings.Contains(out, c.says) {
				t.Fatalf("status %d, output %q; want ok %v, %q", status, out, c.ok, c.says)
			}
		})
	}
}

func TestTheTokenIsTheLastLine(t *testing.T) {
	data := t.TempDir()
	if status, _, errs := handoff(t, "token", "--role", "liaison", "--data", data); status == 0 || !strings.Contains(errs, "--dev") {
		t.Fatalf("status %d, %q; want a refusal: nothing was started with --dev here", status, errs)
	}
	key, err := devkey.Create(data)
	if err != nil {
		t.Fatal(err)
	}
	status, out, errs := handoff(t, "token", "--role", "auditor", "--data", data)
	if status != 0 {
		t.Fatal(errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	who, err := web.NewDevAuthority(key.Public()).Who(context.Background(), lines[len(lines)-1])
	if err != nil || !who.Is(web.Auditor) {
		t.Fatalf("%+v, %v", who, err)
	}
	claim, err := instance.Take(data)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if err := claim.Publish(instance.Info{PID: 1, Dev: false}); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := handoff(t, "token", "--role", "auditor", "--data", data); status == 0 {
		t.Fatal("an instance that is not for development got a development token")
	}
}

func TestASecondStartSaysWhoRuns(t *testing.T) {
	data := t.TempDir()
	claim, err := instance.Take(data)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if err := claim.Publish(instance.Info{PID: 4711, HTTP: "http://127.0.0.1:8080"}); err != nil {
		t.Fatal(err)
	}
	status, _, errs := handoff(t, "run", "--dev", "--data", data)
	if status == 0 || !strings.Contains(errs, "already running") || !strings.Contains(errs, "4711") {
		t.Fatalf("status %d, %q", status, errs)
	}
}

func TestTheShippedProtocolsAreSound(t *testing.T) {
	status, out, errs := handoff(t, "protocol", "lint")
	if status != 0 || strings.Count(out, "\n") < 10 {
		t.Fatalf("status %d, %q %q", status, out, errs)
	}
	if status, _, _ := handoff(t, "protocol", "lint", t.TempDir()); status == 0 {
		t.Fatal("an empty folder passes for protocols")
	}
}

func TestTheDocumentsOfThisCode(t *testing.T) {
	dir := t.TempDir()
	if status, _, errs := handoff(t, "docs", "--out", dir); status != 0 {
		t.Fatal(errs)
	}
	for _, name := range []string{"asyncapi.yaml", "api/admission.yaml", "api/discharge.yaml", "api/referral.yaml", "api/notification.yaml", "events/care.encounter.discharged.v1.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 500 {
			t.Errorf("%s is missing or empty: %v", name, err)
		}
	}
}

// A key file is made once, rotated, and listed; nothing of a key is shown but its id.
func TestKeyFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	status, first, errs := handoff(t, "key", "new", file)
	if status != 0 || !strings.HasSuffix(first, " seals and opens\n") || !strings.Contains(errs, "copy") {
		t.Fatalf("%d %q %q", status, first, errs)
	}
	if status, _, errs := handoff(t, "key", "new", file); status == 0 || !strings.Contains(errs, "key rotate") {
		t.Errorf("a second time: %d %q", status, errs)
	}
	status, both, _ := handoff(t, "key", "rotate", file)
	if status != 0 || strings.Count(both, "\n") != 2 || !strings.HasSuffix(both, strings.TrimSuffix(first, " seals and opens\n")+" opens\n") {
		t.Errorf("%d %q after %q", status, both, first)
	}
	if status, list, _ := handoff(t, "key", "list", file); status != 0 || list != both {
		t.Errorf("%d %q", status, list)
	}
	status, line, _ := handoff(t, "key", "new")
	if text, err := os.ReadFile(file); status != 0 || len(line) != 45 || err != nil || strings.Contains(string(text), strings.TrimSpace(line)) {
		t.Errorf("%d %q (%v)", status, line, err)
	}
	if status, _, _ := handoff(t, "key", "rotate", file+".none"); status == 0 {
		t.Error("a file that is not there was rotated")
	}
}

// Nothing is destroyed unless the name was given twice: that comes before anything is connected to.
func TestShredAsksTwice(t *testing.T) {
	for again, want := range map[string]string{"": "nobody answered", "other": "another name", "mercy": "nothing runs on"} {
		args := []string{"org", "shred", "mercy", "--data", t.TempDir()}
		if again != "" {
			args = append(args, "--again", again)
		}
		if status, _, errs := handoff(t, args...); status == 0 || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %q, want %q", again, status, errs, want)
		}
	}
}
