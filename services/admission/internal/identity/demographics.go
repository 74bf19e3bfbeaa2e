package identity

import (
	"time"

	"github.com/handoff-care/handoff/pkg/phi"
)

// Group is a group of demographic values that is stated, and goes stale, as one.
type Group int

// The groups. Their numbers are stored: add at the end, never renumber.
const (
	Name       Group = iota // Person, as JSON
	Birth                   // YYYY-MM-DD, or less of it
	Sex                     // HL7 0001
	Race                    // Coded list, as JSON
	Address                 // Addresses, as JSON
	ZIP3                    // first three digits of the home address
	Phones                  // Phones, as JSON
	Language                // ISO 639-1
	Death                   // "Y", "N", or "Y " and an RFC 3339 time
	Protection              // "Y" or "N": do not share
	Practice                // PCP, as JSON
	Contacts                // Contacts, as JSON
	Coverages               // Coverages, as JSON
	Payer                   // medicare, medicaid, commercial, self-pay, other
	Account                 // account number
	SSN4                    // keyed digest of the last four of the social security number
	Multiple                // of a multiple birth: "Y", or "Y " and the place in its order
	Allergies               // Allergies, as JSON
	Medicare                // keyed digest of the Medicare number
	Groups                  // how many
)

// Deleted is the value of a group that the sender deleted. It is no value of any group.
const Deleted = "null"

// Statement is what one message says of a patient, all as of one time.
type Statement struct {
	At     int64 // PID-33, else EVN-2, else MSH-7, in microseconds; see Stamp
	Values [Groups]phi.Text
}

// Stamp is a statement's place in the order of statements. Most senders write whole seconds, several
// messages in one: the number at the end of the control id orders those.
func Stamp(t time.Time, control string) int64 {
	us := t.UnixMicro()
	if us%1_000_000 != 0 {
		return us
	}
	return us + trailingNumber(control)%1_000_000
}

func trailingNumber(s string) int64 {
	var n, unit int64 = 0, 1
	for i := len(s) - 1; i >= 0 && unit < 1_000_000 && s[i] >= '0' && s[i] <= '9'; i-- {
		n += int64(s[i]-'0') * unit
		unit *= 10
	}
	return n
}

// Record is what is known of a patient: of each group the newest statement.
type Record struct {
	Stamps [Groups]int64
	Values [Groups]phi.Text
}

// Merge takes a statement in. stamped says that anything is newer now, changed that a value is another.
func (r *Record) Merge(s *Statement) (stamped, changed bool) {
	for g, v := range s.Values {
		if v.Empty() {
			continue
		}
		old := r.Values[g].Reveal()
		if hasChanges(v.Reveal()) || hasChanges(old) {
			value, stamp := mergeListed(old, r.Stamps[g], v.Reveal(), s.At)
			stamped = stamped || stamp != r.Stamps[g]
			changed = changed || value != old
			r.Stamps[g], r.Values[g] = stamp, phi.Of(value)
			continue
		}
		if s.At < r.Stamps[g] || s.At == r.Stamps[g] && v.Reveal() <= old {
			continue
		}
		stamped = stamped || s.At != r.Stamps[g]
		r.Stamps[g] = s.At
		if v.Reveal() != old {
			r.Values[g], changed = v, true
		}
	}
	if hasChanges(r.Values[Coverages].Reveal()) {
		p := payer(Items[Coverage](r, Coverages))
		changed = changed || p != r.Values[Payer].Reveal()
		r.Values[Payer] = phi.Of(p)
	}
	return stamped || changed, changed
}

// Absorb takes in what is known of another record of the same patient, group by group.
func (r *Record) Absorb(other *Record) {
	for g, v := range other.Values {
		one := Statement{At: other.Stamps[g]}
		one.Values[g] = v
		r.Merge(&one)
	}
}

// Value is a group's value; "" where there is none or it was deleted.
func (r *Record) Value(g Group) string {
	if v := r.Values[g].Reveal(); v != Deleted {
		return v
	}
	return ""
}

// BirthDate is the birth date as far as it is known; its parts that are not are the first.
func (r *Record) BirthDate() time.Time {
	v := r.Value(Birth)
	if v == "" {
		return time.Time{}
	}
	for _, layout := range [...]string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t
		}
	}
	return time.Time{}
}

// Deceased says whether the patient is known to have died, and when, if that is known.
func (r *Record) Deceased() (bool, *time.Time) {
	v := r.Value(Death)
	if v == "" || v[0] != 'Y' {
		return false, nil
	}
	if len(v) > 2 {
		if t, err := time.Parse(time.RFC3339, v[2:]); err == nil {
			return true, &t
		}
	}
	return true, nil
}

// Protected says whether the patient asked not to be shared (PD1-12).
func (r *Record) Protected() bool { return r.Value(Protection) == "Y" }
