package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/danielgtaylor/huma/v2"
	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/events"
)

const heading = "# Written by `handoff docs` from the code. Do not edit.\n"

// Write writes all contracts below dir, and takes away schemas of types that are gone.
func Write(dir string, facts []events.Fact, heard []Heard, apis map[string]*huma.OpenAPI) error {
	doc, err := AsyncAPI(facts, heard)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if files["asyncapi.yaml"], err = marshalYAML(doc); err != nil {
		return err
	}
	for _, f := range byType(facts) {
		if files[filepath.Join("events", f.Type()+".json")], err = marshalJSON(EventSchema(f)); err != nil {
			return err
		}
	}
	for service, api := range apis {
		plain, err := api.MarshalJSON()
		if err != nil {
			return fmt.Errorf("OpenAPI of %s: %w", service, err)
		}
		var v any
		if err := json.Unmarshal(plain, &v); err != nil {
			return err
		}
		if files[filepath.Join("api", service+".yaml")], err = marshalYAML(v); err != nil {
			return err
		}
	}
	return write(dir, files)
}

func write(dir string, files map[string][]byte) error {
	for _, generated := range []string{"events/*.json", "api/*.yaml"} {
		old, err := filepath.Glob(filepath.Join(dir, generated))
		if err != nil {
			return err
		}
		for _, path := range old {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			if _, still := files[name]; !still {
				if err := os.Remove(path); err != nil {
					return err
				}
			}
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func marshalYAML(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(heading)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

func marshalJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
