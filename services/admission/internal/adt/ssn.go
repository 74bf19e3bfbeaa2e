package adt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// digest is a keyed digest of the last four digits of a social security number, as equal numbers of
// one organization have it; empty for what is none. Nothing else of the number is kept.
func (f *Feed) digest(number string) phi.Text {
	var digits []byte
	for i := range len(number) {
		if c := number[i]; c >= '0' && c <= '9' {
			digits = append(digits, c)
		} else if c != '-' && c != ' ' && c != 'X' && c != 'x' && c != '*' {
			return phi.Text{}
		}
	}
	if len(f.Secret) == 0 || len(digits) != 4 && len(digits) != 9 || invented(string(digits)) {
		return phi.Text{}
	}
	return f.keyed("ssn4", digits[len(digits)-4:])
}

// keyed is a digest of a number that equal numbers of one organization share.
func (f *Feed) keyed(kind string, number []byte) phi.Text {
	h := hmac.New(sha256.New, f.Secret)
	h.Write([]byte(kind))
	h.Write(f.Org[:])
	h.Write(number)
	return phi.Of(hex.EncodeToString(h.Sum(nil)[:12]))
}

// medicare is the digest of a Medicare number (table 0203: MC); empty for what cannot be one.
func (f *Feed) medicare(kind, number string) phi.Text {
	number = strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(number)), "-", "")
	if len(f.Secret) == 0 || !strings.EqualFold(kind, "MC") || len(number) < 10 || strings.Trim(number, number[:1]) == "" {
		return phi.Text{}
	}
	return f.keyed("medicare", []byte(number))
}

// invented: no number is issued like this, and registrars type it where they know none.
func invented(digits string) bool {
	last := digits[len(digits)-4:]
	if last == "0000" || last == "9999" {
		return true
	}
	if len(digits) < 9 {
		return false
	}
	return strings.Trim(digits, digits[:1]) == "" || digits[:3] == "000" || digits[:3] == "666" || digits[0] == '9' ||
		digits[3:5] == "00" || digits == "123456789" || digits == "078051120"
}

// ssn4 is the digest of the number in PID-19, or in PID-3 with type SS.
func (r *reader) ssn4() phi.Text {
	f := r.pid.Field(19)
	if f.IsNull() {
		return phi.Of(identity.Deleted)
	}
	number := f.String()
	for rep := range r.pid.Field(3).Reps() {
		if number == "" && strings.EqualFold(rep.Component(5).String(), "SS") {
			number = rep.Component(1).String()
		}
	}
	return r.feed.digest(number)
}

// medicare is the digest of the Medicare number among the patient's identifiers (PID-3).
func (r *reader) medicare() (out phi.Text) {
	for rep := range r.pid.Field(3).Reps() {
		if kind := rep.Component(5).String(); out.Empty() && strings.EqualFold(kind, "MC") {
			out = r.feed.medicare(kind, rep.Component(1).String())
		}
	}
	return out
}

// multiple is whether the patient is one of twins or more (PID-24), and which (PID-25).
func (r *reader) multiple() phi.Text {
	switch f := r.pid.Field(24); {
	case f.IsNull():
		return phi.Of(identity.Deleted)
	case f.Is("Y"):
		return phi.Of(strings.TrimSpace("Y " + r.pid.Value(25)))
	}
	return phi.Text{}
}

// medicare is the digest of the Medicare number among the identifiers.
func (p *JSONPatient) medicare(feed *Feed) (out phi.Text) {
	for _, i := range p.Identifiers {
		if out.Empty() {
			out = feed.medicare(i.Type, i.Value)
		}
	}
	return out
}

// ssn4 is the digest of the last four, said so or of an identifier of type SS.
func (p *JSONPatient) ssn4(feed *Feed) phi.Text {
	number := p.SSN4
	for _, i := range p.Identifiers {
		if number == "" && strings.EqualFold(i.Type, "SS") {
			number = i.Value
		}
	}
	return feed.digest(number)
}
