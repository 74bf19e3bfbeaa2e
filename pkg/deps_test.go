package pkg

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const project = "github.com/handoff-care/handoff/"

// module is one of the workspace's seven, with what its packages and their dependencies import.
type module struct {
	dir  string // below the root
	path string
}

var modules = []module{
	{"pkg", project + "pkg"},
	{"services/admission", project + "services/admission"},
	{"services/discharge", project + "services/discharge"},
	{"services/referral", project + "services/referral"},
	{"services/notification", project + "services/notification"},
	{"services/console", project + "services/console"},
	{"cmd/handoff", project + "cmd/handoff"},
}

// pack is what `go list` says of a package.
type pack struct {
	ImportPath                         string
	Standard                           bool
	Imports, TestImports, XTestImports []string
}

// list lists packages with all they depend on, as the module alone builds them: with the workspace
// a service could import another's root package unnoticed.
func list(t *testing.T, m module) map[string]pack {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("where is this file?")
	}
	cmd := exec.Command("go", "list", "-deps", "-e", "-json=ImportPath,Standard,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = filepath.Join(filepath.Dir(filepath.Dir(here)), m.dir)
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v\n%s", m.dir, err, stderr.String())
	}
	packs := map[string]pack{}
	for dec := json.NewDecoder(bufio.NewReader(bytes.NewReader(out))); ; {
		var p pack
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packs
		} else if err != nil {
			t.Fatal(err)
		}
		packs[p.ImportPath] = p
	}
}

// below reports whether a package is path or in a folder below it.
func below(pkg, path string) bool { return pkg == path || strings.HasPrefix(pkg, path+"/") }

// TestNoServiceImportsAnother: services talk through JetStream and HTTP alone. An import would tie
// their releases, their schemas and in the end their transactions together.
func TestNoServiceImportsAnother(t *testing.T) {
	for _, m := range modules {
		if !strings.HasPrefix(m.dir, "services/") {
			continue
		}
		for name, p := range list(t, m) {
			if !below(name, m.path) {
				continue
			}
			for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if below(imported, project+"services") && !below(imported, m.path) {
					t.Errorf("%s imports %s", name, imported)
				}
				if below(imported, project+"cmd") {
					t.Errorf("%s imports %s: a service knows nothing of the programs it is in", name, imported)
				}
			}
		}
	}
}

// TestPackageKnowsNoService: what several services share holds no rule of any of them.
func TestPackageKnowsNoService(t *testing.T) {
	for name, p := range list(t, modules[0]) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if below(name, project+"pkg") && (below(imported, project+"services") || below(imported, project+"cmd")) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

// TestOnlyTheOneProgramLinksTheBroker: nats-server nearly doubles a program, and a service that could
// start its own would sooner or later do so.
func TestOnlyTheOneProgramLinksTheBroker(t *testing.T) {
	const broker = "github.com/nats-io/nats-server/v2"
	linked := false
	for _, m := range modules {
		for name := range list(t, m) {
			if !below(name, broker) {
				continue
			}
			linked = true
			if m.dir != "cmd/handoff" {
				t.Errorf("%s links %s", m.dir, name)
			}
		}
	}
	if !linked {
		t.Error("cmd/handoff does not link the broker: what does this test look for?")
	}
}

// TestVocabularyAndFormatsNeedNothing: these packages are what others copy, audit and generate from;
// whatever they needed, everybody who reads an event or a message would need too.
func TestVocabularyAndFormatsNeedNothing(t *testing.T) {
	packs := list(t, modules[0])
	for _, folder := range []string{"events", "hl7", "phi", "fault", "fhir"} {
		path, found := project+"pkg/"+folder, false
		for name, p := range packs {
			if !below(name, path) {
				continue
			}
			found = true
			for _, imported := range p.Imports {
				ours := slices.ContainsFunc([]string{"events", "hl7", "phi", "fault", "fhir"}, func(f string) bool { return below(imported, project+"pkg/"+f) })
				if !packs[imported].Standard && !ours && imported != "C" && imported != "unsafe" {
					t.Errorf("%s imports %s", name, imported)
				}
			}
		}
		if !found && folder != "fhir" { // fhir comes with its door
			t.Errorf("there is no package %s", path)
		}
	}
}
