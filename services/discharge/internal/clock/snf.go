package clock

import (
	"fmt"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Spell is a time as an inpatient of one hospital.
type Spell struct{ From, Until time.Time }

// Qualification is whether inpatient days open the coverage of a skilled nursing
// facility: 3 consecutive ones, the day of admission counting and that of discharge not.
type Qualification struct {
	Days      int      `json:"days"`
	Qualifies bool     `json:"qualifies"`
	Steps     []string `json:"steps"`
}

const qualifyingDays = 3

// Qualify counts the consecutive inpatient days before a skilled nursing facility: the
// midnights of spells each of which begins on the local day the one before it ended, in
// whatever hospitals. Only the longest run counts. Emergency and observation time is
// no spell.
func Qualify(spells []Spell, zone *time.Location) Qualification {
	spells = slices.Clone(spells)
	slices.SortFunc(spells, func(a, b Spell) int { return a.From.Compare(b.From) })
	var q Qualification
	run := 0
	for i, s := range spells {
		if i > 0 && calendar.Midnights(spells[i-1].Until, s.From, zone) > 0 {
			q.Steps = append(q.Steps, "The days before it are not consecutive with it")
			run = 0
		}
		n := max(0, calendar.Midnights(s.From, s.Until, zone))
		run += n
		q.Steps = append(q.Steps, fmt.Sprintf("Inpatient from %s to %s: %d days, the day of discharge not counting",
			s.From.In(zone).Format(instantWords), s.Until.In(zone).Format(instantWords), n))
		q.Days = max(q.Days, run)
	}
	q.Qualifies = q.Days >= qualifyingDays
	verdict := "does not qualify"
	if q.Qualifies {
		verdict = "qualifies"
	}
	q.Steps = append(q.Steps, fmt.Sprintf("%d consecutive inpatient days of the %d needed: the stay %s", q.Days, qualifyingDays, verdict))
	return q
}
