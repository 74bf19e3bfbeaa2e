package directory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/match"
)

// Provider is a post-acute facility or agency as the API shows it and the directory stores it. An
// empty list means "not stated", except Areas: there it means the provider's own ZIP3.
type Provider struct {
	ID             events.ID  `json:"id" readOnly:"true"`
	Version        int        `json:"version" readOnly:"true"`
	Name           string     `json:"name" minLength:"1" maxLength:"200"`
	Needs          []string   `json:"needs" doc:"what it is licensed for: snf, home-health, irf, ltch, hospice, psych, dialysis"`
	CCN            string     `json:"ccn,omitempty" doc:"CMS certification number; fixed once set"`
	NPI            string     `json:"npi,omitempty" maxLength:"10"`
	FacilityID     *events.ID `json:"facility_id,omitempty" doc:"the facility whose own A01 or A04 confirms an arrival"`
	Facility       string     `json:"facility,omitempty" maxLength:"100" doc:"that facility's code (MSH-4); either of the two is enough"`
	Address        string     `json:"address,omitempty" maxLength:"200"`
	City           string     `json:"city,omitempty" maxLength:"100"`
	State          string     `json:"state,omitempty" maxLength:"2"`
	ZIP            string     `json:"zip,omitempty" maxLength:"10"`
	Phone          string     `json:"phone,omitempty" maxLength:"30"`
	Areas          []string   `json:"areas,omitempty" doc:"ZIP3 areas it serves, * for everywhere; none: its own"`
	Payers         []string   `json:"payers,omitempty" doc:"medicare, medicaid, commercial, self-pay, other; none: not stated"`
	Languages      []string   `json:"languages,omitempty" doc:"ISO 639-1; none: not stated"`
	Interpreter    bool       `json:"interpreter,omitempty"`
	Sexes          []string   `json:"sexes,omitempty" doc:"F, M; none: everybody"`
	MinAge         *int       `json:"min_age,omitempty" minimum:"0" maximum:"150"`
	MaxAge         *int       `json:"max_age,omitempty" minimum:"0" maximum:"150"`
	Capabilities   []string   `json:"capabilities,omitempty" doc:"isolation, bariatric, dialysis"`
	Beds           *int       `json:"beds,omitempty" minimum:"0"`
	OpenBeds       *int       `json:"open_beds,omitempty" minimum:"0" doc:"places free; believed for 24 hours after capacity_at"`
	CapacityAt     *time.Time `json:"capacity_at,omitempty"`
	Rating         *float32   `json:"rating,omitempty" minimum:"1" maximum:"5"`
	AgreementFrom  *string    `json:"agreement_from,omitempty" format:"date"`
	AgreementUntil *string    `json:"agreement_until,omitempty" format:"date" doc:"the last day"`
	Active         *bool      `json:"active,omitempty" doc:"takes referrals; true unless said otherwise"`
}

// Key identifies a provider of an organization by what it is known for outside: certification number,
// else NPI, else name and ZIP. The same key gives the same id, so importing again changes what is
// there.
func (p *Provider) Key(org events.ID) events.ID {
	switch {
	case p.CCN != "":
		return events.Derive("provider", org.String(), "ccn", p.CCN)
	case p.NPI != "":
		return events.Derive("provider", org.String(), "npi", p.NPI)
	}
	return events.Derive("provider", org.String(), "name", strings.ToLower(p.Name), p.ZIP)
}

var (
	zip      = regexp.MustCompile(`^[0-9]{5}(-?[0-9]{4})?$`)
	area     = regexp.MustCompile(`^([0-9]{3}|\*)$`)
	language = regexp.MustCompile(`^[a-z]{2}$`)
	ccn      = regexp.MustCompile(`^[0-9A-Z]{6}([0-9A-Z]{4})?$`)
	npi      = regexp.MustCompile(`^[0-9]{10}$`)
	state    = regexp.MustCompile(`^[A-Z]{2}$`)
)

// Check puts a provider into its usual form (trimmed, lists sorted and without repeats) and says
// everything that is wrong with it; nothing if it is fit to be stored.
func (p *Provider) Check() (wrong []string) {
	bad := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	p.tidy()
	bad(p.Name == "" || len(p.Name) > 200, "name: 1 to 200 characters are needed")
	bad(len(p.Needs) == 0, "needs: at least one of %s is needed", strings.Join(match.Needs, ", "))
	for _, list := range []struct {
		name       string
		have, know []string
	}{{"needs", p.Needs, match.Needs}, {"payers", p.Payers, match.Payers}, {"capabilities", p.Capabilities, match.Capabilities}, {"sexes", p.Sexes, []string{"F", "M"}}} {
		for _, w := range list.have {
			bad(!slices.Contains(list.know, w), "%s: %q is none of %s", list.name, w, strings.Join(list.know, ", "))
		}
	}
	for _, text := range []struct {
		name, have string
		like       *regexp.Regexp
	}{{"zip", p.ZIP, zip}, {"ccn", p.CCN, ccn}, {"npi", p.NPI, npi}, {"state", p.State, state}} {
		bad(text.have != "" && !text.like.MatchString(text.have), "%s: %q does not look like one", text.name, text.have)
	}
	for _, a := range p.Areas {
		bad(!area.MatchString(a), "areas: %q is neither three digits nor *", a)
	}
	for _, l := range p.Languages {
		bad(!language.MatchString(l), "languages: %q is no ISO 639-1 code", l)
	}
	bad(p.MinAge != nil && p.MaxAge != nil && *p.MinAge > *p.MaxAge, "min_age: is above max_age")
	bad(p.Rating != nil && (*p.Rating < 1 || *p.Rating > 5), "rating: is not between 1 and 5")
	for name, n := range map[string]*int{"beds": p.Beds, "open_beds": p.OpenBeds, "min_age": p.MinAge, "max_age": p.MaxAge} {
		bad(n != nil && *n < 0, "%s: is below zero", name)
	}
	from, until := day(p.AgreementFrom), day(p.AgreementUntil)
	bad(p.AgreementFrom != nil && from == nil || p.AgreementUntil != nil && until == nil, "agreement: a date is YYYY-MM-DD")
	bad(from != nil && until != nil && until.Before(*from), "agreement_until: is before agreement_from")
	slices.Sort(wrong)
	return wrong
}

func (p *Provider) tidy() {
	for _, s := range []*string{&p.Name, &p.CCN, &p.NPI, &p.Facility, &p.Address, &p.City, &p.State, &p.ZIP, &p.Phone} {
		*s = strings.TrimSpace(*s)
	}
	for _, list := range []*[]string{&p.Needs, &p.Areas, &p.Payers, &p.Languages, &p.Sexes, &p.Capabilities} {
		if *list == nil {
			*list = []string{}
		}
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if p.OpenBeds == nil {
		p.CapacityAt = nil
	}
	if p.Active == nil {
		yes := true
		p.Active = &yes
	}
}

// Report dates what p says of its free places: what is not the same as before and has no time of its
// own was said now. old may be nil.
func (p *Provider) Report(old *Provider, now time.Time) {
	same := func(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }
	switch {
	case p.OpenBeds == nil:
		p.CapacityAt = nil
	case p.CapacityAt == nil, old != nil && !same(p.OpenBeds, old.OpenBeds) && old.CapacityAt != nil && p.CapacityAt.Equal(*old.CapacityAt):
		p.CapacityAt = &now
	}
}

func day(s *string) *time.Time {
	if s == nil {
		return nil
	}
	t, err := time.Parse(time.DateOnly, *s)
	if err != nil {
		return nil
	}
	return &t
}

// ForMatch is the provider as matching knows it.
func (p *Provider) ForMatch() match.Provider {
	m := match.Provider{
		ID: p.ID, Needs: p.Needs, Areas: p.Areas, Payers: p.Payers, Languages: p.Languages, Interpreter: p.Interpreter,
		Sexes: p.Sexes, MinAge: p.MinAge, MaxAge: p.MaxAge, Capabilities: p.Capabilities, Open: p.OpenBeds, CapacityAt: p.CapacityAt,
		AgreementFrom: day(p.AgreementFrom), AgreementUntil: day(p.AgreementUntil), Active: p.Active == nil || *p.Active,
	}
	if len(p.ZIP) >= 3 {
		m.ZIP3 = p.ZIP[:3]
	}
	if p.Rating != nil {
		m.Rating = *p.Rating
	}
	return m
}
