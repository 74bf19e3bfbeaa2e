package protocol

import (
	"fmt"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// check plans a bare stay for every disposition code and class that opens a
// transition, so that a set whose base protocols leave one without a task, on any
// day a version begins, is refused when it is read and not at somebody's discharge.
func (l *loader) check() {
	for _, on := range l.set.days() {
		for _, class := range []string{"inpatient", "observation", "obstetrics", "newborn"} {
			for code := -1; code < 100; code++ {
				stay := Stay{Class: class, AdmittedAt: on, DischargedAt: on}
				if code >= 0 {
					stay.Disposition = fmt.Sprintf("%02d", code)
				}
				plan, err := l.set.Plan(stay, clock.Where{Zone: time.UTC, Calendar: calendar.USFederal()})
				if err != nil || len(plan.Tasks) == 0 {
					l.problem("no base protocol for class %s, disposition %q on %s: the last base must hold always (%v)",
						class, stay.Disposition, on.Format(time.DateOnly), err)
					return
				}
			}
		}
	}
}

// days are the noon of each day on which some version begins.
func (s *Set) days() []time.Time {
	seen := make(map[calendar.Date]bool)
	var out []time.Time
	for _, versions := range s.bases {
		for _, p := range versions {
			for _, d := range []calendar.Date{p.from, p.until.AddDays(1)} {
				if d.Year > 1900 && !seen[d] {
					seen[d] = true
					out = append(out, d.Start(time.UTC).Add(12*time.Hour))
				}
			}
		}
	}
	if len(out) == 0 {
		out = append(out, time.Date(2100, 1, 1, 12, 0, 0, 0, time.UTC))
	}
	return out
}

// order refuses base protocols that stand behind one that always holds: nobody would
// ever get them.
func (l *loader) order() {
	for i, versions := range l.set.bases {
		for _, p := range versions {
			if p.text == "true" && p.until.IsZero() && i < len(l.set.bases)-1 {
				behind := l.set.bases[i+1][0]
				l.problem("%s: protocol %s: never chosen, since %s before it always holds; files are read in the order of their names",
					behind.file, behind.code, p.code)
				return
			}
		}
	}
}
