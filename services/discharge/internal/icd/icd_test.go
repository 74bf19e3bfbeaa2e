package icd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatchSortsCodesIntoGroupsByPrefix(t *testing.T) {
	table, err := New(map[string][]string{
		"heart-failure": {"I50", "I110"}, "cancer": {"C00-C26", "C81"}, "diabetes": {"E11"}, "eyes": {"E113"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		codes []string
		want  []string
	}{
		{"no codes", nil, nil},
		{"with a dot and in lower case", []string{"i50.9"}, []string{"heart-failure"}},
		{"one code in two groups", []string{"E11319"}, []string{"diabetes", "eyes"}},
		{"a group once, however many codes", []string{"I509", "I110", "I5022"}, []string{"heart-failure"}},
		{"inside a range and at its ends", []string{"C00", "C184", "C269"}, []string{"cancer"}},
		{"just outside a range", []string{"C270"}, nil},
		{"a parent of a listed code is not that code", []string{"I11"}, nil},
		{"SNOMED CT and ICD-9 belong to none", []string{"84114007", "42800"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, table.Match(c.codes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNewRefusesWhatCannotBeACode(t *testing.T) {
	for _, p := range []string{"", "I5", "50I", "I50.9", "C26-C00", "C00-D02", "i50"} {
		if _, err := New(map[string][]string{"x": {p}}); err == nil {
			t.Errorf("%q was taken", p)
		}
	}
	if _, err := New(map[string][]string{"x": nil}); err == nil {
		t.Error("an empty group was taken")
	}
}

func TestTablesOfMoreThanSixtyFourGroupsMatchAll(t *testing.T) {
	groups := map[string][]string{}
	for c := 'A'; c <= 'Z'; c++ {
		for n := '0'; n <= '3'; n++ {
			groups[string(c)+string(n)] = []string{string(c) + string(n) + "0"}
		}
	}
	table, err := New(groups)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A0", "Z3"}, table.Match([]string{"Z30", "A009"})); diff != "" {
		t.Error(diff)
	}
}
