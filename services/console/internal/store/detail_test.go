package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

var at = time.Date(2026, 11, 22, 14, 2, 3, 4000, time.UTC)

var details = []Detail{
	{},
	{State: "in-progress", Class: "inpatient", Unit: "4W", Previous: map[string]string{"unit": "ICU", "class": ""}},
	{
		Subject: events.Derive("task"), Code: "tcm-contact", Title: `Call the patient & say "hello"`, State: "requested", Reason: "replanned", Outcome: "reached",
		Owner: "p-1", By: "p-2", Unit: "4W", Class: "inpatient", Disposition: "03", Due: &at, Previous: map[string]string{"due_at": "x"}, To: []string{"role:liaison", ""},
	},
}

func TestALineIsWrittenAsItsTagsSay(t *testing.T) {
	for _, d := range details {
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.json(nil)
		if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
			t.Error(err, diff)
		}
		var back Detail
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, back); diff != "" {
			t.Error(diff)
		}
	}
}
