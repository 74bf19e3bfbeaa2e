package checks

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// Rule is an alert rule. These types hold what our files use of Prometheus's configuration; reading is strict, so
// that anything else, a misspelt key above all, is an error.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         Duration          `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

type prometheusConfig struct {
	Global struct {
		ScrapeInterval     Duration `yaml:"scrape_interval"`
		EvaluationInterval Duration `yaml:"evaluation_interval"`
	} `yaml:"global"`
	RuleFiles     []string       `yaml:"rule_files"`
	ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
}

type scrapeConfig struct {
	JobName       string              `yaml:"job_name"`
	MetricsPath   string              `yaml:"metrics_path"`
	Params        map[string][]string `yaml:"params"`
	StaticConfigs []struct {
		Targets []string          `yaml:"targets"`
		Labels  map[string]string `yaml:"labels"`
	} `yaml:"static_configs"`
	RelabelConfigs []struct {
		SourceLabels []string `yaml:"source_labels"`
		TargetLabel  string   `yaml:"target_label"`
		Replacement  string   `yaml:"replacement"`
	} `yaml:"relabel_configs"`
}

// Duration is one of Go's that Prometheus reads alike: 5s, 10m, 2h.
type Duration time.Duration

// UnmarshalYAML reads it.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	*d = Duration(v)
	return err
}

// strictly reads a YAML file into what it should hold, and no more.
func strictly(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func alertRules(t *testing.T) (rules []Rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []Rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	strictly(t, "../prometheus/alerts.yml", &file)
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) == 0 {
		t.Fatal("there are no alert rules")
	}
	return rules
}

func TestAlertRulesUseWhatThereIs(t *testing.T) {
	known := allMetrics(t)
	sections := headings(read(t, "docs/operate.md"))
	seen := map[string]bool{}
	for _, rule := range alertRules(t) {
		for _, w := range wrong(rule.Expr, known) {
			t.Errorf("%s: %s", rule.Alert, w)
		}
		if seen[rule.Alert] {
			t.Errorf("%s is there twice", rule.Alert)
		}
		seen[rule.Alert] = true
		checkWords(t, rule, sections)
	}
	for section := range sections {
		if name, ok := strings.CutPrefix(section, "Alert "); ok && !seen[name] {
			t.Errorf("docs/operate.md explains the alert %s, which there is not", name)
		}
	}
}

// checkWords wants what a person woken by the alert needs: how bad, what, and where to read what to do.
func checkWords(t *testing.T, rule Rule, sections map[string]bool) {
	t.Helper()
	if severity := rule.Labels["severity"]; severity != "critical" && severity != "warning" {
		t.Errorf("%s: severity %q, want critical or warning", rule.Alert, severity)
	}
	if rule.Annotations["summary"] == "" {
		t.Errorf("%s has no summary", rule.Alert)
	}
	if want := "docs/operate.md#alert-" + strings.ToLower(rule.Alert); rule.Annotations["runbook"] != want {
		t.Errorf("%s: runbook %q, want %q", rule.Alert, rule.Annotations["runbook"], want)
	}
	if !sections["Alert "+rule.Alert] {
		t.Errorf("docs/operate.md has no section %q", "Alert "+rule.Alert)
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

func headings(markdown string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(markdown, -1) {
		found[strings.TrimSpace(m[1])] = true
	}
	return found
}

func TestPrometheusScrapesWhatRuns(t *testing.T) {
	var c prometheusConfig
	strictly(t, "../prometheus/prometheus.yml", &c)
	services := composed(t).Services
	host := regexp.MustCompile(`^(?:https?://)?([^:/]+)`)
	byJob := map[string][]string{}
	for _, job := range c.ScrapeConfigs {
		for _, set := range job.StaticConfigs {
			byJob[job.JobName] = append(byJob[job.JobName], set.Targets...)
			for label := range set.Labels {
				if !slices.Contains(targetLabels, label) {
					t.Errorf("job %s: the target label %q is not among %v", job.JobName, label, targetLabels)
				}
			}
		}
		for _, target := range byJob[job.JobName] {
			name := host.FindStringSubmatch(target)[1]
			if _, ok := services[name]; !ok && name != "localhost" {
				t.Errorf("job %s asks %s, which is no service of docker-compose.yml", job.JobName, target)
			}
		}
	}
	for _, service := range ours(t) {
		if !slices.Contains(byJob["handoff"], service+":8080") || !slices.Contains(byJob["ready"], "http://"+service+":8080/readyz") {
			t.Errorf("nobody watches %s", service)
		}
	}
	if !slices.Equal(c.RuleFiles, []string{"alerts.yml"}) {
		t.Errorf("rule files %v, want alerts.yml", c.RuleFiles)
	}
	if time.Duration(c.Global.EvaluationInterval) != every || time.Duration(c.Global.ScrapeInterval) != every {
		t.Errorf("the tests of rules count on %s", every)
	}
	if _, err := os.Stat(filepath.Join(root, "deploy/prometheus/alerts.yml")); err != nil {
		t.Error(err)
	}
}

func TestBlackboxModules(t *testing.T) {
	var file struct {
		Modules map[string]struct {
			Prober  string   `yaml:"prober"`
			Timeout Duration `yaml:"timeout"`
			HTTP    struct {
				ValidStatusCodes    []int  `yaml:"valid_status_codes"`
				FollowRedirects     bool   `yaml:"follow_redirects"`
				PreferredIPProtocol string `yaml:"preferred_ip_protocol"`
			} `yaml:"http"`
		} `yaml:"modules"`
	}
	strictly(t, "../prometheus/blackbox.yml", &file)
	var c prometheusConfig
	strictly(t, "../prometheus/prometheus.yml", &c)
	for _, job := range c.ScrapeConfigs {
		for _, module := range job.Params["module"] {
			if _, ok := file.Modules[module]; !ok {
				t.Errorf("job %s uses the module %s, which blackbox.yml does not have", job.JobName, module)
			}
		}
	}
}
