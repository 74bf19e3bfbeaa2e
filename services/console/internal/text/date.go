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
	at     string // pattern of a day in words and a time
	am, pm string
}

var calendars = map[string]calendar{
	"en": {
		days:   [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		day:    "%[1]s, %[3]s %[2]d", at: "%s, %s", am: "AM", pm: "PM",
	},
	"es": {
		days:   [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		months: [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
		day:    "%s %d de %s", at: "%s, %s", am: "a. m.", pm: "p. m.",
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
