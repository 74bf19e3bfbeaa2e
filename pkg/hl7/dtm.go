package hl7

import (
	"errors"
	"strconv"
	"time"
)

// Precision is how much of a timestamp was sent.
type Precision uint8

// The precisions; None is that of the zero DTM.
const (
	None Precision = iota
	Year
	Month
	Day
	Hour
	Minute
	Second
	Fraction
)

// DTM is a timestamp as sent: local fields, how many of them, and the zone if one was given. It becomes an instant only
// with In. Hour may be 24 (with the rest 0): the end of that day.
type DTM struct {
	Year, Month, Day           int
	Hour, Minute, Second, Nano int
	Precision                  Precision
	HasZone                    bool
	Offset                     int // seconds east of UTC, if HasZone
}

// ErrDTM says that a value is not a timestamp. It does not quote the value: birth dates are timestamps too.
var ErrDTM = errors.New("hl7: value is not a timestamp YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+-ZZZZ]")

// ParseDTM reads YYYY[MM[DD[HH[MM[SS[.S[S...]]]]]]][+-ZZZZ] as senders really write it: with trailing spaces, a T before
// the time, ISO dashes and colons, Z, 24:00, milliseconds without a dot, and zeros for parts that are not known.
func ParseDTM(s string) (DTM, error) { return parseDTM([]byte(s)) }

// IsZero says that there is no timestamp.
func (t DTM) IsZero() bool { return t.Precision == None }

// Date is the calendar day alone, for birth dates: never shifted by a zone, whatever time of day was sent.
func (t DTM) Date() DTM {
	return DTM{Year: t.Year, Month: t.Month, Day: t.Day, Precision: min(t.Precision, Day)}
}

// In is the instant. A value without a zone is read in loc (see Message.Zone); a part that was not sent is the first
// moment of what was: a date is the start of that local day. A local time that occurs twice is its earlier occurrence;
// one that a clock change skips is read with the offset before the change.
func (t DTM) In(loc *time.Location) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	month, day := time.Month(max(t.Month, 1)), max(t.Day, 1)
	utc := time.Date(t.Year, month, day, t.Hour, t.Minute, t.Second, t.Nano, time.UTC)
	if t.HasZone {
		at := utc.Add(-time.Duration(t.Offset) * time.Second)
		if loc == nil {
			return at
		}
		return at.In(loc)
	}
	if loc == nil || loc == time.UTC {
		return utc
	}
	return localTime(utc, loc)
}

// localTime is the instant at which the clocks of loc show what utc shows.
func localTime(utc time.Time, loc *time.Location) time.Time {
	// Offsets are below 15 hours, so the one in force a day before is the one before any change nearby.
	before := offsetAt(utc.Add(-24*time.Hour), loc)
	after := offsetAt(utc.Add(24*time.Hour), loc)
	first := utc.Add(-time.Duration(before) * time.Second).In(loc)
	if before == after || offsetAt(first, loc) == before {
		return first // also the earlier of two
	}
	if second := utc.Add(-time.Duration(after) * time.Second).In(loc); offsetAt(second, loc) == after {
		return second
	}
	return first // skipped
}

func offsetAt(t time.Time, loc *time.Location) int {
	_, offset := t.In(loc).Zone()
	return offset
}

// Zone is the zone for values of this message that have none of their own: the feed's where its offset at MSH-7 agrees
// with MSH-7's, or MSH-7 has no zone; else MSH-7's. feed may be nil, meaning UTC.
func (m *Message) Zone(feed *time.Location) *time.Location {
	if feed == nil {
		feed = time.UTC
	}
	sent, err := m.segs[0].field(m, 7).DTM()
	if err != nil || !sent.HasZone || offsetAt(sent.In(nil), feed) == sent.Offset {
		return feed
	}
	return time.FixedZone("", sent.Offset)
}

// String is the value in HL7 form, with the precision and zone it has.
func (t DTM) String() string {
	var room [24]byte
	return string(t.append(room[:0]))
}

func (t DTM) append(dst []byte) []byte {
	if t.Precision == None {
		return dst
	}
	dst = appendInt(dst, t.Year, 4)
	for i, v := range [...]int{t.Month, t.Day, t.Hour, t.Minute, t.Second} {
		if t.Precision < Month+Precision(i) {
			break
		}
		dst = appendInt(dst, v, 2)
	}
	if t.Precision == Fraction {
		dst = appendInt(append(dst, '.'), t.Nano/1e5, 4)
	}
	if t.HasZone {
		sign, minutes := byte('+'), t.Offset/60
		if minutes < 0 {
			sign, minutes = '-', -minutes
		}
		dst = appendInt(append(dst, sign), minutes/60*100+minutes%60, 4)
	}
	return dst
}

func appendInt(dst []byte, v, width int) []byte {
	var b [20]byte
	s := strconv.AppendInt(b[:0], int64(v), 10)
	for n := len(s); n < width; n++ {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

// DTMOf is an instant as a timestamp of the given precision, in t's location; with zone, its offset is stated.
func DTMOf(t time.Time, p Precision, zone bool) DTM {
	d := DTM{Precision: p, Year: t.Year(), Month: int(t.Month()), Day: t.Day()}
	if p > Day {
		d.Hour, d.Minute, d.Second, d.Nano = t.Hour(), t.Minute(), t.Second(), t.Nanosecond()
	}
	if zone {
		d.HasZone = true
		_, d.Offset = t.Zone()
	}
	return d
}
