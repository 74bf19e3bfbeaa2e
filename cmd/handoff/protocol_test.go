package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
