package calendar

import (
	"cmp"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/rickar/cal/v2/us"
)

// federalTable names the table of holidays behind USFederal. Raise it when the
// table changes: stored due dates carry it.
const federalTable = "us-federal@2021"

// Closure is a day on which a facility does no ordinary business, beyond the
// public holidays.
type Closure struct {
	Date Date
	Name string // empty: "a local closure"
}

const localClosure = "a local closure"

// Calendar tells business days from other days. Make one with [USFederal].
type Calendar struct {
	id       string
	closures map[Date]string
	years    sync.Map // int -> map[Date]string: the holidays observed in that year
}

// USFederal is the calendar of US federal holidays on their observed dates
// (5 U.S.C. 6103; Juneteenth from 2021), with local closures added.
func USFederal(closures ...Closure) *Calendar {
	c := &Calendar{id: federalTable, closures: make(map[Date]string, len(closures))}
	if len(closures) == 0 {
		return c
	}
	days := make([]string, 0, len(closures))
	for _, cl := range closures {
		c.closures[cl.Date] = cmp.Or(cl.Name, localClosure)
		days = append(days, cl.Date.String())
	}
	sort.Strings(days)
	c.id += "+" + strings.Join(days, "+")
	return c
}

// Named is the calendar with an ID, as far as a table of that version is linked in.
// Closures are in the ID by date alone, so their names are not.
func Named(id string) (*Calendar, error) {
	parts := strings.Split(id, "+")
	if parts[0] != federalTable {
		return nil, fmt.Errorf("calendar: no table of holidays %q here", parts[0])
	}
	var closures []Closure
	for _, text := range parts[1:] {
		d, err := ParseDate(text)
		if err != nil {
			return nil, err
		}
		closures = append(closures, Closure{Date: d})
	}
	return USFederal(closures...), nil
}

// ID names the calendar and the version of its table; two calendars with the
// same ID agree on every day.
func (c *Calendar) ID() string { return c.id }

// Closed says why d is not a business day: the weekday's name, the holiday's or
// the closure's. It is empty, and false, on a business day.
func (c *Calendar) Closed(d Date) (why string, closed bool) {
	if name, ok := c.closures[d]; ok {
		return name, true
	}
	if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
		return wd.String(), true
	}
	name, ok := c.observed(d.Year)[d]
	return name, ok
}

// IsBusinessDay reports whether d is a business day.
func (c *Calendar) IsBusinessDay(d Date) bool {
	_, closed := c.Closed(d)
	return !closed
}

// Skipped is a day a count of business days went over without counting it.
type Skipped struct {
	Date Date
	Why  string
}

// AddBusinessDays is the n-th business day after d, d itself never counting, and
// the days passed over on the way, in order. For n <= 0 it is d.
func (c *Calendar) AddBusinessDays(d Date, n int) (Date, []Skipped) {
	var skipped []Skipped
	for n > 0 {
		d = d.AddDays(1)
		if why, closed := c.Closed(d); closed {
			skipped = append(skipped, Skipped{d, why})
			continue
		}
		n--
	}
	return d, skipped
}

// BusinessDaysBetween counts the business days after from, up to and including
// to. It is 0 when to is not after from.
func (c *Calendar) BusinessDaysBetween(from, to Date) int {
	n := 0
	for d := from.AddDays(1); d.Compare(to) <= 0; d = d.AddDays(1) {
		if c.IsBusinessDay(d) {
			n++
		}
	}
	return n
}

// observed is the holidays observed in a year. A holiday of the next year may be
// observed in this one: New Year's Day 2028 is a Saturday, kept on 2027-12-31.
func (c *Calendar) observed(year int) map[Date]string {
	if days, ok := c.years.Load(year); ok {
		return days.(map[Date]string)
	}
	days := make(map[Date]string, 12)
	for _, y := range [...]int{year, year + 1} {
		for _, h := range us.Holidays {
			_, obs := h.Calc(y)
			if !obs.IsZero() && obs.Year() == year {
				days[Date{obs.Year(), obs.Month(), obs.Day()}] = h.Name
			}
		}
	}
	kept, _ := c.years.LoadOrStore(year, days)
	return kept.(map[Date]string)
}
