package linkage

import "strings"

// agreement is what a comparison found.
type agreement struct {
	level Level
	term  Term // the value agreed on, where its frequency weighs
}

// compare compares two profiles in every field.
func compare(a, b *Profile, s *Stats) (out [Fields]agreement) {
	out[Family], out[Given] = compareNames(a, b, s)
	out[Middle] = compareMiddle(a, b, out[Given].level)
	out[Suffix] = compareSuffix(a, b)
	out[Birth] = compareBirth(a.birth, b.birth)
	out[Sex], out[SexForName] = agreement{level: Missing}, agreement{level: Missing}
	if a.sex != "" && b.sex != "" {
		at := Sex
		switch out[Given].level {
		case Exact, Nickname, Variant, Misspelled, Similar, Turned, Swapped:
			at = SexForName
		}
		out[at].level = Different
		if a.sex == b.sex {
			out[at].level = Same
		}
	}
	out[Home] = compareHomes(a.homes, b.homes)
	out[Phone] = comparePhones(a.phones, b.phones)
	out[SSN] = agreement{level: Missing}
	if a.ssn != "" && b.ssn != "" {
		out[SSN].level = Different
		if a.ssn == b.ssn {
			out[SSN].level = Same
		}
	}
	return out
}

func compareNames(a, b *Profile, s *Stats) (family, given agreement) {
	if a.family == "" || b.family == "" {
		family.level = Missing
	}
	if a.given == "" || b.given == "" {
		given.level = Missing
	}
	if family.level == "" && given.level == "" && a.family != b.family && swapped(a, b) {
		return agreement{level: Swapped}, agreement{level: Swapped}
	}
	if family.level == "" {
		family = compareFamily(a, b, s)
	}
	if given.level == "" {
		given = compareGiven(a, b, s)
	}
	return family, given
}

// swapped: somebody typed the given name where the family name belongs.
func swapped(a, b *Profile) bool {
	is := func(x, y string) bool { return x == y || alike(x, y) }
	return is(a.family, b.given) && is(a.given, b.family)
}

func compareFamily(a, b *Profile, s *Stats) agreement {
	if a.family == b.family {
		return agreement{Exact, Term{FamilyTerm, a.family}}
	}
	if best := shared(a.parts, b.parts, FamilyTerm, s); best.Value != "" {
		return agreement{Part, best}
	}
	switch {
	case len(a.middle) > 1 && a.middle == b.family, len(b.middle) > 1 && b.middle == a.family:
		return agreement{level: Maiden}
	case alike(a.family, b.family):
		if s.rare(FamilyTerm, a.family) || s.rare(FamilyTerm, b.family) {
			return agreement{level: Misspelled}
		}
		return agreement{level: Similar}
	case sound(a.family) == sound(b.family):
		return agreement{level: Sounds}
	}
	return agreement{level: Different}
}

// shared is the most frequent of the words that two lists share: the one that says least.
func shared(a, b []string, kind TermKind, s *Stats) (best Term) {
	for _, x := range a {
		for _, y := range b {
			t := Term{kind, x}
			if x == y && len(x) > 2 && (best.Value == "" || s.Counts[t] > s.Counts[best]) {
				best = t
			}
		}
	}
	return best
}

func compareGiven(a, b *Profile, s *Stats) agreement {
	switch {
	case a.given == b.given && len(a.given) > 1:
		return agreement{Exact, Term{GivenTerm, a.given}}
	case len(a.first) == 1 || len(b.first) == 1:
		if a.first[0] == b.first[0] {
			return agreement{level: Initial}
		}
		return agreement{level: Different}
	case a.first == b.first:
		return agreement{Exact, Term{GivenTerm, a.first}}
	case sameRoot(a.first, b.first):
		level := Nickname
		if alike(a.first, b.first) {
			level = Variant
		}
		return agreement{level, shared(roots(a.first), roots(b.first), RootTerm, s)}
	case a.first == b.middle && begins(b.first, a.middle), b.first == a.middle && begins(a.first, b.middle):
		return agreement{level: Turned}
	case a.first == b.middle, b.first == a.middle:
		return agreement{level: MiddleName}
	case alike(a.given, b.given) || alike(a.first, b.first):
		if s.rare(GivenTerm, a.given) || s.rare(GivenTerm, b.given) {
			return agreement{level: Misspelled}
		}
		return agreement{level: Similar}
	case sound(a.first) == sound(b.first):
		return agreement{level: Sounds}
	}
	return agreement{level: Different}
}

// begins reports whether a middle name, or the initial that is known of it, is a name.
func begins(name, middle string) bool {
	return middle != "" && (middle == name || len(middle) == 1 && name[0] == middle[0])
}

func compareMiddle(a, b *Profile, given Level) agreement {
	switch {
	case a.middle == "" || b.middle == "" || given == MiddleName || given == Turned,
		a.middle == b.family, b.middle == a.family: // said with the names before
		return agreement{level: Missing}
	case len(a.middle) == 1 || len(b.middle) == 1:
		if a.middle[0] == b.middle[0] {
			return agreement{level: Initial}
		}
		return agreement{level: Different}
	case a.middle == b.middle:
		return agreement{level: Exact}
	case alike(a.middle, b.middle) || sameRoot(a.middle, b.middle):
		return agreement{level: Similar}
	}
	return agreement{level: Different}
}

func compareSuffix(a, b *Profile) agreement {
	switch {
	case a.suffix == "" && b.suffix == "":
		return agreement{level: None}
	case a.suffix == "" || b.suffix == "":
		return agreement{level: One}
	case a.suffix == b.suffix:
		return agreement{level: Equal}
	}
	return agreement{level: Different}
}

// compareBirth compares yyyymmdd, or less of it.
func compareBirth(a, b string) agreement {
	switch {
	case len(a) < 4 || len(b) < 4:
		return agreement{level: Missing}
	case len(a) < 8 || len(b) < 8:
		if n := min(len(a), len(b)); a[:n] != b[:n] {
			return agreement{level: Different}
		}
		return agreement{level: Year}
	case a == b:
		return agreement{Exact, Term{BirthTerm, a}}
	case a[:4] == b[:4] && a[4:6] == b[6:8] && a[6:8] == b[4:6]:
		return agreement{level: Swapped}
	case a[:4] == b[:4] && (a[4:] == "0101") != (b[4:] == "0101"):
		return agreement{level: Year} // what is typed when only the year is known
	case oneSlip(a, b):
		return agreement{level: Typo}
	case a[4:] == b[4:]:
		return agreement{level: Anniversary}
	case a[:4] == b[:4] && (a[4:6] == b[4:6] || a[6:] == b[6:]):
		return agreement{level: Near}
	}
	return agreement{level: Different}
}

// homeRank orders the levels of addresses.
var homeRank = map[Level]int{Missing: 0, Different: 1, ZIP: 2, Similar: 3, Same: 4}

func compareHomes(a, b []home) agreement {
	best := agreement{level: Missing}
	for i := range a {
		for j := range b {
			if got := compareHome(&a[i], &b[j]); homeRank[got.level] > homeRank[best.level] {
				best = got
			}
		}
	}
	return best
}

func compareHome(a, b *home) agreement {
	street := a.street != "" && a.street == b.street
	zip := a.zip != "" && a.zip == b.zip
	switch {
	case street && a.number == b.number && (zip || a.zip == "" || b.zip == ""):
		return agreement{Same, Term{HomeTerm, a.number + " " + a.street}}
	case street && a.number == b.number && a.number != "",
		zip && street && oneSlip(a.number, b.number),
		zip && a.number == b.number && a.number != "" && alikeStreets(a.street, b.street):
		return agreement{level: Similar}
	case zip:
		return agreement{ZIP, Term{ZIPTerm, a.zip}}
	case a.street == "" && b.zip == "" || b.street == "" && a.zip == "":
		return agreement{level: Missing} // one says only a street, the other only a code
	}
	return agreement{level: Different}
}

// alikeStreets: mistyped, or one with more words than the other.
func alikeStreets(a, b string) bool {
	return alike(a, b) || len(a) > 3 && len(b) > 3 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

func comparePhones(a, b []string) agreement {
	if len(a) == 0 || len(b) == 0 {
		return agreement{level: Missing}
	}
	out := agreement{level: Different}
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return agreement{Same, Term{PhoneTerm, x}}
			}
			if oneSlip(x, y) {
				out.level = Similar
			}
		}
	}
	return out
}
