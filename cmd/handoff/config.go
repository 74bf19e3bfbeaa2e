package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// readConfig reads a configuration file. JSON is YAML, so one reader does for both.
func readConfig(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && err != io.EOF {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	file := configFile{}
	for key, value := range values {
		file[strings.ReplaceAll(key, "_", "-")] = value
	}
	return file, nil
}

// configFile is a configuration file's settings by flag name.
type configFile map[string]any

// Validate refuses settings that no command knows: a misspelt one would be passed over in silence.
func (f configFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !known[key] {
			return fmt.Errorf("configuration file: there is no setting %q", key)
		}
	}
	return nil
}

// Resolve gives a flag's value, unless the environment has one: kong would let the file win.
func (f configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	switch value := f[flag.Name].(type) {
	case nil, bool, string:
		return value, nil
	case []any:
		if flag.IsSlice() {
			list := make([]string, len(value))
			for i, v := range value {
				list[i] = fmt.Sprint(v)
			}
			return strings.Join(list, ","), nil
		}
	case map[string]any:
	default:
		return fmt.Sprint(value), nil
	}
	return nil, fmt.Errorf("configuration file: %s is not a plain value", flag.Name)
}
