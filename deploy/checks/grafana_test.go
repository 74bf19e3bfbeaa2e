package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard holds what our dashboards use of Grafana's model. Reading is strict: a misspelt key is an error.
type dashboard struct {
	UID           string    `json:"uid"`
	Title         string    `json:"title"`
	Description   string    `json:"description"`
	Tags          []string  `json:"tags"`
	Timezone      string    `json:"timezone"`
	SchemaVersion int       `json:"schemaVersion"`
	Version       int       `json:"version"`
	Refresh       string    `json:"refresh"`
	Editable      bool      `json:"editable"`
	GraphTooltip  int       `json:"graphTooltip"`
	Time          timeRange `json:"time"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []annotation `json:"list"`
	} `json:"annotations"`
	Panels []panel `json:"panels"`
}

type timeRange struct{ From, To string }

type source struct{ Type, UID string }

type variable struct {
	Name, Type, Label string
	Datasource        source
	Query             string
	Refresh           int
	IncludeAll, Multi bool
	Current           struct{ Text, Value []string }
}

type annotation struct {
	Name                    string
	Datasource              source
	Enable                  bool
	IconColor               string
	Expr                    string
	TitleFormat, TextFormat string
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Collapsed                bool
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	Panels                   []panel
	FieldConfig              struct {
		Defaults struct {
			Unit   string
			Min    *float64
			Custom struct {
				DrawStyle, ShowPoints  string
				LineWidth, FillOpacity int
				Stacking               struct{ Mode, Group string }
				ThresholdsStyle        struct{ Mode string }
			}
			Thresholds struct {
				Mode  string
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
		Overrides []struct{}
	}
	Options struct {
		Legend struct {
			DisplayMode, Placement string
			ShowLegend             bool
		}
		Tooltip              struct{ Mode, Sort string }
		ColorMode, GraphMode string
		ReduceOptions        struct {
			Calcs  []string
			Fields string
			Values bool
		}
	}
	Targets []struct {
		RefID              string
		Datasource         source
		Expr, LegendFormat string
		Exemplar           bool
	}
}

func dashboards(t *testing.T) (list []dashboard) {
	t.Helper()
	files, err := filepath.Glob("../grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		strict := json.NewDecoder(bytes.NewReader(text))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, d)
	}
	return list
}

func TestDashboardsShowWhatThereIs(t *testing.T) {
	known := allMetrics(t)
	sources := datasources(t)
	for _, d := range dashboards(t) {
		ids := map[int]bool{}
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels have the id %d", d.Title, p.ID)
			}
			ids[p.ID] = true
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
				t.Errorf("%s: the panel %d %q wants a title, a description, a unit and an expression", d.Title, p.ID, p.Title)
			}
			for _, target := range p.Targets {
				for _, w := range wrong(target.Expr, known) {
					t.Errorf("%s, %s: %s", d.Title, p.Title, w)
				}
				if !sources[target.Datasource.UID] {
					t.Errorf("%s, %s: there is no datasource %q", d.Title, p.Title, target.Datasource.UID)
				}
				checkLegend(t, known, p.Title, target.Expr, target.LegendFormat)
			}
		}
		checkPlaces(t, d)
		checkVariables(t, d, known)
	}
}

var legendLabel = regexp.MustCompile(`{{(\w+)}}`)

// checkLegend wants that a legend names labels the expression keeps.
func checkLegend(t *testing.T, known Metrics, title, expr, legend string) {
	t.Helper()
	parsed, err := expressions.ParseExpr(variables.Replace(expr))
	if err != nil {
		return // said already
	}
	inside := labelsInside(parsed, known)
	for _, m := range legendLabel.FindAllStringSubmatch(legend, -1) {
		grouped := regexp.MustCompile(`by \(([^)]*)\)`).FindStringSubmatch(expr)
		if !slices.Contains(inside, m[1]) || grouped != nil && !slices.Contains(strings.Split(grouped[1], ", "), m[1]) {
			t.Errorf("%s: the legend's %s is no label of the result", title, m[0])
		}
	}
}

// checkPlaces wants panels side by side: Grafana moves those that overlap.
func checkPlaces(t *testing.T, d dashboard) {
	t.Helper()
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s, %s is wider than the page", d.Title, p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, both := taken[at]; both && other != p.Title {
					t.Errorf("%s: %s lies on %s", d.Title, p.Title, other)
					return
				}
				taken[at] = p.Title
			}
		}
	}
}

// checkVariables wants that each variable is asked for by a query that can answer, and used.
func checkVariables(t *testing.T, d dashboard, known Metrics) {
	t.Helper()
	all := fmt.Sprintf("%v", d.Panels)
	for _, v := range d.Templating.List {
		m := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(v.Query)
		if m == nil {
			t.Errorf("%s: variable %s: cannot read %q", d.Title, v.Name, v.Query)
			continue
		}
		if metric, ok := known.Find(m[1]); !ok || !slices.Contains(metric.Labels, m[2]) {
			t.Errorf("%s: variable %s: %s has no label %s", d.Title, v.Name, m[1], m[2])
		}
		if !strings.Contains(all, "$"+v.Name) {
			t.Errorf("%s: nothing uses the variable %s", d.Title, v.Name)
		}
	}
}

func datasources(t *testing.T) map[string]bool {
	t.Helper()
	var file struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name      string `yaml:"name"`
			UID       string `yaml:"uid"`
			Type      string `yaml:"type"`
			Access    string `yaml:"access"`
			URL       string `yaml:"url"`
			IsDefault bool   `yaml:"isDefault"`
			JSONData  struct {
				TimeInterval                string `yaml:"timeInterval"`
				ExemplarTraceIDDestinations []struct {
					Name          string `yaml:"name"`
					DatasourceUID string `yaml:"datasourceUid"`
				} `yaml:"exemplarTraceIdDestinations"`
			} `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	strictly(t, "../grafana/provisioning/datasources/handoff.yaml", &file)
	services := composed(t).Services
	uids := map[string]bool{}
	for _, d := range file.Datasources {
		uids[d.UID] = true
		host := regexp.MustCompile(`^http://([^:]+):\d+$`).FindStringSubmatch(d.URL)
		if host == nil || services[host[1]].Name == "" {
			t.Errorf("datasource %s is at %s, which is no service of docker-compose.yml", d.Name, d.URL)
		}
	}
	for _, d := range file.Datasources {
		for _, to := range d.JSONData.ExemplarTraceIDDestinations {
			if !uids[to.DatasourceUID] {
				t.Errorf("datasource %s: exemplars lead to %s, which there is not", d.Name, to.DatasourceUID)
			}
		}
	}
	return uids
}

func TestDashboardsAreWhereGrafanaLooks(t *testing.T) {
	var file struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name    string            `yaml:"name"`
			Type    string            `yaml:"type"`
			Options map[string]string `yaml:"options"`
		} `yaml:"providers"`
	}
	strictly(t, "../grafana/provisioning/dashboards/handoff.yaml", &file)
	grafana := composed(t).Services["grafana"]
	for _, p := range file.Providers {
		found := false
		for _, v := range grafana.Volumes {
			found = found || v.Target == p.Options["path"] && strings.HasSuffix(v.Source, "/deploy/grafana/dashboards")
		}
		if !found {
			t.Errorf("%s looks in %s, where no dashboards are mounted", p.Name, p.Options["path"])
		}
	}
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if home == nil {
		t.Fatal("no home dashboard")
	}
	if _, err := os.Stat(filepath.Join("../grafana/dashboards", filepath.Base(*home))); err != nil {
		t.Error(err)
	}
}
