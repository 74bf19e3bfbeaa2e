package private

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// installation fakes the programs of one version.
func installation(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), version, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s (Some Linux %s-1)'\n", version, version)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPick(t *testing.T) {
	v14, v15, v17 := installation(t, "14.9"), installation(t, "15.4"), installation(t, "17.10")
	tests := []struct {
		name        string
		dirs        []string
		want        int
		fits, other string
	}{
		{"takes the first where there is no data", []string{v15, v17}, 0, "15.4", ""},
		{"passes over a version too old", []string{v14, v17}, 0, "17.10", ""},
		{"takes the version that made the data", []string{v17, v15}, 15, "15.4", "17.10"},
		{"takes no other version for the data", []string{v17}, 15, "", "17.10"},
		{"passes over a folder without programs", []string{t.TempDir(), v15}, 0, "15.4", ""},
		{"finds nothing where there is nothing", []string{t.TempDir()}, 0, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fits, other := pick(t.Context(), tt.dirs, tt.want, user{})
			if fits.version != tt.fits || other.version != tt.other {
				t.Errorf("picked %q beside %q, want %q beside %q", fits.version, other.version, tt.fits, tt.other)
			}
		})
	}
}

func TestExistingDataDecidesTheVersion(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"pg15", "pg17", "pg17.lock", "pgother", "pg9.new"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := dataMajor(dir); got != 17 {
		t.Errorf("dataMajor is %d, want 17", got)
	}
	t.Setenv("PG_BIN", installation(t, "15.4"))
	_, err := findBinaries(t.Context(), dir, user{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "needs PostgreSQL 17") {
		t.Errorf("data of 17 with programs of 15: %v", err)
	}
}

func TestDecide(t *testing.T) {
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	tests := []struct {
		name                 string
		opt                  Options
		canFetch, debianRoot bool
		want                 string
	}{
		{"fetches when told", Options{Fetch: true}, true, true, "npm"},
		{"told to fetch, without npm, does nothing else", Options{Fetch: true}, false, true, ""},
		{"installs on Debian as root without a question", Options{Ask: no}, true, true, "apt"},
		{"fetches after a yes", Options{Ask: yes}, true, false, "npm"},
		{"does nothing after a no", Options{Ask: no}, true, false, ""},
		{"does not ask for what cannot be had", Options{Ask: yes}, false, false, ""},
		{"does nothing when told not to", Options{NoInstall: true, Ask: yes}, true, true, ""},
		{"does nothing when nobody can be asked", Options{}, true, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(tt.opt, tt.canFetch, tt.debianRoot); got != tt.want {
				t.Errorf("decided %q, want %q", got, tt.want)
			}
		})
	}
}

// pack makes an npm package of files.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	for name, text := range files {
		if err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	err := unpack(pack(t, map[string]string{
		"package/package.json":             "{}",
		"package/native/bin/postgres":      "program",
		"package/native/lib/libpq.so.5.17": "library",
		"package/native/pg-symlinks.json":  `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`,
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "native/bin/postgres"))
	if err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("the program cannot be run: %v, %v", info, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "native/lib/libpq.so.5")); string(text) != "library" {
		t.Errorf("the library's link leads to %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
		t.Error("more than the programs was unpacked")
	}
}

func TestUnpackStaysInside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "inside")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string]string{
		"a name that climbs": {"package/native/../../outside": "x", "package/native/pg-symlinks.json": "[]"},
		"a link that climbs": {"package/native/pg-symlinks.json": `[{"source":"native/a","target":"../outside"}]`},
	} {
		if err := unpack(pack(t, files), dir); err == nil {
			t.Errorf("%s is unpacked", name)
		}
		if _, err := os.Lstat(filepath.Join(dir, "../outside")); err == nil {
			t.Errorf("%s is written outside", name)
		}
	}
}

func TestFetchRefusesWhatWasNotReviewed(t *testing.T) {
	bin := t.TempDir()
	npm := filepath.Join(bin, "npm")
	// An npm that packs something else into the folder that it is run in.
	if err := os.WriteFile(npm, []byte("#!/bin/sh\necho other > other.tgz\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	opt := Options{Log: discard(), Out: &bytes.Buffer{}}
	err := fetch(t.Context(), npm, user{}, opt)
	if err == nil || !strings.Contains(err.Error(), "sha512") {
		t.Errorf("fetch: %v", err)
	}
	if _, err := os.Stat(downloadDir(user{})); err == nil {
		t.Error("something was left where the programs are looked for")
	}
}
