package readmission

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestAVisitIsWrittenAsItsTagsSay(t *testing.T) {
	at, age := time.Date(2026, 11, 22, 14, 2, 3, 4000, time.UTC), 81
	whole := Visit{
		Encounter: events.NewID(), Org: events.NewID(), Patient: events.NewID(), Facility: `LAKE & "SON"`, FacilityID: events.NewID(), Kind: "snf",
		Class: "inpatient", State: "finished", AdmitType: "urgent", Principal: "I509", Disposition: "03", AdmittedAt: &at, DischargedAt: &at,
		Age: &age, Episode: events.NewID(), Sensitive: true, FoldVersion: 7,
	}
	for _, v := range []Visit{{}, whole, {Facility: "LAKE", Class: "emergency", State: "arrived", AdmittedAt: &at}} {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.JSON(nil)
		if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
}
