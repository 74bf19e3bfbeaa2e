package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const housePack = `
pack: records
version: "2026.2"
title: Patients' access to their records
about: The house answers within two weeks.
rules:
  - {id: access-30, version: "2003.1", from: 2003-04-14, until: 2026-12-31, trigger: request, calendar_days: 30, title: Access to one's own records within 30 days,
     source: "45 CFR 164.524(b)(2)", standing: common, extension_days: 30, asked: {by: records-requested, met_by: [records-provided], outlives: true}}
  - {id: access-30, version: "2027.1", from: 2027-01-01, trigger: request, calendar_days: 14, title: Access to one's own records within 14 days,
     source: House rule, standing: house, extension_days: 30, asked: {by: records-requested, met_by: [records-provided], outlives: true}}
vectors:
  - {at: 2026-10-13 14:02, due: {access-30: 2026-11-12}}
  - {at: 2027-01-04 14:02, due: {access-30: 2027-01-18}}
`

func TestRulesAreCheckedOnThisMachine(t *testing.T) {
	if status, out, errs := handoff(t, "rules", "test"); status != 0 || !strings.Contains(out, " vectors, 0 failed") || strings.Contains(out, "no vector meets") {
		t.Fatalf("status %d, %q %q", status, out, errs)
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "packs"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, folder, "packs/records.yaml", housePack)
	status, out, errs := handoff(t, "rules", "lint", folder)
	if status != 0 || !strings.Contains(out, "access-30@2027.1") || !strings.Contains(out, "tcm ") {
		t.Fatalf("status %d, %q %q: want the house's pack beside those that are shipped", status, out, errs)
	}
	write(t, folder, "packs/records.yaml", strings.Replace(housePack, "2027-01-18", "2027-01-19", 1))
	if status, _, errs := handoff(t, "rules", "test", folder); status != 1 || !strings.Contains(errs, "access-30: 2027-01-18, the pack says 2027-01-19") {
		t.Fatalf("status %d, %q: a vector is not true", status, errs)
	}
	write(t, folder, "packs/records.yaml", strings.Replace(housePack, "calendar_days: 30", "calendar_days: 29", 1))
	if status, out, errs := handoff(t, "rules", "lint", folder); status != 1 {
		t.Fatalf("status %d, %q %q: a version says something else than before", status, out, errs)
	}
}
