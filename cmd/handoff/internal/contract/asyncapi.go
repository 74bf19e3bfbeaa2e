package contract

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
)

// producers tell who publishes a type, by the second part of its name.
var producers = map[string]string{
	"encounter": "admission", "patient": "admission", "facility": "admission", "message": "admission", "feed": "admission",
	"transition": "discharge", "task": "discharge", "clock": "discharge", "request": "discharge", "readmission": "discharge",
	"referral": "referral", "arrival": "referral", "authorization": "referral", "choice": "referral",
	"alert": "notification",
}

// Producer is the service that publishes a type of fact.
func Producer(typ string) (string, error) {
	parts := strings.Split(typ, ".")
	if len(parts) != 4 || parts[0] != "care" || producers[parts[1]] == "" {
		return "", fmt.Errorf("it is not known who publishes %s", typ)
	}
	return producers[parts[1]], nil
}

// Heard is what one service subscribes to of another. No types: all.
type Heard struct {
	Service, Stream string
	Types           []string
}

const dialect = "https://json-schema.org/draft/2020-12/schema"

// EventSchema is the JSON Schema of a type's whole document, as it is on the stream.
func EventSchema(f events.Fact) object {
	s := envelope(f.Type())
	s["$schema"], s["title"] = dialect, f.Type()
	s["properties"].(object)["data"] = schemaOf(reflect.TypeOf(f))
	return s
}

func envelope(typ string) object {
	id, when := schemaOf(idType), schemaOf(timeType)
	return object{
		"type":        "object",
		"description": "CloudEvents 1.0, structured mode",
		"required": []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "organization",
			"receivedtime", "recordedtime", "aggregateversion", "sequence", "data"},
		"properties": object{
			"specversion": object{"const": "1.0"}, "id": id, "source": object{"type": "string", "description": "/ and the producing service"},
			"type": object{"const": typ}, "subject": id, "time": when, "datacontenttype": object{"const": "application/json"},
			"organization": id, "receivedtime": when, "recordedtime": when,
			"causeid":          object{"type": "string", "description": "the message or event that led to it; absent for a person's own act"},
			"traceparent":      object{"type": "string", "description": "W3C trace context"},
			"aggregateversion": object{"type": "integer", "minimum": 1, "description": "1..n for this subject at this producer, without a gap"},
			"sequence":         object{"type": "string", "pattern": "^[0-9]+$", "description": "place in the producer's event log"},
		},
	}
}

// AsyncAPI is the AsyncAPI 3.0 document of all facts and who hears them.
func AsyncAPI(facts []events.Fact, heard []Heard) (object, error) {
	channels, messages, operations := object{}, object{}, object{}
	for _, f := range facts {
		typ := f.Type()
		producer, err := Producer(typ)
		if err != nil {
			return nil, err
		}
		messages[typ] = object{
			"name": typ, "contentType": "application/cloudevents+json", "headers": object{"type": "object", "properties": object{"Nats-Msg-Id": object{"type": "string", "description": "the event's id"}}},
			"payload": object{"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": object{"$ref": "events/" + typ + ".json"}},
		}
		channels[typ] = object{
			"address":  events.Subject(producer, typ),
			"messages": object{typ: object{"$ref": "#/components/messages/" + typ}},
			"bindings": object{"nats": object{}},
		}
		operations[producer+"-announces-"+typ] = object{"action": "send", "channel": ref(typ), "tags": []any{object{"name": producer}}}
	}
	for _, h := range heard {
		types := h.Types
		if len(types) == 0 {
			for typ := range maps.Keys(channels) {
				if p, _ := Producer(typ); p == h.Stream {
					types = append(types, typ)
				}
			}
		}
		slices.Sort(types)
		for _, typ := range types {
			operations[h.Service+"-hears-"+typ] = object{"action": "receive", "channel": ref(typ), "tags": []any{object{"name": h.Service}}}
		}
	}
	return object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "handoff: the facts services tell each other", "version": "1",
			"license": object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
			"description": "One JetStream stream per publishing service. Facts of one subject come in the order of their versions; facts of different producers " +
				"may come in any order. A type may gain optional members; any other change is another type beside it (v2). Delivery is at least once: the id tells repetitions.",
		},
		"defaultContentType": "application/cloudevents+json",
		"servers":            object{"nats": object{"host": "localhost:4222", "protocol": "nats"}},
		"channels":           channels, "operations": operations, "components": object{"messages": messages},
	}, nil
}

func ref(typ string) object { return object{"$ref": "#/channels/" + typ} }

// byType orders facts by name.
func byType(facts []events.Fact) []events.Fact {
	return slices.SortedFunc(slices.Values(facts), func(a, b events.Fact) int { return cmp.Compare(a.Type(), b.Type()) })
}
