package readmission

import (
	"bytes"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
)

// Visit is a stay as far as it matters to a person's other stays.
type Visit struct {
	Encounter    events.ID  `json:"-"`
	Org          events.ID  `json:"-"`
	Patient      events.ID  `json:"-"`
	Facility     string     `json:"facility"`
	FacilityID   events.ID  `json:"facility_id"`
	Kind         string     `json:"facility_type,omitempty"` // empty: nobody has said
	Class        string     `json:"class"`
	State        string     `json:"state"`
	AdmitType    string     `json:"admit_type,omitempty"`
	Principal    string     `json:"principal,omitempty"` // the first diagnosis
	Disposition  string     `json:"disposition,omitempty"`
	AdmittedAt   *time.Time `json:"admitted_at,omitempty"`
	DischargedAt *time.Time `json:"discharged_at,omitempty"`
	Age          *int       `json:"age,omitempty"`
	Episode      events.ID  `json:"episode_id,omitzero"` // the emergency visit that led here, where admission says so
	Sensitive    bool       `json:"sensitive,omitempty"`
	FoldVersion  int64      `json:"-"`
}

// Of is a stay as a visit to a facility of a type.
func Of(org events.ID, s events.Encounter, kind string) Visit {
	v := Visit{
		Encounter: s.ID, Org: org, Patient: s.Patient, Facility: s.Facility, FacilityID: s.FacilityID, Kind: kind, Class: s.Class, State: s.State,
		AdmitType: s.AdmitType, Disposition: s.Disposition, AdmittedAt: s.AdmittedAt, DischargedAt: s.DischargedAt, Age: s.Age,
		Episode: s.Episode, Sensitive: s.Sensitive, FoldVersion: s.FoldVersion,
	}
	if len(s.Diagnoses) > 0 {
		v.Principal = s.Diagnoses[0]
	}
	if v.present() && v.State != "finished" {
		v.State = "in-progress" // arrived, in progress and on leave are one thing here
	}
	return v
}

// Same reports whether two visits say the same, whatever their versions.
func (v Visit) Same(w Visit) bool {
	if !same(v.AdmittedAt, w.AdmittedAt) || !same(v.DischargedAt, w.DischargedAt) || (v.Age == nil) != (w.Age == nil) || v.Age != nil && *v.Age != *w.Age {
		return false
	}
	v.AdmittedAt, v.DischargedAt, v.Age, v.FoldVersion = w.AdmittedAt, w.DischargedAt, w.Age, w.FoldVersion
	return v == w
}

func same(a, b *time.Time) bool { return a == nil && b == nil || a != nil && b != nil && a.Equal(*b) }

// present reports whether the patient is or was there.
func (v Visit) present() bool {
	switch v.State {
	case "arrived", "in-progress", "onleave", "finished":
		return v.AdmittedAt != nil
	}
	return false
}

// cared reports whether a stay was no acute care: a nursing facility, rehabilitation...
func (r *Rules) cared(v Visit) bool { return v.Kind != "" && slices.Contains(r.NotAcute.Types, v.Kind) }

// left reports whether the patient left alive.
func (v Visit) left() bool {
	switch v.Disposition {
	case "20", "40", "41", "42":
		return false
	}
	return v.State == "finished" && v.DischargedAt != nil
}

// Near reports whether one of two visits may matter to the other.
func (r *Rules) Near(a, b Visit) bool {
	return a.Encounter != b.Encounter && (r.follows(a, b) || r.follows(b, a))
}

// follows: b may be heard of in the days after a, by any zone's dates.
func (r *Rules) follows(a, b Visit) bool {
	if b.AdmittedAt == nil {
		return false
	}
	from := a.DischargedAt
	if from == nil {
		from = a.AdmittedAt
	}
	if from == nil {
		return false
	}
	reach := time.Duration(r.reach+2) * 24 * time.Hour
	return !b.AdmittedAt.Before(*from) && b.AdmittedAt.Before(from.Add(reach))
}

// days are the local dates from one instant to another.
func days(from, to time.Time, zone *time.Location) int {
	return calendar.DateOf(from, zone).DaysUntil(calendar.DateOf(to, zone))
}

// arrival is a return in the making: the stay the person came with, and what it led to.
type arrival struct {
	Visit
	led *Visit // another stay, that this emergency visit led to
}

// last is the stay that tells what became of the arrival.
func (a arrival) last() Visit {
	if a.led != nil {
		return *a.led
	}
	return a.Visit
}

// arrivals are a person's arrivals in the order of time, those that were led to by an
// emergency visit joined with it. The visit named index is nobody's arrival, nor is
// what it led to.
func (r *Rules) arrivals(all []Visit, index events.ID) []arrival {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Visit) int { return a.compare(b) })
	var out []arrival
	at := map[events.ID]int{}
	for i := range sorted {
		v := sorted[i]
		if !v.present() || !slices.Contains(r.Arrivals, v.Class) {
			continue
		}
		from := r.ledBy(v, sorted)
		if v.Encounter == index || from == index {
			continue
		}
		if j, ok := at[from]; ok && out[j].led == nil {
			out[j].led = &sorted[i]
			continue
		}
		at[v.Encounter] = len(out)
		out = append(out, arrival{Visit: v})
	}
	return out
}

func (v Visit) compare(w Visit) int {
	switch a, b := v.AdmittedAt, w.AdmittedAt; {
	case a == nil && b != nil:
		return -1
	case a != nil && b == nil:
		return 1
	case a != nil && !a.Equal(*b):
		return a.Compare(*b)
	case (v.Class == "emergency") != (w.Class == "emergency"):
		if v.Class == "emergency" {
			return -1
		}
		return 1
	}
	return bytes.Compare(v.Encounter[:], w.Encounter[:])
}

// ledBy is the emergency visit that led to a stay, or the zero ID.
func (r *Rules) ledBy(v Visit, sorted []Visit) (from events.ID) {
	if v.Class == "emergency" {
		return from
	}
	for _, e := range sorted {
		switch {
		case e.Encounter == v.Encounter || e.Class != "emergency" || !e.present():
		case v.Episode == e.Encounter:
			return e.Encounter
		case v.Episode.IsZero() && r.leads(e, v):
			from = e.Encounter // the latest
		}
	}
	return from
}

func (r *Rules) leads(e, v Visit) bool {
	if e.FacilityID != v.FacilityID || e.AdmittedAt.After(*v.AdmittedAt) {
		return false
	}
	end := *e.AdmittedAt
	if e.DischargedAt != nil {
		if !slices.Contains(r.Episode.Dispositions, e.Disposition) {
			return false
		}
		end = *e.DischargedAt
	}
	return v.AdmittedAt.Before(end.Add(time.Duration(r.Episode.Hours) * time.Hour))
}

// Ended is when a stay was over; nil while it is not.
func (v Visit) Ended() *time.Time {
	switch {
	case v.DischargedAt != nil:
		return v.DischargedAt
	case v.present() && v.State != "finished":
		return nil
	case v.AdmittedAt != nil:
		return v.AdmittedAt
	}
	return &time.Time{}
}

// Present reports whether the patient is or was there.
func (v Visit) Present() bool { return v.present() }
