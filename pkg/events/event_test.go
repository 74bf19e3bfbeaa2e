package events

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden documents of types that have none yet")

// sample fills every field of a fact, so that a golden shows the whole shape.
func sample(f Fact) Fact {
	v := reflect.New(reflect.TypeOf(f)).Elem()
	fill(v, 1)
	return v.Interface().(Fact)
}

func fill(v reflect.Value, n int) {
	switch v.Interface().(type) {
	case ID:
		v.Set(reflect.ValueOf(Derive("golden", v.Type().Name())))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 10, 16, 14, 2, 7, 50_000, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("code")
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"field": "before"}))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), i+1)
		}
	}
}

func golden(f Fact) Event {
	at := time.Date(2026, 10, 16, 14, 2, 7, 0, time.UTC)
	return Event{
		ID: Derive("golden"), Source: "service", Org: Derive("org"), Version: 3, Sequence: 42,
		Occurred: at, Received: at.Add(time.Second), Recorded: at.Add(2 * time.Second), Cause: Derive("cause"),
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Fact: f,
	}
}

// Every document that was ever published decodes for ever; a new field may only be added.
func TestGoldenDocumentsDecodeForEver(t *testing.T) {
	for _, f := range Types() {
		t.Run(f.Type(), func(t *testing.T) {
			want := golden(sample(f))
			head, err := want.Head()
			if err != nil {
				t.Fatal(err)
			}
			doc := Tail(head, want.Version, want.Sequence)
			file := filepath.Join("testdata", f.Type()+".json")
			old, err := os.ReadFile(file)
			if os.IsNotExist(err) && *update {
				err = os.WriteFile(file, append(doc, '\n'), 0o644)
				old = doc
			}
			if err != nil {
				t.Fatalf("%v (a new type: run this test with -update once)", err)
			}
			got, err := Decode(bytes.TrimSpace(old))
			if err != nil {
				t.Fatal(err)
			}
			if _, unknown := got.Fact.(Other); unknown {
				t.Fatal("the type is not known any more")
			}
			keeps(t, old, doc)
			round, err := Decode(doc)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, round); diff != "" {
				t.Errorf("encode and decode (-want +got):\n%s", diff)
			}
		})
	}
}

// keeps fails if a member of the old document is gone from, or differs in, the new one.
func keeps(t *testing.T, old, now []byte) {
	t.Helper()
	var a, b map[string]any
	if json.Unmarshal(old, &a) != nil || json.Unmarshal(now, &b) != nil {
		t.Fatal("not JSON")
	}
	var walk func(path string, a, b any)
	walk = func(path string, a, b any) {
		if m, ok := a.(map[string]any); ok {
			n, _ := b.(map[string]any)
			for k, v := range m {
				walk(path+"."+k, v, n[k])
			}
			return
		}
		if list, ok := a.([]any); ok {
			if now, _ := b.([]any); len(now) == len(list) { // what is in a list may grow members too
				for i := range list {
					walk(path+"."+strconv.Itoa(i), list[i], now[i])
				}
				return
			}
		}
		if diff := cmp.Diff(a, b); diff != "" && path != ".data" {
			t.Errorf("%s changed: add fields, or make a new version\n%s", path, diff)
		}
	}
	walk("", a, b)
}

func TestUnknownTypesAreOther(t *testing.T) {
	doc := []byte(`{"specversion":"1.0","id":"` + Derive("x").String() + `","source":"/later","type":"care.later.v9","subject":"` + Derive("k").String() +
		`","time":"2026-01-01T00:00:00Z","receivedtime":"2026-01-01T00:00:00Z","recordedtime":"2026-01-01T00:00:00Z","data":{"a":1},"aggregateversion":1,"sequence":"7"}`)
	e, err := Decode(doc)
	if err != nil || e.Fact.Type() != "care.later.v9" || e.Fact.Key() != Derive("k") || e.Sequence != 7 {
		t.Fatalf("%+v, %v", e, err)
	}
}

func TestIDsIncreaseAndParse(t *testing.T) {
	last := ID{}
	for range 10_000 {
		id := NewID()
		if bytes.Compare(id[:], last[:]) <= 0 || id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("%s after %s", id, last)
		}
		if back, err := ParseID(id.String()); err != nil || back != id {
			t.Fatalf("%s parses as %s, %v", id, back, err)
		}
		last = id
	}
}
