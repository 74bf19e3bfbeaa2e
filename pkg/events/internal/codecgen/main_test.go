package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommittedCodecIsOfTheseDeclarations: as `make verify`, for whoever runs the tests alone.
func TestCommittedCodecIsOfTheseDeclarations(t *testing.T) {
	const events = "../.."
	files, err := filepath.Glob(filepath.Join(events, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(folder); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(folder, generated))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(events, generated))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("the declarations have changed: make generate")
	}
}

// TestWhatHasNoCodeIsRefusedByName: nothing is left out of documents silently.
func TestWhatHasNoCodeIsRefusedByName(t *testing.T) {
	for field, want := range map[string]string{
		"At float64 `json:\"at\"`":                                            "F.At: no code for float64",
		"At *[]string `json:\"at,omitempty\"`":                                "F.At: no code for",
		"At []time.Time `json:\"at,omitempty\"`":                              "F.At: no code for",
		"At map[string]int `json:\"at,omitempty\"`":                           "F.At: no code for",
		"At any `json:\"at,omitempty\"`":                                      "F.At: no code for",
		"At **int `json:\"at,omitempty\"`":                                    "F.At: no code for",
		"At time.Time `json:\"at,omitzero\"`":                                 "F.At: no code for omitzero of time.Time",
		"At time.Time `json:\"at,omitempty\"`":                                "F.At: no code for omitempty of time.Time",
		"At int `json:\"at,string\"`":                                         "F.At: no code for string of int",
		"At int `json:\"at,omitempty,omitzero\"`":                             "F.At: no code for omitempty,omitzero of int",
		"At *int `json:\"at\"`":                                               "F.At: a pointer that is not omitempty",
		"At int":                                                              "F.At has no name",
		"At int `json:\"-\"`":                                                 "F.At has no name",
		"at int `json:\"at\"`":                                                "F.at has no name",
		"At int `json:\"at\"`; Other int `json:\"AT\"`":                       "F has two members AT",
		"At int `json:\"at\"`; time.Time":                                     "time.Time is not a struct of this package",
		"At G `json:\"at\"` }; type G struct { In float64 `json:\"in\"`":      "G.In: no code for float64",
		"At []G `json:\"at\"` }; type G struct { In float64 `json:\"in\"`":    "G.In: no code for float64",
		"At int `json:\"at\"`; G }; type G struct { In string `json:\"At\"` ": "F has two members At",
	} {
		t.Run(field, func(t *testing.T) {
			folder := t.TempDir()
			text := "package events\ntype F struct { " + field + " }\nfunc (F) Type() string { return \"care.f.v1\" }\n"
			if err := os.WriteFile(filepath.Join(folder, "f.go"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run(folder)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}
