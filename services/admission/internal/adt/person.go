package adt

import (
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// person reads what a message says of the patient, as of PID-33, else EVN-2 (recorded).
func (r *reader) person(recorded time.Time, control string) identity.Statement {
	at := recorded
	if updated := r.when(r.pid.Field(33)); updated.known {
		at = updated.at
	}
	s := identity.Statement{At: identity.Stamp(at, control)}
	set := func(g identity.Group, f hl7.Field, value func() phi.Text) {
		switch {
		case null(f):
			s.Values[g] = phi.Of(identity.Deleted)
		case !f.Empty():
			s.Values[g] = value()
		}
	}
	pid := r.pid
	set(identity.Name, pid.Field(5), func() phi.Text { return identity.Encode(personName(pid.Field(5).Name())) })
	set(identity.Birth, pid.Field(7), func() phi.Text { return phi.Of(birthDate(pid.Field(7))) })
	set(identity.Sex, pid.Field(8), func() phi.Text { return phi.Of(strings.ToUpper(pid.Value(8))) })
	set(identity.Race, pid.Field(10), func() phi.Text { return phi.Of(pid.Value(10)) })
	homes := addresses(pid.Field(11))
	set(identity.Address, pid.Field(11), func() phi.Text { return identity.Encode(homes) })
	set(identity.ZIP3, pid.Field(11), func() phi.Text { return phi.Of(zip3(homes)) })
	set(identity.Language, pid.Field(15), func() phi.Text { return phi.Of(language(pid.Value(15), pid.Field(15).Component(2).String())) })
	set(identity.Account, pid.Field(18), func() phi.Text { return phi.Of(pid.Value(18)) })
	set(identity.Phones, phoneField(pid), func() phi.Text { return identity.Encode(telecoms(pid.Field(13), pid.Field(14), pid.Field(40))) })
	s.Values[identity.Death] = r.death()
	pd1 := r.g.Segment("PD1")
	set(identity.Protection, pd1.Field(12), func() phi.Text { return phi.Of(strings.ToUpper(pd1.Value(12))) })
	set(identity.Practice, pd1.Field(4), func() phi.Text {
		x := pd1.Field(4).XCN()
		return identity.Encode(identity.Provider{ID: x.ID, Name: identity.PersonName{Family: x.Family, Given: x.Given}})
	})
	s.Values[identity.SSN4], s.Values[identity.Medicare], s.Values[identity.Multiple] = r.ssn4(), r.medicare(), r.multiple()
	s.Values[identity.Contacts] = r.contacts()
	s.Values[identity.Coverages], s.Values[identity.Payer] = r.coverage()
	s.Values[identity.Allergies] = r.allergies()
	return s
}

func phoneField(pid hl7.Segment) hl7.Field {
	for _, n := range [...]int{13, 40, 14} {
		if f := pid.Field(n); !f.Empty() {
			return f
		}
	}
	return pid.Field(13)
}

func personName(n hl7.XPN) identity.PersonName {
	return identity.PersonName{Family: n.Family, Given: n.Given, Middle: n.Middle, Suffix: n.Suffix, Prefix: n.Prefix}
}

// birthDate is the date part alone, as far as it was sent, never shifted by a zone.
func birthDate(f hl7.Field) string {
	d, err := f.DTM()
	if err != nil || d.IsZero() {
		return ""
	}
	text := d.Date().String() // as HL7 writes it
	switch len(text) {
	case 4:
		return text
	case 6:
		return text[:4] + "-" + text[4:]
	}
	return text[:4] + "-" + text[4:6] + "-" + text[6:]
}

func addresses(f hl7.Field) []identity.PostalAddress {
	var out []identity.PostalAddress
	for rep := range f.Reps() {
		x := rep.XAD()
		out = append(out, identity.PostalAddress{Street: x.Street, Other: x.Other, City: x.City, State: x.State, Zip: x.Zip, Country: x.Country, Use: x.Type})
	}
	return out
}

// zip3 is the start of the home (or legal) address's code, else of the first that has one; never of a bad one.
func zip3(list []identity.PostalAddress) string {
	best := ""
	for _, a := range list {
		if len(a.Zip) < 5 || a.Use == "BA" {
			continue
		}
		if a.Use == "H" || a.Use == "L" {
			return a.Zip[:3]
		}
		if best == "" {
			best = a.Zip[:3]
		}
	}
	return best
}

func telecoms(fields ...hl7.Field) []identity.Telecom {
	var out []identity.Telecom
	for _, f := range fields {
		for rep := range f.Reps() {
			x := rep.XTN()
			number := or(x.Number, x.Unformatted)
			if number == "" {
				number = strings.Trim(x.CountryCode+" "+x.Area+" "+x.Local, " ")
			}
			if number != "" || x.Email != "" {
				out = append(out, identity.Telecom{Use: x.Use, Number: number, Email: x.Email})
			}
		}
	}
	return out
}

// death reads PID-29 and PID-30: either says that the patient died.
func (r *reader) death() phi.Text {
	flag := r.pid.Field(30)
	if died := r.when(r.pid.Field(29)); died.known {
		return phi.Of("Y " + died.at.Format(time.RFC3339))
	}
	switch {
	case flag.Is("Y"):
		return phi.Of("Y")
	case flag.Is("N"), flag.IsNull(), r.pid.Field(29).IsNull():
		return phi.Of("N")
	}
	return phi.Text{}
}

// contacts reads the NK1 group in snapshot mode. Employers are no contacts.
func (r *reader) contacts() phi.Text {
	list := []identity.Contact{}
	sent := false
	for s := range r.g.All("NK1") {
		if s.Field(2).Empty() && s.Field(13).Empty() {
			continue
		}
		sent = true
		relation, role := s.Value(3), s.Value(7)
		if s.Field(2).Component(1).IsNull() || relation == "EMR" || role == "E" {
			continue
		}
		list = append(list, identity.Contact{Name: personName(s.Field(2).Name()), Relation: relation, Role: role, Phones: telecoms(s.Field(5))})
	}
	if !sent {
		return phi.Text{}
	}
	return identity.Encode(list)
}

// coverage reads the IN1 group. In snapshot mode it is the whole list, and the payer is that of the
// first in order; where every segment has an action (IN1-55) they are changes to single coverages.
func (r *reader) coverage() (list, payer phi.Text) {
	all := []identity.Coverage{}
	var changes []identity.Item
	sent, best, single := false, -1, true
	for s := range r.g.All("IN1") {
		if s.Field(2).Empty() && s.Field(3).Empty() && s.Field(4).Empty() {
			continue
		}
		sent = true
		if s.Field(2).Component(1).IsNull() {
			continue
		}
		c := identity.Coverage{
			Order: digits(s.Value(22)), Plan: s.Value(2), Payer: s.Value(3), Name: s.Value(4),
			Member: or(s.Value(49), s.Value(36)), Group: s.Value(8),
		}
		if c.Order == 0 {
			c.Order = digits(s.Value(1))
		}
		c.Class = payerClass(c.Payer, c.Name, s.Field(2).Component(2).String(), s.Value(15))
		action := s.Value(55)
		if single = single && action != ""; single {
			changes = append(changes, identity.Item{Key: c.ItemKey(), Gone: action == "D", Data: c})
		}
		if action == "D" {
			continue
		}
		if all = append(all, c); best < 0 || c.Order < all[best].Order {
			best = len(all) - 1
		}
	}
	switch {
	case !sent:
		return phi.Text{}, phi.Text{}
	case single && len(changes) > 0:
		return identity.EncodeChanges(changes), phi.Text{}
	}
	payer = phi.Of(identity.Deleted)
	if best >= 0 {
		payer = phi.Of(all[best].Class)
	}
	return identity.Encode(all), payer
}

// allergies reads AL1, a snapshot, or IAM, changes by IAM-6: A add, U update, D delete, X none.
func (r *reader) allergies() phi.Text {
	var changes []identity.Item
	for s := range r.g.All("IAM") {
		a := allergy(s, s.Value(7))
		if a.ItemKey() == "|" || s.Field(6).Is("X") {
			continue
		}
		changes = append(changes, identity.Item{Key: a.ItemKey(), Gone: s.Field(6).Is("D"), Data: a})
	}
	if len(changes) > 0 {
		return identity.EncodeChanges(changes)
	}
	list, sent := []identity.Allergy{}, false
	for s := range r.g.All("AL1") {
		if s.Field(3).Empty() {
			continue
		}
		sent = true
		if !s.Field(3).Component(1).IsNull() {
			list = append(list, allergy(s, ""))
		}
	}
	if !sent {
		return phi.Text{}
	}
	return identity.Encode(list)
}

func allergy(s hl7.Segment, id string) identity.Allergy {
	code := s.Field(3).CWE()
	return identity.Allergy{ID: id, Type: s.Value(2), Code: code.Code, Text: code.Text, System: code.System, Severity: s.Value(4), Reaction: s.Value(5)}
}
