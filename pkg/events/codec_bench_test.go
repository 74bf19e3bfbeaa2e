package events

import (
	"runtime"
	"strconv"
	"testing"
	"time"
)

// typical are documents of the traffic of a day.
func typical() map[string]Event {
	at := time.Date(2026, 10, 16, 14, 2, 7, 123_456_000, time.UTC)
	before, due, age, six := at.Add(-96*time.Hour), at.Add(48*time.Hour), 81, 2
	encounter := Encounter{
		ID: NewID(), Patient: NewID(), Facility: "ST-MARY", FacilityID: NewID(), Zone: "America/New_York", Unit: "4-WEST", Class: "inpatient", State: "finished",
		AdmittedAt: &before, InpatientAt: &before, DischargedAt: &at, Disposition: "03", AdmitType: "emergency", AdmitSource: "7", Service: "CAR",
		Diagnoses: []string{"I5023", "E119", "N183", "I10"}, Attending: "1234567893", Age: &age, Sex: "F", ZIP3: "100", Language: "en", Payer: "medicare",
		PriorED6m: &six, FoldVersion: 7, PriorAdmissions12m: &six, PriorED12m: &six,
	}
	transition := Transition{
		ID: NewID(), Encounter: encounter.ID, Patient: encounter.Patient, Facility: "ST-MARY", FacilityID: encounter.FacilityID, Zone: encounter.Zone, Unit: "4-WEST",
		State: "active", Version: 1, Class: "inpatient", Disposition: "03", AdmittedAt: &before, DischargedAt: &at, Protocols: []string{"heart-failure@3", "snf-transfer@2"},
		Needs: []string{"snf"}, Diagnoses: encounter.Diagnoses, Age: &age, Sex: "F", ZIP3: "100", Language: "en", Payer: "medicare", OpenTasks: 6, SettlesAt: &due,
		Risk: &Risk{Score: "LACE", Variant: "index", Min: 12, Max: 14, Band: "high", Missing: []string{"charlson"}, Version: "2024-1",
			Reasons: []string{"length of stay 4 days: 4", "acute admission: 3", "comorbidity: at least 3", "2 emergency visits: 2"}},
	}
	opened := TransitionOpened{Of{Transition: transition}}
	for i := range 6 {
		opened.Tasks = append(opened.Tasks, Task{
			ID: NewID(), Transition: transition.ID, Encounter: encounter.ID, Patient: encounter.Patient, Facility: "ST-MARY", Unit: "4-WEST",
			Code: "follow-up-" + strconv.Itoa(i), Title: "Call the patient within 2 business days", State: "requested", Version: 1, OwnerRole: "liaison", Priority: "urgent",
			DueAt: &due, Protocols: []string{"heart-failure@3"},
		})
	}
	alert := Alert{
		ID: NewID(), Encounter: encounter.ID, Transition: transition.ID, Facility: "ST-MARY", Unit: "4-WEST", Kind: "transition-opened", Cause: NewID(), State: "raised",
		Severity: "high", Version: 1, Recipients: []string{"role:liaison", "unit:4-WEST"}, OccurredAt: at, ReceivedAt: at, RaisedAt: at,
	}
	out := map[string]Event{}
	for _, f := range []Fact{
		EncounterUpdated{About{Encounter: encounter, Previous: map[string]string{"disposition": "01", "state": "in-progress"}}}, opened, AlertRaised{Notice{alert}},
	} {
		e := golden(f)
		e.ID, e.Cause, e.Org = NewID(), NewID(), NewID()
		out[f.Type()] = e
	}
	return out
}

func BenchmarkDecode(b *testing.B) {
	for name, e := range typical() {
		head, err := e.Head()
		if err != nil {
			b.Fatal(err)
		}
		doc := Tail(head, 1, 2)
		for how, read := range map[string]func([]byte) (Event, error){"codec": Decode, "encoding-json": unmarshal} {
			b.Run(name+"/"+how, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(doc)))
				for b.Loop() {
					if _, err := read(doc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkHead(b *testing.B) {
	for name, e := range typical() {
		b.Run(name+"/codec", func(b *testing.B) {
			b.ReportAllocs()
			var space []byte
			for b.Loop() {
				head, err := e.AppendHead(space[:0])
				if err != nil {
					b.Fatal(err)
				}
				space = head
			}
		})
		b.Run(name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.marshalHead(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkKept measures what an event takes as long as a consumer remembers it: the bus remembers 8192.
func BenchmarkKept(b *testing.B) {
	for name, e := range typical() {
		var docs [][]byte
		for range 2048 {
			e.ID, e.Cause = NewID(), NewID()
			head, err := e.Head()
			if err != nil {
				b.Fatal(err)
			}
			docs = append(docs, Tail(head, 1, 2))
		}
		for how, read := range map[string]func([]byte) (Event, error){"codec": Decode, "encoding-json": unmarshal} {
			b.Run(name+"/"+how, func(b *testing.B) {
				for b.Loop() {
					before, kept := live(), make([]Event, len(docs))
					for i, doc := range docs {
						kept[i], _ = read(doc)
					}
					b.ReportMetric(float64(live()-before)/float64(len(docs)), "B/event")
					b.ReportMetric(float64(len(docs[0])), "B/document")
					runtime.KeepAlive(kept)
				}
			})
		}
	}
}

// live is the heap that is in use.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
