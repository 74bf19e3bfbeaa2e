package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

func listed(t *testing.T, files ...string) Metrics {
	t.Helper()
	all := Metrics{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		list, err := ReadMetrics(f)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all.Merge(list)
	}
	return all
}

// The list is of metrics that a program registers, and of all of them: a name that is in no source is a dashboard
// that shows nothing, a name that is not in the list is a metric that nobody looks at.
func TestTheListIsOfTheMetricsInTheSource(t *testing.T) {
	var want, got []string
	for name := range listed(t, "metrics.txt") {
		if strings.HasPrefix(name, Own) {
			got = append(got, name)
		}
	}
	for _, folder := range []string{"pkg", "services", "cmd"} {
		names, err := registered(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, names...)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("metrics in the source (-) and in metrics.txt (+) differ; `go run ./scrape -write` adds what a running system shows:\n%s", diff)
	}
}

var metricName = regexp.MustCompile(`^handoff_[a-z0-9_]+$`)

// registered returns the names of metrics in the Go files below folder: string literals with our prefix in files that
// import Prometheus's client.
func registered(folder string) (names []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool {
			return i.Path.Value == `"github.com/prometheus/client_golang/prometheus"`
		}) {
			return nil
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && metricName.MatchString(s) {
					names = append(names, s)
				}
			}
			return true
		})
		return nil
	})
	return names, err
}

func TestScrapeSeesTypesAndLabels(t *testing.T) {
	running, err := Scrape(strings.NewReader(`# TYPE handoff_lag gauge
handoff_lag{service="discharge",stream="admission"} 3
# TYPE handoff_ack_seconds histogram
handoff_ack_seconds_bucket{service="admission",le="+Inf"} 1
handoff_ack_seconds_sum{service="admission"} 1
handoff_ack_seconds_count{service="admission"} 1
# TYPE handoff_new_total counter
handoff_new_total 1
# TYPE go_goroutines gauge
go_goroutines 7
`))
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadMetrics(strings.NewReader("# a comment\nhandoff_lag gauge service\nhandoff_ack_seconds summary service\nhandoff_gone_total counter\n"))
	if err != nil {
		t.Fatal(err)
	}
	differences, unseen := list.Differences(running)
	want := []string{
		"handoff_ack_seconds is a histogram, listed as summary",
		"handoff_lag has the labels [service stream], listed are [service]",
		"handoff_new_total is not listed",
	}
	if diff := cmp.Diff(want, differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"handoff_gone_total"}, unseen); diff != "" {
		t.Errorf("unseen (-want +got):\n%s", diff)
	}
	if _, ok := running.Find("handoff_ack_seconds"); ok {
		t.Error("a histogram has no series of its own name")
	}
	if m, ok := running.Find("handoff_ack_seconds_bucket"); !ok || !slices.Contains(m.Labels, "le") {
		t.Errorf("a histogram's buckets have le, got %v", m.Labels)
	}
}
