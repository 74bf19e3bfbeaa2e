package hl7

import "bytes"

func parseDTM(b []byte) (DTM, error) {
	p := dtmParser{rest: bytes.Trim(b, " \t")}
	t := p.date()
	if t.Precision == Day {
		p.timeOfDay(&t)
	}
	p.zone(&t)
	if p.bad || len(p.rest) > 0 || !t.valid() {
		return DTM{}, ErrDTM
	}
	return t, nil
}

// dtmParser eats digits from the left; bad sticks.
type dtmParser struct {
	rest []byte
	bad  bool
}

// digits takes exactly n digits.
func (p *dtmParser) digits(n int) int {
	if len(p.rest) < n {
		p.bad = true
		return 0
	}
	v := 0
	for _, c := range p.rest[:n] {
		if c < '0' || c > '9' {
			p.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
	}
	p.rest = p.rest[n:]
	return v
}

func (p *dtmParser) digitNext() bool {
	return len(p.rest) > 0 && p.rest[0] >= '0' && p.rest[0] <= '9'
}

func (p *dtmParser) skip(c byte) bool {
	if len(p.rest) > 0 && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *dtmParser) date() DTM {
	iso := len(p.rest) >= 10 && p.rest[4] == '-' && p.rest[7] == '-'
	t := DTM{Year: p.digits(4), Precision: Year}
	if iso {
		p.skip('-')
	}
	if !p.digitNext() {
		return t
	}
	t.Month, t.Precision = p.digits(2), Month
	if iso {
		p.skip('-')
	}
	if p.digitNext() {
		t.Day, t.Precision = p.digits(2), Day
	}
	// Zeros stand for what is not known: 19800000 is the year 1980.
	if t.Day == 0 && t.Precision == Day {
		t.Precision = Month
		p.zeros()
	}
	if t.Month == 0 {
		t.Precision = Year
		p.bad = p.bad || t.Day != 0
	}
	return t
}

// zeros takes the zeros of a time of day that belongs to no day.
func (p *dtmParser) zeros() {
	for p.skip('0') {
	}
}

func (p *dtmParser) timeOfDay(t *DTM) {
	if !p.skip('T') && len(p.rest) > 1 && p.rest[0] == ' ' {
		p.skip(' ')
	}
	if !p.digitNext() {
		return
	}
	t.Hour, t.Precision = p.digits(2), Hour
	p.skip(':')
	if !p.digitNext() {
		return
	}
	t.Minute, t.Precision = p.digits(2), Minute
	p.skip(':')
	if !p.digitNext() {
		return
	}
	t.Second, t.Precision = p.digits(2), Second
	if p.skip('.') || p.digitNext() { // some write milliseconds without the dot
		p.fraction(t)
	}
}

func (p *dtmParser) fraction(t *DTM) {
	scale := 100_000_000
	for p.digitNext() {
		t.Nano += int(p.rest[0]-'0') * scale
		scale /= 10
		t.Precision = Fraction
		p.rest = p.rest[1:]
	}
}

// zone takes Z, +hhmm, -hh:mm, +hh or nothing.
func (p *dtmParser) zone(t *DTM) {
	p.rest = bytes.TrimLeft(p.rest, " ")
	sign := 1
	switch {
	case p.skip('Z'):
		t.HasZone = true
		return
	case p.skip('-'):
		sign = -1
	case !p.skip('+'):
		return
	}
	hours, minutes := p.digits(2), 0
	p.skip(':')
	if p.digitNext() {
		minutes = p.digits(2)
	}
	p.bad = p.bad || hours > 15 || minutes > 59
	t.HasZone, t.Offset = true, sign*(hours*3600+minutes*60)
}

func (t DTM) valid() bool {
	if t.Year == 0 || t.Month > 12 || t.Day > 31 || t.Hour > 24 || t.Minute > 59 || t.Second > 60 {
		return false
	}
	if t.Precision >= Day && t.Day > daysIn(t.Year, t.Month) {
		return false
	}
	return t.Hour < 24 || t.Minute == 0 && t.Second == 0 && t.Nano == 0
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
