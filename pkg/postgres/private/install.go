package private

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The download: PostgreSQL's own programs, repackaged for npm. Pinned, so that
// what was reviewed is what runs.
const fetchVersion = "17.10.0-beta.17"

var fetchSHA512 = map[string]string{ // base64, by npm's name of the platform
	"linux-x64":    "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
	"linux-arm64":  "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
	"darwin-x64":   "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
	"darwin-arm64": "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
}

func platform() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	return runtime.GOOS + "-" + arch
}

// install gets PostgreSQL where there is none: by npm if the user allows it, from
// Debian as root, else by telling the user how.
func install(ctx context.Context, who user, opt Options) error {
	npm, err := exec.LookPath("npm")
	canFetch := err == nil && fetchSHA512[platform()] != ""
	switch decide(opt, canFetch, isDebian() && os.Geteuid() == 0) {
	case "npm":
		return fetch(ctx, npm, who, opt)
	case "apt":
		return installDebian(ctx, opt)
	}
	hint := ""
	switch {
	case opt.Fetch:
		hint = " (there is no npm to fetch it with, or nothing to fetch for " + platform() + ")"
	case canFetch:
		hint = ", or start with --fetch-postgres to download it by npm"
	}
	return fmt.Errorf("private PostgreSQL: version %d or later is not installed; %s%s, or name a server with HANDOFF_DATABASE_URL",
		oldest, advice(), hint)
}

// decide is the order of the ways: what the user asked for, what needs no
// question, what the user says yes to, none.
func decide(opt Options, canFetch, debianRoot bool) string {
	switch {
	case opt.Fetch && canFetch:
		return "npm"
	case opt.Fetch || opt.NoInstall:
		return ""
	case debianRoot:
		return "apt"
	case canFetch && opt.Ask != nil &&
		opt.Ask("PostgreSQL is missing. Download it (22 MiB, "+packageName()+" by npm)?"):
		return "npm"
	}
	return ""
}

// advice is the one line that installs PostgreSQL on this system.
func advice() string {
	has := func(program string) bool { _, err := exec.LookPath(program); return err == nil }
	switch {
	case isDebian():
		return "install it: sudo apt-get install -y postgresql"
	case runtime.GOOS == "darwin":
		return "install it: brew install postgresql@17"
	case has("dnf"):
		return "install it: sudo dnf install -y postgresql-server"
	case has("apk"):
		return "install it: sudo apk add postgresql17"
	case has("pacman"):
		return "install it: sudo pacman -S postgresql"
	}
	return "install it, and put its programs in PATH or name their folder in PG_BIN"
}

func isDebian() bool {
	_, err := os.Stat("/etc/debian_version")
	return err == nil
}

// noCluster keeps Debian's package from making and starting a server on port
// 5432. The file is ours alone: the package reads the folder, and owns another.
const noCluster = "/etc/postgresql-common/createcluster.d/handoff.conf"

// installDebian installs the distribution's package, and shows what it runs.
func installDebian(ctx context.Context, opt Options) error {
	opt.Log.Info("PostgreSQL is missing: installing it", "run", "apt-get install -y postgresql",
		"first", "create_main_cluster = false in "+noCluster)
	if err := os.MkdirAll(filepath.Dir(noCluster), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(noCluster, []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return err
	}
	run := func(args ...string) error {
		fmt.Fprintln(opt.Out, "+ apt-get", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = opt.Out, opt.Out
		return cmd.Run()
	}
	if run("install", "-y", "postgresql") == nil {
		return nil
	}
	// A fresh system has no package lists yet.
	err := errors.Join(run("update"), run("install", "-y", "postgresql"))
	if err != nil {
		return fmt.Errorf("private PostgreSQL: apt-get install -y postgresql: %w", err)
	}
	return nil
}

func packageName() string { return "@embedded-postgres/" + platform() + "@" + fetchVersion }

// downloadDir is where a download stays, for every data directory of this user.
// The server's user must reach it.
func downloadDir(who user) string {
	name := "postgres-" + fetchVersion
	if cache, err := os.UserCacheDir(); err == nil && !who.other {
		return filepath.Join(cache, "handoff", name)
	}
	return filepath.Join("/var/lib/handoff", name)
}

// fetch downloads, checks and unpacks the npm package. The download directory
// appears whole or not at all.
func fetch(ctx context.Context, npm string, who user, opt Options) error {
	dir := downloadDir(who)
	opt.Log.Info("downloading PostgreSQL", "package", packageName(), "to", dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", work, packageName())
	cmd.Dir, cmd.Stderr = work, opt.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("private PostgreSQL: npm pack %s: %w", packageName(), err)
	}
	packed, _ := filepath.Glob(filepath.Join(work, "*.tgz"))
	if len(packed) != 1 {
		return fmt.Errorf("private PostgreSQL: npm pack %s left no package", packageName())
	}
	content, err := os.ReadFile(packed[0])
	if err != nil {
		return err
	}
	if sum := sha512.Sum512(content); base64.StdEncoding.EncodeToString(sum[:]) != fetchSHA512[platform()] {
		return fmt.Errorf("private PostgreSQL: %s is not what was reviewed: its sha512 differs", packageName())
	}
	if err := unpack(content, work); err != nil {
		return fmt.Errorf("private PostgreSQL: unpack %s: %w", packageName(), err)
	}
	if err := os.Chmod(filepath.Join(work, "native"), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(filepath.Join(work, "native"), dir)
}

// unpack writes the package's native folder below dir, and the links that an npm
// package cannot hold.
func unpack(packed []byte, dir string) error {
	root, err := os.OpenRoot(dir) // whatever the names say, nothing lands outside
	if err != nil {
		return err
	}
	defer root.Close()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	for files := tar.NewReader(zip); ; {
		h, err := files.Next()
		if err == io.EOF {
			return link(root)
		}
		if err != nil {
			return err
		}
		name, ours := strings.CutPrefix(h.Name, "package/native/")
		if !ours || h.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeFile(root, filepath.Join("native", name), files); err != nil {
			return err
		}
	}
}

func writeFile(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if filepath.Base(filepath.Dir(name)) == "bin" {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// link makes the libraries' links, which the package lists in a file.
func link(root *os.Root) error {
	text, err := root.ReadFile("native/pg-symlinks.json")
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return err
	}
	for _, l := range links {
		relative, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if err := root.Symlink(relative, l.Target); err != nil {
			return err
		}
	}
	return nil
}
