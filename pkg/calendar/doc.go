// Package calendar knows local days and business days.
//
// What it promises:
//
//   - A [Date] is a civil date without a zone. [Date.Start] is the first instant
//     of that date in a zone, also where clocks change at midnight, so a day may
//     last 23, 24 or 25 hours and two neighbouring days always meet exactly.
//   - "End of day" is the next local midnight, exclusive: [Date.End] of a day is
//     [Date.Start] of the day after it. A thing due at the end of day is late at
//     that very instant and not a nanosecond before.
//   - A business day is Monday to Friday, less the US federal holidays on the day
//     they are observed, less the closures the calendar was made with. Counting
//     starts on the day after: a Friday plus two business days is Tuesday.
//   - A [Calendar] is immutable after it is made and safe for concurrent use.
//     Its [Calendar.ID] changes when the table of holidays behind it does, so a
//     stored due date says which calendar made it.
//
// Zones are IANA names; the zone database is linked into the program, so a
// machine without one computes the same days.
package calendar
