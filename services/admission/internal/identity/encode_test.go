package identity

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// What is stored is compared with what is said, byte for byte: it must not matter who wrote it.
func TestEncodeWritesWhatEncodingJSONWrites(t *testing.T) {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"", "", "Canary", "O'Brien-Smith 3rd", "Müller", "<b>&", `say "hi" \\`, "a\nb\x00\x7f", "\u2028\ufffd", "\xff torn \xc3"}),
		rapid.String(),
	)
	name := rapid.Custom(func(t *rapid.T) PersonName {
		return PersonName{Family: text.Draw(t, "family"), Given: text.Draw(t, "given"), Middle: text.Draw(t, "middle"), Suffix: text.Draw(t, "suffix"), Prefix: text.Draw(t, "prefix")}
	})
	address := rapid.Custom(func(t *rapid.T) PostalAddress {
		return PostalAddress{Street: text.Draw(t, "street"), Other: text.Draw(t, "other"), City: text.Draw(t, "city"), State: text.Draw(t, "state"),
			Zip: text.Draw(t, "zip"), Country: text.Draw(t, "country"), Use: text.Draw(t, "use")}
	})
	telecom := rapid.Custom(func(t *rapid.T) Telecom {
		return Telecom{Use: text.Draw(t, "use"), Number: text.Draw(t, "number"), Email: text.Draw(t, "email")}
	})
	contact := rapid.Custom(func(t *rapid.T) Contact {
		return Contact{Name: name.Draw(t, "name"), Relation: text.Draw(t, "relation"), Role: text.Draw(t, "role"), Phones: list(t, telecom)}
	})
	coverage := rapid.Custom(func(t *rapid.T) Coverage {
		return Coverage{Order: rapid.IntRange(-1, 12).Draw(t, "order"), Plan: text.Draw(t, "plan"), Payer: text.Draw(t, "payer"), Name: text.Draw(t, "name"),
			Member: text.Draw(t, "member"), Group: text.Draw(t, "group"), Class: text.Draw(t, "class")}
	})
	rapid.Check(t, func(t *rapid.T) {
		n := name.Draw(t, "name")
		for _, v := range []any{n, &n, list(t, address), list(t, telecom), list(t, contact), list(t, coverage), Provider{ID: text.Draw(t, "id"), Name: n}} {
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if got := Encode(v).Reveal(); got != string(want) {
				t.Fatalf("%T is %s, want %s", v, got, want)
			}
		}
	})
}

// list is none, an empty or a short list.
func list[T any](t *rapid.T, of *rapid.Generator[T]) []T {
	if rapid.Bool().Draw(t, "none") {
		return nil
	}
	return rapid.SliceOfN(of, 0, 3).Draw(t, "list")
}
