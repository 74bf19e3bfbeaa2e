package contract

import (
	"reflect"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// object is a JSON object; it is written with its keys in order.
type object = map[string]any

var (
	idType   = reflect.TypeFor[events.ID]()
	timeType = reflect.TypeFor[time.Time]()
)

// schemaOf is the JSON Schema (2020-12) of how encoding/json writes a value of type t.
func schemaOf(t reflect.Type) object {
	switch t {
	case idType:
		return object{"type": "string", "description": "UUID, or empty for none", "pattern": "^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"}
	case timeType:
		return object{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	default:
		return object{"type": "integer"}
	}
}

// structSchema allows further properties: a consumer must pass over what it does not know.
func structSchema(t reflect.Type) object {
	properties, required := object{}, []string{}
	fields(t, func(name string, optional bool, f reflect.Type) {
		s := schemaOf(f)
		if f.Kind() == reflect.Pointer && !optional {
			s = object{"oneOf": []any{s, object{"type": "null"}}}
		}
		properties[name] = s
		if !optional {
			required = append(required, name)
		}
	})
	s := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// fields calls each for every JSON member of t, embedded structs taken apart.
func fields(t reflect.Type, each func(name string, optional bool, f reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			fields(f.Type, each)
		default:
			if name == "" {
				name = f.Name
			}
			each(name, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"), f.Type)
		}
	}
}
