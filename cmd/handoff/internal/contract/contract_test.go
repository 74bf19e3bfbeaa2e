package contract

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

func TestEveryFactHasAProducerAndASchemaThatItsDocumentFits(t *testing.T) {
	for _, f := range events.Types() {
		producer, err := Producer(f.Type())
		if err != nil {
			t.Error(err)
			continue
		}
		e := events.Event{ID: events.NewID(), Source: producer, Org: events.NewID(), Occurred: time.Now(), Received: time.Now(), Recorded: time.Now(), Fact: f}
		head, err := e.Head()
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(events.Tail(head, 1, 1), &doc); err != nil {
			t.Fatal(err)
		}
		raw, err := marshalJSON(EventSchema(f))
		if err != nil {
			t.Fatal(err)
		}
		var schema any
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		for _, problem := range misfits("", schema.(object), doc) {
			t.Errorf("%s: %s", f.Type(), problem)
		}
	}
}

// misfits is as much of JSON Schema as our schemas use: what is required is there, what is there is
// described and of its type.
func misfits(at string, schema object, v any) (list []string) {
	if alternatives, ok := schema["oneOf"].([]any); ok {
		for _, a := range alternatives {
			if len(misfits(at, a.(object), v)) == 0 {
				return nil
			}
		}
		return []string{at + " fits no alternative"}
	}
	kinds := map[string]bool{}
	switch v := v.(type) {
	case nil:
		kinds["null"] = true
	case bool:
		kinds["boolean"] = true
	case string:
		kinds["string"] = true
	case float64:
		kinds["number"], kinds["integer"] = true, v == float64(int64(v))
	case []any:
		kinds["array"] = true
		for _, item := range v {
			list = append(list, misfits(at+"[]", schema["items"].(object), item)...)
		}
	case object:
		kinds["object"] = true
		properties, _ := schema["properties"].(object)
		for name, member := range v {
			p, ok := properties[name].(object)
			if !ok {
				list = append(list, at+"."+name+" is not described")
				continue
			}
			list = append(list, misfits(at+"."+name, p, member)...)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				list = append(list, at+"."+name.(string)+" is missing")
			}
		}
	}
	if kind, ok := schema["type"].(string); ok && !kinds[kind] {
		list = append(list, at+" is no "+kind)
	}
	return list
}

func TestSchemasOfStructs(t *testing.T) {
	type inner struct {
		Of events.ID `json:"of"`
	}
	type outer struct {
		inner
		Name  string            `json:"name"`
		Age   *int              `json:"age,omitempty"`
		When  *time.Time        `json:"when"`
		Tags  []string          `json:"tags,omitempty"`
		Was   map[string]string `json:"was,omitempty"`
		Never string            `json:"-"`
	}
	got := schemaOf(reflect.TypeFor[outer]())
	properties := got["properties"].(object)
	names := []string{}
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	if d := cmp.Diff([]string{"age", "name", "of", "tags", "was", "when"}, names); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"of", "name", "when"}, got["required"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(object{"type": "integer"}, properties["age"]); d != "" {
		t.Error(d)
	}
}

func TestTheSameCodeWritesTheSameFiles(t *testing.T) {
	heard := []Heard{{Service: "discharge", Stream: "admission", Types: []string{"care.encounter.discharged.v1"}}, {Service: "console", Stream: "notification"}}
	read := func(dir string) map[string]string {
		files := map[string]string{}
		if err := Write(dir, events.Types(), heard, map[string]*huma.OpenAPI{"x": {OpenAPI: "3.1.0", Info: &huma.Info{Title: "x", Version: "1"}}}); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			files[name] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	dir := t.TempDir()
	first := read(dir)
	stale := filepath.Join(dir, "events", "care.gone.v1.json")
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, read(dir)); d != "" {
		t.Fatal(d)
	}
	var doc struct {
		Channels   map[string]struct{ Address string }
		Operations map[string]struct{ Action string }
	}
	if err := yaml.Unmarshal([]byte(first["asyncapi.yaml"]), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Channels) != len(events.Types()) || doc.Channels["care.encounter.discharged.v1"].Address != "admission.care.encounter.discharged.v1" {
		t.Fatalf("channels: %v", doc.Channels)
	}
	for _, want := range []string{"discharge-hears-care.encounter.discharged.v1", "console-hears-care.alert.raised.v1"} {
		if doc.Operations[want].Action != "receive" {
			t.Errorf("%q is not in the document", want)
		}
	}
}

func TestEveryRouteIsInTheDocument(t *testing.T) {
	r := web.NewRouter("x", nil, slog.New(slog.DiscardHandler))
	web.Handle(r, web.TasksRead, "GET", "/tasks", "Tasks", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	r.Raw(web.MessagesSend, "POST", "/hl7v2", func(http.ResponseWriter, *http.Request) {})
	r.Raw(web.AlertsRead, "GET", "/stream", func(http.ResponseWriter, *http.Request) {})
	doc := OpenAPI(r)
	for path, want := range map[string]web.Permission{"/tasks": web.TasksRead, "/hl7v2": web.MessagesSend, "/stream": web.AlertsRead} {
		op := doc.Paths[path].Get
		if path == "/hl7v2" {
			op = doc.Paths[path].Post
		}
		if op == nil || op.Extensions["x-permission"] != string(want) {
			t.Errorf("%s: %+v, want permission %s", path, op, want)
		}
	}
	if doc.Paths["/tasks"].Get.Summary != "Tasks" {
		t.Error("the summary of a JSON route is lost")
	}
}
