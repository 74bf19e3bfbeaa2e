package events_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

// An object is written as encoding/json writes a struct of the same members.
func TestAnObjectIsWrittenAsAStructIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v struct {
			A string            `json:"a"`
			B string            `json:"b,omitempty"`
			C []string          `json:"c,omitempty"`
			D map[string]string `json:"d,omitempty"`
			E events.ID         `json:"e"`
			F events.ID         `json:"f,omitzero"`
			G time.Time         `json:"g"`
			H *time.Time        `json:"h,omitempty"`
			I *int              `json:"i,omitempty"`
			J bool              `json:"j,omitempty"`
		}
		v.A, v.B = rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		v.C = rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "c")
		v.D = rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "d")
		for i, id := range []*events.ID{&v.E, &v.F} {
			if rapid.Bool().Draw(t, "id") {
				*id = events.Derive("object", string(rune('a'+i)))
			}
		}
		v.G = time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, "g"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
		if rapid.Bool().Draw(t, "h") {
			h := v.G.In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
			v.H = &h
		}
		if rapid.Bool().Draw(t, "i") {
			v.I = new(rapid.Int().Draw(t, "number"))
		}
		v.J = rapid.Bool().Draw(t, "j")

		o := events.NewObject([]byte("what was in the room"))
		o.Text("a", v.A)
		o.SomeText("b", v.B)
		o.SomeTexts("c", v.C)
		o.SomePairs("d", v.D)
		o.ID("e", v.E)
		o.SomeID("f", v.F)
		o.Time("g", v.G)
		o.SomeTime("h", v.H)
		o.SomeInt("i", v.I)
		o.SomeTrue("j", v.J)
		got, err := o.Close()
		want, wrong := json.Marshal(v)
		if (err == nil) != (wrong == nil) || err == nil && string(got) != string(want) {
			t.Fatalf("%s, %v; want %s, %v", got, err, want, wrong)
		}
	})
}

func TestAnObjectOfNothing(t *testing.T) {
	o := events.NewObject(nil)
	o.SomeText("a", "")
	if b, err := o.Close(); err != nil || string(b) != "{}" {
		t.Errorf("%s, %v", b, err)
	}
	o = events.NewObject(nil)
	o.Time("a", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	if b, err := o.Close(); !errors.Is(err, events.ErrUnwritable) {
		t.Errorf("%s, %v", b, err)
	}
}
