package text

import (
	"context"
	"fmt"
	"time"
)

// calendar is how a language says days.
type calendar struct {
	days   [7]string // Sunday first
	months [12]string
	day    string // pattern of the day's name, its number, the month
	year   string // pattern of a day in words and its year
	born   string // pattern of the month, the day's number, the year
	date   string // pattern of the day's number, the month
	at     string // pattern of a day in words and a time
	short  int    // letters of a day's and a month's name where there is little room
	am, pm string
}

var calendars = map[string]calendar{
	"en": {
		days:   [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		day:    "%[1]s, %[3]s %[2]d", year: "%s, %d", born: "%[1]s %[2]d, %[3]d", date: "%[2]s %[1]d", at: "%s, %s", short: 3, am: "AM", pm: "PM",
	},
	"es": {
		days:   [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		months: [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
		day:    "%s %d de %s", year: "%s de %d", born: "%[2]d de %[1]s de %[3]d", date: "%d de %s", at: "%s, %s", short: 3, am: "a. m.", pm: "p. m.",
	},
}

// Day says a day in words, as of t's own zone: "Monday, January 2".
func Day(ctx context.Context, t time.Time) string {
	c := calendars[Of(ctx).Code]
	return fmt.Sprintf(c.day, c.days[t.Weekday()], t.Day(), c.months[t.Month()-1])
}

// Weekday says the day of the week: "Monday".
func Weekday(ctx context.Context, t time.Time) string {
	return calendars[Of(ctx).Code].days[t.Weekday()]
}

// Clock says a time of the day: "3:04 PM".
func Clock(ctx context.Context, t time.Time) string {
	c := calendars[Of(ctx).Code]
	half := c.am
	if t.Hour() >= 12 {
		half = c.pm
	}
	return t.Format("3:04") + " " + half
}

// Moment says a day and a time: "Monday, January 2, 3:04 PM".
func Moment(ctx context.Context, t time.Time) string {
	return fmt.Sprintf(calendars[Of(ctx).Code].at, Day(ctx, t), Clock(ctx, t))
}

// Short says a day and a time where there is little room: "Mon, Jan 2, 3:04 PM".
func Short(ctx context.Context, t time.Time) string {
	c := calendars[Of(ctx).Code]
	brief := func(name string) string { return string([]rune(name)[:c.short]) }
	return fmt.Sprintf(c.at, fmt.Sprintf(c.day, brief(c.days[t.Weekday()]), t.Day(), brief(c.months[t.Month()-1])), Clock(ctx, t))
}

// Exact says a moment so that nobody can take it for another: "Monday, January 2, 2006, 3:04 PM EST".
func Exact(ctx context.Context, t time.Time) string {
	c := calendars[Of(ctx).Code]
	return fmt.Sprintf(c.at, fmt.Sprintf(c.year, Day(ctx, t), t.Year()), Clock(ctx, t)) + " " + t.Format("MST")
}

// Date says a day of this year: "January 2".
func Date(ctx context.Context, t time.Time) string {
	c := calendars[Of(ctx).Code]
	return fmt.Sprintf(c.date, t.Day(), c.months[t.Month()-1])
}

// Birthday says a day of any year: "January 2, 1944".
func Birthday(ctx context.Context, t time.Time) string {
	c := calendars[Of(ctx).Code]
	return fmt.Sprintf(c.born, c.months[t.Month()-1], t.Day(), t.Year())
}
