package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// every is how often rules are evaluated and figures are scraped in these tests, as in prometheus.yml.
const every = 5 * time.Second

// memory is a storage of series, each with a value every 5 s from 0 on.
type memory []storage.Series

// remember makes series of promtool's notation: name{label="value"} start+step x times, one figure per 5 s.
func remember(t *testing.T, lines []string) memory {
	t.Helper()
	var m memory
	for _, line := range lines {
		set, values, err := expressions.ParseSeriesDesc(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var samples []chunks.Sample
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, sample{time.Duration(i) * every, v.Value})
			}
		}
		m = append(m, storage.NewListSeries(set, samples))
	}
	return m
}

type sample struct {
	at    time.Duration
	value float64
}

func (s sample) T() int64                      { return s.at.Milliseconds() }
func (s sample) ST() int64                     { return 0 }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Copy() chunks.Sample           { return s }

// Querier and what follows implement storage.Queryable.
func (m memory) Querier(_, _ int64) (storage.Querier, error) { return querier{m}, nil }

type querier struct{ memory }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := &series{at: -1}
	for _, s := range q.memory {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) }) {
			found.list = append(found.list, s)
		}
	}
	slices.SortFunc(found.list, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return found
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) Close() error { return nil }

type series struct {
	list []storage.Series
	at   int
}

func (s *series) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *series) At() storage.Series                { return s.list[s.at] }
func (s *series) Err() error                        { return nil }
func (s *series) Warnings() annotations.Annotations { return nil }

// firing evaluates a rule every 5 s until at, as Prometheus does, and returns the labels of what then fires.
func firing(t *testing.T, rule Rule, m memory, at time.Duration) (list []string) {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: 10 * time.Second, EnableAtModifier: true, EnableNegativeOffset: true, Parser: expressions})
	defer engine.Close()
	since := map[string]time.Duration{}
	for now := time.Duration(0); now <= at; now += every {
		query, err := engine.NewInstantQuery(t.Context(), m, nil, rule.Expr, time.UnixMilli(now.Milliseconds()))
		if err != nil {
			t.Fatal(err)
		}
		result := query.Exec(t.Context())
		vector, err := result.Vector()
		if err != nil {
			t.Fatal(err)
		}
		active := map[string]time.Duration{}
		for _, s := range vector {
			key := labels.NewBuilder(s.Metric).Del(labels.MetricName).Labels().String()
			active[key] = now
			if from, was := since[key]; was {
				active[key] = from
			}
		}
		since = active
		query.Close()
	}
	for key, from := range since {
		if at-from >= time.Duration(rule.For) {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}

// ruleCase is figures, one each 5 s, and what a rule says of them at a time.
type ruleCase struct {
	alert, when string
	figures     []string
	at          time.Duration
	fires       []string // labels of what fires; none: it keeps quiet
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	rules := map[string]Rule{}
	for _, rule := range alertRules(t) {
		rules[rule.Alert] = rule
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, c := range ruleCases {
		t.Run(c.alert+" "+c.when, func(t *testing.T) {
			rule, ok := rules[c.alert]
			if !ok {
				t.Fatalf("there is no alert %s", c.alert)
			}
			checkUsed(t, rule, c.figures)
			if diff := cmp.Diff(c.fires, firing(t, rule, remember(t, c.figures), c.at)); diff != "" {
				t.Errorf("after %s (-want +fires):\n%s", c.at, diff)
			}
		})
		fires[c.alert] = fires[c.alert] || len(c.fires) > 0
		quiet[c.alert] = quiet[c.alert] || len(c.fires) == 0
	}
	for name := range rules {
		if !fires[name] || !quiet[name] {
			t.Errorf("%s: want figures on which it fires (there are: %v) and some on which it keeps quiet (%v)", name, fires[name], quiet[name])
		}
	}
}

// checkUsed wants that the expression reads the figures: a rule that keeps quiet on figures of another name proves nothing.
func checkUsed(t *testing.T, rule Rule, figures []string) {
	t.Helper()
	expr, err := expressions.ParseExpr(rule.Expr)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			names[s.Name] = true
		}
		return nil
	})
	known := allMetrics(t)
	for _, figure := range figures {
		set, _, err := expressions.ParseSeriesDesc(figure)
		if err != nil {
			t.Fatal(err)
		}
		if name := set.Get(labels.MetricName); !names[name] {
			t.Errorf("the rule does not read %s", name)
		}
		m, _ := known.Find(set.Get(labels.MetricName))
		set.Range(func(l labels.Label) {
			if !slices.Contains(m.Labels, l.Name) && !slices.Contains(targetLabels, l.Name) {
				t.Error(fmt.Sprintf("%s has no label %s", strings.TrimSpace(figure), l.Name))
			}
		})
	}
}
