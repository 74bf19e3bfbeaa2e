package checks

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metric is what an expression may rely on: the type of a metric and the names of its labels.
type Metric struct {
	Type   string // counter, gauge, histogram, summary, untyped
	Labels []string
}

// Metrics are metrics by name.
type Metrics map[string]Metric

// ReadMetrics reads a list: "name type label label..." on each line, # begins a comment.
func ReadMetrics(r io.Reader) (Metrics, error) {
	list := Metrics{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("line %d: want name, type and labels", n)
		}
		if _, twice := list[fields[0]]; twice {
			return nil, fmt.Errorf("line %d: %s is listed twice", n, fields[0])
		}
		list[fields[0]] = Metric{Type: fields[1], Labels: slices.Sorted(slices.Values(fields[2:]))}
	}
	return list, lines.Err()
}

// Scrape reads what a program answers at /metrics.
func Scrape(r io.Reader) (Metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, err
	}
	list := Metrics{}
	for name, family := range families {
		list[name] = Metric{Type: strings.ToLower(family.GetType().String()), Labels: labelNames(family)}
	}
	return list, nil
}

func labelNames(family *dto.MetricFamily) []string {
	names := map[string]bool{}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			names[l.GetName()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Write writes the list in the form ReadMetrics reads, in order of name.
func (list Metrics) Write(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		m := list[name]
		if _, err := fmt.Fprintln(w, strings.Join(append([]string{name, m.Type}, m.Labels...), " ")); err != nil {
			return err
		}
	}
	return nil
}

// Own is the prefix of our own metrics.
const Own = "handoff_"

// Differences says how our own metrics of a running system differ from the list: unlisted, of another type or with
// other labels. unseen are listed ones that the system did not show; a metric with labels shows only once something
// happened, so that is for the caller to judge.
func (list Metrics) Differences(running Metrics) (differences, unseen []string) {
	for _, name := range slices.Sorted(maps.Keys(running)) {
		if !strings.HasPrefix(name, Own) {
			continue
		}
		want, listed := list[name]
		got := running[name]
		switch {
		case !listed:
			differences = append(differences, fmt.Sprintf("%s is not listed", name))
		case want.Type != got.Type:
			differences = append(differences, fmt.Sprintf("%s is a %s, listed as %s", name, got.Type, want.Type))
		case !slices.Equal(want.Labels, got.Labels):
			differences = append(differences, fmt.Sprintf("%s has the labels %v, listed are %v", name, got.Labels, want.Labels))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if _, seen := running[name]; !seen && strings.HasPrefix(name, Own) {
			unseen = append(unseen, name)
		}
	}
	return differences, unseen
}

// Find returns the metric that a series belongs to: of a histogram x, x_bucket (which has le), x_sum and x_count.
func (list Metrics) Find(series string) (Metric, bool) {
	if m, ok := list[series]; ok && m.Type != "histogram" && m.Type != "summary" {
		return m, true
	}
	for suffix, types := range map[string]string{"_bucket": "histogram", "_sum": "histogram summary", "_count": "histogram summary"} {
		name, cut := strings.CutSuffix(series, suffix)
		m, ok := list[name]
		if !cut || !ok || !strings.Contains(types, m.Type) {
			continue
		}
		if suffix == "_bucket" {
			m.Labels = append(slices.Clone(m.Labels), "le")
		}
		return m, true
	}
	m, ok := list[series] // a summary's own series have quantile
	return Metric{Type: m.Type, Labels: append(slices.Clone(m.Labels), "quantile")}, ok && m.Type == "summary"
}

// Merge adds metrics. A metric that several programs export has the labels of all.
func (list Metrics) Merge(more Metrics) {
	for name, m := range more {
		if old, known := list[name]; known {
			m.Labels = append(slices.Clone(m.Labels), old.Labels...)
			slices.Sort(m.Labels)
			m.Labels = slices.Compact(m.Labels)
		}
		list[name] = m
	}
}
