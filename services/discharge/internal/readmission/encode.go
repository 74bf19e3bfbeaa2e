package readmission

import "github.com/handoff-care/handoff/pkg/events"

// JSON writes a visit into room as its fields' tags say, by hand: one is written for nearly every
// message about a stay.
func (v *Visit) JSON(room []byte) ([]byte, error) {
	o := events.NewObject(room)
	o.Text("facility", v.Facility)
	o.ID("facility_id", v.FacilityID)
	o.SomeText("facility_type", v.Kind)
	o.Text("class", v.Class)
	o.Text("state", v.State)
	o.SomeText("admit_type", v.AdmitType)
	o.SomeText("principal", v.Principal)
	o.SomeText("disposition", v.Disposition)
	o.SomeTime("admitted_at", v.AdmittedAt)
	o.SomeTime("discharged_at", v.DischargedAt)
	o.SomeInt("age", v.Age)
	o.SomeID("episode_id", v.Episode)
	o.SomeTrue("sensitive", v.Sensitive)
	return o.Close()
}
