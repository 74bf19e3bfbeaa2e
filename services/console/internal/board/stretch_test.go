package board

import (
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestAChartShowsWhereThePatientWas(t *testing.T) {
	start := time.Date(2026, 11, 18, 8, 0, 0, 0, time.UTC)
	at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
	due := at(120)
	chart := Draw(t.Context(), []Happening{
		{Type: events.EncounterDischarged{}.Type(), Occurred: at(80), Disposition: "06"},
		{Type: events.EncounterAdmitted{}.Type(), Occurred: at(0), Class: "emergency", Unit: "ED"},
		{Type: events.EncounterUpdated{}.Type(), Occurred: at(1), Class: "emergency", Unit: "ED"},
		{Type: events.EncounterClassChanged{}.Type(), Occurred: at(5), Class: "inpatient", Unit: "ED"},
		{Type: events.EncounterTransferred{}.Type(), Occurred: at(8), Class: "inpatient", Unit: "4N"},
		{Type: events.EncounterTransferred{}.Type(), Occurred: at(9), Class: "inpatient", Unit: "4N"}, // another bed
	}, []Row{{Title: "Call", Due: &due, Open: true}}, []events.Alert{{Kind: "transition-opened", RaisedAt: at(81)}}, at(100))
	want := []struct {
		text string
		x, w int
	}{{"Emergency, ED", 0, 41}, {"Inpatient, ED", 41, 25}, {"Inpatient, 4N", 66, 600}, {"After: home with home health", 666, 334}}
	if len(chart.Bars) != len(want) {
		t.Fatalf("bars %+v, want %+v", chart.Bars, want)
	}
	for i, w := range want {
		if b := chart.Bars[i]; b.Text != w.text || b.X != w.x || b.W != w.w {
			t.Errorf("bar %d is %+v, want %+v", i, b, w)
		}
	}
	if len(chart.Marks) != 2 || chart.Marks[0].Kind != "alert" || chart.Marks[1].X != 1000 || chart.Now != 833 {
		t.Errorf("marks %+v, now at %d", chart.Marks, chart.Now)
	}
	corrected := Draw(t.Context(), []Happening{
		{Type: events.EncounterAdmitted{}.Type(), Occurred: at(0), Class: "inpatient", Unit: "4N"},
		{Type: events.EncounterDischarged{}.Type(), Occurred: at(10), Disposition: "01"},
		{Type: events.EncounterUpdated{}.Type(), Occurred: at(11), Class: "inpatient", Unit: "4N", Disposition: "03"},
	}, nil, nil, at(20))
	if n := len(corrected.Bars); n != 2 || corrected.Bars[1].Text != "After: skilled nursing facility" || !corrected.Bars[1].From.Equal(at(10)) {
		t.Errorf("bars %+v", corrected.Bars)
	}
	if empty := Draw(t.Context(), nil, nil, nil, at(0)); len(empty.Bars) != 0 {
		t.Errorf("a chart of nothing has %+v", empty)
	}
	back := Draw(t.Context(), []Happening{ // the discharge was taken back: the stay goes on
		{Type: events.EncounterAdmitted{}.Type(), Occurred: at(0), Class: "inpatient", Unit: "4N"},
		{Type: events.EncounterDischarged{}.Type(), Occurred: at(10), Disposition: "01"},
		{Type: events.EncounterDischargeCancelled{}.Type(), Occurred: at(12), Class: "inpatient", Unit: "4N"},
	}, nil, nil, at(20))
	if n := len(back.Bars); n != 3 || back.Bars[2].Text != "Inpatient, 4N" || !back.Bars[2].Going {
		t.Errorf("bars %+v", back.Bars)
	}
}
