package adt

import (
	"strings"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// ActKind is what a message does to names of patients and stays.
type ActKind uint8

// The kinds. From and To are names; whoever is called From is meant by To from now on.
const (
	MergePatients  ActKind = iota + 1 // two records of one patient
	MovePatient                       // an identifier, with what is under it, given to another patient
	RenamePatient                     // one patient, another identifier
	JoinVisits                        // a stay or account merged into another
	RenameVisit                       // one stay or account, another number
	MoveAccount                       // an account's stays given to another patient
	LinkPatients                      // one person, two records that stay apart
	UnlinkPatients                    //
	DeletePerson                      // the person was entered in error
)

// Act is one of them.
type Act struct {
	Kind      ActKind
	From      identity.Identifier // the retired, the moved or the other patient
	To        identity.Identifier // the surviving one; one of the command's own identifiers
	FromVisit Visit
	ToVisit   Visit
}

// mergers read one group (PID and what follows) of a message about names. They return what is wrong
// with it, if nothing can be done.
var mergers = map[string]func(r *reader, c *Command) string{
	"A18": patients(MergePatients), "A30": patients(MergePatients), "A34": patients(MergePatients),
	"A39": patients(MergePatients), "A40": patients(MergePatients),
	"A36": both, "A35": accounts(JoinVisits), "A41": accounts(JoinVisits), "A42": visits(JoinVisits),
	"A43": patients(MovePatient), "A44": moveAccount, "A45": moveVisits,
	"A46": patients(RenamePatient), "A47": patients(RenamePatient), "A48": patients(RenamePatient),
	"A49": accounts(RenameVisit), "A50": visits(RenameVisit), "A51": visits(RenameVisit),
	"A24": link, "A37": link, "A17": swap,
}

// groups reads each {PID ... MRG ...} of a message. One that is of no use does not spoil the others;
// if none is, the message is set aside for the reason of the first.
func (r *reader) groups(c *Command, read func(r *reader, c *Command) string) (*Command, Verdict) {
	var found []*Command
	var why Verdict
	for g := range r.m.Groups("PID") {
		part := &Command{Trigger: c.Trigger}
		r.open(g)
		v := r.command(part, g, 0)
		if v.Reason == NoPatient && r.legacy(part) {
			v = Verdict{}
		}
		if v == (Verdict{}) {
			if reason := read(r, part); reason != "" {
				v = set(reason)
			}
		}
		if v == (Verdict{}) {
			found = append(append(found, part), part.More...)
			part.More = nil
		} else if why == (Verdict{}) {
			why = v
		}
	}
	switch pairwise := c.Trigger == "A24" || c.Trigger == "A37" || c.Trigger == "A17"; {
	case len(found) == 0 && why == (Verdict{}):
		return c, Verdict{Quarantined, NoPatient}
	case len(found) == 0:
		return c, why
	case pairwise && len(found) < 2:
		return c, Verdict{Quarantined, OnePatient}
	case c.Trigger != "A17" && pairwise:
		join(found)
	}
	found[0].More = found[1:]
	return found[0], Verdict{}
}

// set is the verdict of a reason: nothing to do is no mistake, the rest is.
func set(reason string) Verdict {
	if reason == SameID {
		return Verdict{Ignored, reason}
	}
	return Verdict{Quarantined, reason}
}

// legacy reads a patient who is named in PID-2 alone, as messages before version 2.3 may.
func (r *reader) legacy(c *Command) bool {
	c.Identifiers = identifiers(r.pid.Field(2), r.fac)
	if len(c.Identifiers) == 0 {
		return false
	}
	r.times(&c.Fact, 0, r.received)
	c.Fact.Control, c.Fact.Hash, c.Fact.Received = r.m.ControlID(), r.hash, r.received
	c.Person = r.person(c.Fact.Recorded, c.Fact.Control)
	c.Visit = r.visit()
	return true
}

// patients reads a merge, move or change of patient identifiers: MRG-1 (before 2.3 MRG-4) into PID-3.
func patients(kind ActKind) func(r *reader, c *Command) string {
	return func(r *reader, c *Command) string {
		named := false
		for mrg := range r.g.All("MRG") {
			f := mrg.Field(1)
			if f.Empty() || f.IsNull() {
				f = mrg.Field(4)
			}
			for _, p := range r.pair(f, c.Identifiers) {
				named = true
				if p.From.Key != p.To.Key {
					p.Kind = kind
					c.Acts = append(c.Acts, p)
				}
			}
		}
		c.Identifiers = without(c.Identifiers, c.Acts)
		switch {
		case !named:
			return NoPrior
		case len(c.Acts) == 0:
			return SameID
		}
		return ""
	}
}

// pair finds for each prior identifier the one of PID-3 that takes its place: that of its type and
// authority, else, if it has neither, the one in its position. What has no counterpart is left alone.
// An identifier without type or authority has those of its counterpart. Several of one type go into one.
func (r *reader) pair(prior hl7.Field, into []identity.Identifier) (out []Act) {
	single := count(prior) == 1
	at := -1
	for rep := range prior.Reps() {
		from, ok := identifier(rep, r.fac)
		if at++; !ok {
			continue
		}
		to, found := counterpart(from, into)
		bare := rep.Component(5).Empty() && !from.Stated
		if !found && (bare || single && len(own(into)) == 1) {
			if list := own(into); len(list) > 0 {
				to, found = list[min(at, len(list)-1)], true
			}
		}
		if !found {
			continue
		}
		if bare {
			from = identity.NewIdentifier(r.fac.Org, to.Kind, to.Authority, to.Stated, from.Value.Reveal())
		}
		out = append(out, Act{From: from, To: to})
	}
	return keepOwn(out)
}

func count(f hl7.Field) (n int) {
	for range f.Reps() {
		n++
	}
	return n
}

// counterpart is the identifier of the same type and authority.
func counterpart(from identity.Identifier, list []identity.Identifier) (identity.Identifier, bool) {
	for _, id := range list {
		if id.Kind == from.Kind && id.Authority == from.Authority && id.Key != from.Key {
			return id, true
		}
	}
	for _, id := range list {
		if id.Key == from.Key {
			return id, true
		}
	}
	return identity.Identifier{}, false
}

// own are the identifiers that name a patient, or the first if none does.
func own(list []identity.Identifier) []identity.Identifier { return identity.Primary(list) }

// keepOwn drops pairs of identifiers that name no patient within the facility, if others do.
func keepOwn(list []Act) []Act {
	var out []Act
	for _, a := range list {
		if a.To.Own() {
			out = append(out, a)
		}
	}
	if out == nil && len(list) > 0 {
		return list[:1]
	}
	return out
}

// without leaves the retired identifiers out of PID-3, where some senders repeat them.
func without(list []identity.Identifier, acts []Act) []identity.Identifier {
	var out []identity.Identifier
	for _, id := range list {
		retired := false
		for _, a := range acts {
			retired = retired || a.From.Key == id.Key
		}
		if !retired {
			out = append(out, id)
		}
	}
	return out
}

// accounts reads a merge or change of accounts: MRG-3 into PID-18. Where accounts name stays, the stays are joined.
func accounts(kind ActKind) func(r *reader, c *Command) string {
	return func(r *reader, c *Command) string {
		for mrg := range r.g.All("MRG") {
			join := Act{Kind: kind, FromVisit: key("AN:", mrg.Field(3)), ToVisit: key("AN:", r.pid.Field(18))}
			if join.FromVisit.Key != "" && join.ToVisit.Key != "" {
				c.Acts = append(c.Acts, join)
			}
		}
		return joined(c)
	}
}

// joined drops what is joined with itself, and says what is wrong if nothing is left.
func joined(c *Command) string {
	if len(c.Acts) == 0 {
		return NoVisit
	}
	var out []Act
	for _, a := range c.Acts {
		if a.FromVisit.Key != a.ToVisit.Key {
			out = append(out, a)
		}
	}
	if c.Acts = out; len(out) == 0 {
		return SameID
	}
	return ""
}

// both reads an A36: patients and accounts; either may be missing.
func both(r *reader, c *Command) string {
	reason := patients(MergePatients)(r, c)
	merges := c.Acts
	if c.Acts = nil; accounts(JoinVisits)(r, c) == "" {
		reason = ""
	}
	c.Acts = append(merges, c.Acts...)
	return reason
}

// visits reads a merge or change of visit numbers: MRG-5 into PV1-19, MRG-6 into PV1-50.
func visits(kind ActKind) func(r *reader, c *Command) string {
	return func(r *reader, c *Command) string {
		for mrg := range r.g.All("MRG") {
			for _, a := range []Act{
				{Kind: kind, FromVisit: key("VN:", mrg.Field(5)), ToVisit: key("VN:", r.pv1.Field(19))},
				{Kind: kind, FromVisit: key("AV:", mrg.Field(6)), ToVisit: key("AV:", r.pv1.Field(50))},
			} {
				if a.FromVisit.Key != "" && a.ToVisit.Key != "" {
					c.Acts = append(c.Acts, a)
				}
			}
		}
		return joined(c)
	}
}

// moveAccount reads an A44: the account MRG-3 of the patient MRG-1 is PID-3's.
func moveAccount(r *reader, c *Command) string {
	named := false
	for mrg := range r.g.All("MRG") {
		account := key("AN:", mrg.Field(3))
		if account.Key == "" {
			account = key("AN:", r.pid.Field(18))
		}
		if account.Key == "" {
			continue
		}
		a := Act{Kind: MoveAccount, FromVisit: account}
		for _, p := range r.pair(mrg.Field(1), c.Identifiers) {
			a.From, a.To = p.From, p.To
		}
		if named = true; a.From.Key != a.To.Key {
			c.Acts = append(c.Acts, a)
			c.Identifiers = without(c.Identifiers, c.Acts)
		}
	}
	switch {
	case !named:
		return NoVisit
	case len(c.Acts) == 0:
		return SameID
	}
	return ""
}

// moveVisits reads an A45: each visit (MRG-5, MRG-6) belongs to PID-3's patient and PID-18's account.
func moveVisits(r *reader, c *Command) string {
	whole := *c
	n := 0
	for g := range r.g.Groups("MRG") {
		r.pv1, r.pv2 = g.Segment("PV1"), g.Segment("PV2")
		v := r.prior(g.Segment("MRG"))
		if v.Key == "" {
			v = r.visit()
		}
		if v.Key == "" {
			continue
		}
		part := c
		if n++; n > 1 {
			next := whole
			part = &next
			c.More = append(c.More, part)
		}
		part.Kind, part.Visit = encounter.Move, v
		part.Fact.Kind, part.Fact.Values.Account = encounter.Move, valueOf(r.pid.Field(18))
	}
	if n == 0 {
		return NoVisit
	}
	return ""
}

// link reads one of the two patients of an A24 or A37.
func link(*reader, *Command) string { return "" }

// join makes the link of two patients an act of the second.
func join(found []*Command) {
	kind := LinkPatients
	if found[0].Trigger == "A37" {
		kind = UnlinkPatients
	}
	first := identity.Primary(found[0].Identifiers)[0]
	for _, c := range found[1:] {
		c.Acts = append(c.Acts, Act{Kind: kind, From: first, To: identity.Primary(c.Identifiers)[0]})
	}
}

// swap reads one of the two patients of an A17, who is where PV1-3 says now.
func swap(r *reader, c *Command) string {
	if c.Visit.Key == "" && !r.pv1.Exists() {
		return NoVisit
	}
	c.Kind = encounter.Transfer
	r.times(&c.Fact, encounter.Transfer, r.received)
	r.stay(&c.Fact, encounter.Transfer)
	return ""
}

// prior is the visit that an MRG names, by the feed's rule.
func (r *reader) prior(mrg hl7.Segment) Visit {
	order := r.feed.Dialect.VisitKey
	if len(order) == 0 {
		order = DefaultVisitKey
	}
	for _, path := range order {
		var v Visit
		switch path {
		case "PV1-19":
			v = key("VN:", mrg.Field(5))
		case "PID-18":
			v = key("AN:", mrg.Field(3))
		case "PV1-50":
			v = key("AV:", mrg.Field(6))
		}
		if v.Key != "" {
			return v
		}
	}
	return Visit{}
}

func key(prefix string, f hl7.Field) Visit {
	if v := f.String(); strings.TrimSpace(v) != "" {
		return Visit{Key: prefix + v, Number: v}
	}
	return Visit{}
}
