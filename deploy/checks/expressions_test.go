package checks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are those that prometheus.yml gives every series, and the name itself.
var targetLabels = []string{"job", "instance", "program", "__name__"}

var expressions = parser.NewParser(parser.Options{})

// variables of Grafana, with a value each that Prometheus can parse.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$__interval", "1m", "$__range", "1h", "$service", "admission", "$stream", "admission")

// wrong says what is wrong with an expression: it does not parse, or names a metric or a label that nothing has.
func wrong(expression string, known Metrics) (list []string) {
	expr, err := expressions.ParseExpr(variables.Replace(expression))
	if err != nil {
		return []string{err.Error()}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			list = append(list, wrongSelector(n, known)...)
		case *parser.AggregateExpr:
			inside := labelsInside(n.Expr, known)
			for _, label := range n.Grouping {
				if !slices.Contains(inside, label) {
					list = append(list, fmt.Sprintf("nothing inside has the label %q of %s", label, n))
				}
			}
		}
		return nil
	})
	return list
}

func wrongSelector(s *parser.VectorSelector, known Metrics) (list []string) {
	m, ok := known.Find(s.Name)
	if !ok {
		return []string{fmt.Sprintf("no program exports %s", s.Name)}
	}
	for _, matcher := range s.LabelMatchers {
		if !slices.Contains(m.Labels, matcher.Name) && !slices.Contains(targetLabels, matcher.Name) {
			list = append(list, fmt.Sprintf("%s has no label %q", s.Name, matcher.Name))
		}
	}
	return list
}

func labelsInside(expr parser.Expr, known Metrics) []string {
	inside := slices.Clone(targetLabels)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			m, _ := known.Find(s.Name)
			inside = append(inside, m.Labels...)
		}
		return nil
	})
	return inside
}

func TestWhatIsWrongWithAnExpression(t *testing.T) {
	known := Metrics{"lag": {"gauge", []string{"stream"}}, "took": {"histogram", []string{"service"}}}
	for expression, want := range map[string]string{
		`lag{stream="a"} > 3`: "",
		`histogram_quantile(0.9, sum by (le, service) (rate(took_bucket[$__rate_interval])))`: "",
		`sum by (job) (lag)`:                   "",
		`lag{strem="a"}`:                       `lag has no label "strem"`,
		`lagg`:                                 "no program exports lagg",
		`took`:                                 "no program exports took",
		`sum by (servis) (rate(took_sum[1m]))`: `nothing inside has the label "servis"`,
		`sum(`:                                 "unclosed left parenthesis",
	} {
		got := strings.Join(wrong(expression, known), "; ")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}

func allMetrics(t *testing.T) Metrics { return listed(t, "metrics.txt", "metrics-others.txt") }
