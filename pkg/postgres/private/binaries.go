package private

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the first major version with all we use: views as security_invoker.
const oldest = 15

// places are where packages put PostgreSQL outside of PATH.
var places = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // PostgreSQL's own packages on Fedora, RHEL
	"/usr/libexec/postgresql*",                           // Alpine
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// binaries is one installation.
type binaries struct {
	dir     string
	version string // as it calls itself: 15.4, 17.10
	major   int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }
func (b binaries) dataName() string           { return "pg" + strconv.Itoa(b.major) }

// env is all the environment that its programs get: none of ours may change
// what they do.
func (b binaries) env() []string {
	return []string{"PATH=" + b.dir + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
}

// findBinaries finds PostgreSQL in the order that the package documentation
// states, and gets it where it is missing and that is allowed.
func findBinaries(ctx context.Context, dir string, who user, opt Options) (binaries, error) {
	want := dataMajor(dir)
	dirs := []string{os.Getenv("PG_BIN")}
	if dirs[0] == "" {
		dirs = candidates(who)
	} else if _, err := inspect(ctx, dirs[0]); err != nil {
		return binaries{}, fmt.Errorf("private PostgreSQL: PG_BIN: %w", err)
	}
	b, other := pick(ctx, dirs, want, who)
	if b.major == 0 && other.major == 0 && os.Getenv("PG_BIN") == "" {
		if err := install(ctx, who, opt); err != nil {
			return b, err
		}
		b, other = pick(ctx, candidates(who), want, who)
	}
	switch {
	case b.major != 0:
		return b, nil
	case other.major != 0:
		return b, fmt.Errorf("private PostgreSQL: the data in %s needs PostgreSQL %d, and %s is %s: "+
			"install version %d, or choose another data directory",
			filepath.Join(dir, "pg"+strconv.Itoa(want)), want, other.dir, other.version, want)
	}
	return b, fmt.Errorf("private PostgreSQL: none of %v can be used by the user it must run as (%s)", dirs, who.name)
}

// candidates lists where to look, the preferred first: PATH's, then the newest
// package, then an earlier download.
func candidates(who user) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	var packaged []string
	for _, place := range places {
		match, _ := filepath.Glob(place)
		packaged = append(packaged, match...)
	}
	slices.SortStableFunc(packaged, func(a, b string) int { return cmp.Compare(lastNumber(b), lastNumber(a)) })
	return append(append(dirs, packaged...), filepath.Join(downloadDir(who), "bin"))
}

// pick takes the first usable installation of major version want, any if want is
// 0. Where none fits, other is one that would have done but for its version.
func pick(ctx context.Context, dirs []string, want int, who user) (fits, other binaries) {
	for _, dir := range dirs {
		b, err := inspect(ctx, dir)
		if err != nil || !who.reaches(b.dir) {
			continue
		}
		if want == 0 || b.major == want {
			return b, other
		}
		other = b
	}
	return binaries{}, other
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// inspect asks the programs in dir for their version.
func inspect(ctx context.Context, dir string) (binaries, error) {
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return binaries{}, err
	}
	b := binaries{dir: filepath.Dir(postgres)}
	if _, err := os.Stat(b.path("initdb")); err != nil {
		return b, err
	}
	out, err := exec.CommandContext(ctx, postgres, "-V").Output()
	if err != nil {
		return b, fmt.Errorf("%s -V: %w", postgres, err)
	}
	m := versionText.FindStringSubmatch(string(out))
	if m == nil {
		return b, fmt.Errorf("%s -V says %q", postgres, strings.TrimSpace(string(out)))
	}
	b.version = m[1]
	b.major, _ = strconv.Atoi(m[2])
	if b.major < oldest {
		return b, fmt.Errorf("%s is PostgreSQL %s: %d or later is needed", postgres, b.version, oldest)
	}
	return b, nil
}

// dataMajor is the newest version with data in dir, 0 for none.
func dataMajor(dir string) int {
	newest := 0
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "pg")
		if major, err := strconv.Atoi(digits); ok && err == nil {
			newest = max(newest, major)
		}
	}
	return newest
}

var digits = regexp.MustCompile(`\d+`)

// lastNumber is the version in a path like /usr/lib/postgresql/17/bin.
func lastNumber(path string) int {
	all := digits.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}
