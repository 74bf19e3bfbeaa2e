package calendar

import (
	"fmt"
	"time"
)

// Date is a day in the civil calendar, without a zone. The zero Date is not a
// day; [Date.IsZero] tells. Dates compare with == and order with [Date.Compare].
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the civil date on the clocks of loc at instant t.
func DateOf(t time.Time, loc *time.Location) Date {
	y, m, d := t.In(loc).Date()
	return Date{y, m, d}
}

// ParseDate reads an ISO 8601 date such as 2026-11-25. It fails on anything else.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("calendar: %q is not a date like 2026-11-25", s)
	}
	return DateOf(t, time.UTC), nil
}

// IsZero reports whether d is the zero Date, which is no day at all.
func (d Date) IsZero() bool { return d == Date{} }

// String writes d as ISO 8601: 2026-11-25.
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// Weekday is the day of the week of d.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// AddDays is the date n days after d; n may be negative.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC), time.UTC)
}

// DaysUntil is the number of days from d to e, negative when e is earlier.
func (d Date) DaysUntil(e Date) int {
	return int(e.utc().Sub(d.utc()) / (24 * time.Hour))
}

// Compare is -1 when d is before e, 0 when they are the same day, +1 after.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// Start is the first instant of d in loc: local midnight, or the first instant
// after it where the clocks skip midnight, or the first of two midnights.
func (d Date) Start(loc *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
	// Almost every midnight is far from a change of clocks; there time.Date is right.
	const near = 26 * time.Hour
	from, to := t.ZoneBounds()
	if (from.IsZero() || t.Sub(from) > near) && (to.IsZero() || to.Sub(t) > near) {
		return t
	}
	return d.startNearChange(loc)
}

// End is the first instant after d in loc: the start of the next day.
func (d Date) End(loc *time.Location) time.Time { return d.AddDays(1).Start(loc) }

// startNearChange walks the stretches of constant offset around d, in order, and
// returns the first instant at which the local date is d or later. [time.Date]
// does not say which instant it picks when midnight is skipped or repeated.
func (d Date) startNearChange(loc *time.Location) time.Time {
	midnight := d.utc()
	at := midnight.Add(-30 * time.Hour).In(loc)
	for {
		from, to := at.ZoneBounds()
		_, offset := at.Zone()
		start := midnight.Add(-time.Duration(offset) * time.Second)
		if !from.IsZero() && start.Before(from) {
			start = from
		}
		if to.IsZero() || start.Before(to) {
			return start.In(loc)
		}
		at = to
	}
}

func (d Date) utc() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// Midnights counts the local midnights crossed in going from one instant to
// another: the "midnight count" of inpatient rules. It is negative when to is
// on an earlier local day.
func Midnights(from, to time.Time, loc *time.Location) int {
	return DateOf(from, loc).DaysUntil(DateOf(to, loc))
}
