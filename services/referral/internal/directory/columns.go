package directory

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// column is something a CSV column can say about a provider.
type column struct {
	name string
	set  func(p *Provider, cell string) error
}

// columns are the columns by plain header name. CMS's names are those of the Care Compare downloads
// (NH_ProviderInfo, HH_Provider, Hospice, Dialysis_Facility, IRF, LTCH), of several years.
var columns = index(
	text("name", func(p *Provider) *string { return &p.Name }, "Provider Name", "Facility Name"),
	column{"ccn", setCCN}.also("CMS Certification Number (CCN)", "CMS Certification Number", "Federal Provider Number", "Provider Number"),
	list("needs", func(p *Provider) *[]string { return &p.Needs }, strings.ToLower),
	text("npi", func(p *Provider) *string { return &p.NPI }),
	text("facility", func(p *Provider) *string { return &p.Facility }, "facility_code"),
	text("address", func(p *Provider) *string { return &p.Address }, "Provider Address", "Address Line 1"),
	text("city", func(p *Provider) *string { return &p.City }, "City/Town", "Provider City"),
	text("state", func(p *Provider) *string { return &p.State }, "Provider State"),
	column{"zip", setZIP}.also("ZIP Code", "Provider Zip Code"),
	text("phone", func(p *Provider) *string { return &p.Phone }, "Telephone Number", "Phone Number", "Provider Phone Number"),
	list("areas", func(p *Provider) *[]string { return &p.Areas }, strings.TrimSpace),
	list("payers", func(p *Provider) *[]string { return &p.Payers }, strings.ToLower),
	column{"payers", setProviderType}.also("Provider Type"),
	list("languages", func(p *Provider) *[]string { return &p.Languages }, strings.ToLower),
	column{"interpreter", func(p *Provider, c string) (err error) { p.Interpreter, err = yes(c); return err }}.also(),
	list("sexes", func(p *Provider) *[]string { return &p.Sexes }, strings.ToUpper),
	whole("min_age", func(p *Provider) **int { return &p.MinAge }),
	whole("max_age", func(p *Provider) **int { return &p.MaxAge }),
	list("capabilities", func(p *Provider) *[]string { return &p.Capabilities }, strings.ToLower),
	whole("beds", func(p *Provider) **int { return &p.Beds }, "Number of Certified Beds", "Total Number of Beds", "# of Dialysis Stations"),
	whole("open_beds", func(p *Provider) **int { return &p.OpenBeds }),
	column{"capacity_at", setCapacityAt}.also(),
	column{"rating", setRating}.also("Overall Rating", "Quality of patient care star rating", "Five Star"),
	optional("agreement_from", func(p *Provider) **string { return &p.AgreementFrom }),
	optional("agreement_until", func(p *Provider) **string { return &p.AgreementUntil }),
	column{"active", func(p *Provider, c string) error { b, err := yes(c); p.Active = &b; return err }}.also(),
)

// cleared is the cell that takes away what was known.
const cleared = "-"

type named struct {
	column
	names []string
}

func (c column) also(names ...string) named { return named{c, append(names, c.name)} }

func index(all ...named) map[string]*column {
	m := map[string]*column{}
	for i := range all {
		for _, n := range all[i].names {
			if m[plain(n)] == nil {
				m[plain(n)] = &all[i].column
			}
		}
	}
	return m
}

func text(name string, at func(*Provider) *string, names ...string) named {
	return column{name, func(p *Provider, c string) error {
		if c == cleared {
			c = ""
		}
		*at(p) = c
		return nil
	}}.also(names...)
}

func optional(name string, at func(*Provider) **string) named {
	return column{name, func(p *Provider, c string) error {
		*at(p) = &c
		if c == cleared {
			*at(p) = nil
		}
		return nil
	}}.also()
}

func list(name string, at func(*Provider) *[]string, form func(string) string) named {
	return column{name, func(p *Provider, c string) error {
		*at(p) = nil
		for _, w := range strings.FieldsFunc(c, func(r rune) bool { return r == ';' || r == '|' }) {
			if w = form(strings.TrimSpace(w)); w != "" && w != cleared {
				*at(p) = append(*at(p), w)
			}
		}
		return nil
	}}.also()
}

func whole(name string, at func(*Provider) **int, names ...string) named {
	return column{name, func(p *Provider, c string) (err error) {
		if c == cleared || noValue(c) {
			*at(p) = nil
			return nil
		}
		*at(p), err = number(c)
		return err
	}}.also(names...)
}

// noValue are the words CMS writes where there is no figure.
func noValue(cell string) bool {
	switch strings.ToLower(cell) {
	case "not available", "not applicable", "n/a", ".", "-":
		return true
	}
	return false
}

func setRating(p *Provider, cell string) error {
	if noValue(cell) {
		p.Rating = nil
		return nil
	}
	f, err := strconv.ParseFloat(cell, 32)
	if err != nil {
		return fmt.Errorf("%q is no number of stars", cell)
	}
	stars := float32(f)
	p.Rating = &stars
	return nil
}

func setCapacityAt(p *Provider, cell string) error {
	t, err := time.Parse(time.RFC3339, cell)
	if err != nil {
		return fmt.Errorf("%q is no RFC 3339 time", cell)
	}
	p.CapacityAt = &t
	return nil
}

// setZIP puts back the leading zeros that spreadsheets take away.
func setZIP(p *Provider, cell string) error {
	if len(cell) < 5 {
		cell = strings.Repeat("0", 5-len(cell)) + cell
	}
	p.ZIP = cell
	return nil
}

// setProviderType reads a nursing home's participation: "Medicare and Medicaid", "Medicare", "Medicaid".
// It says nothing of private networks, so what was stated of them stays.
func setProviderType(p *Provider, cell string) error {
	cell = strings.ToLower(cell)
	var payers []string
	for _, w := range p.Payers {
		if w != "medicare" && w != "medicaid" {
			payers = append(payers, w)
		}
	}
	for _, w := range []string{"medicare", "medicaid"} {
		if strings.Contains(cell, w) {
			payers = append(payers, w)
		}
	}
	p.Payers = payers
	return nil
}

// setCCN also says what the provider is certified as, unless that is known: CMS numbers providers by kind.
func setCCN(p *Provider, cell string) error {
	cell = strings.ToUpper(cell)
	if len(cell) < 6 {
		cell = strings.Repeat("0", 6-len(cell)) + cell
	}
	p.CCN = cell
	if need := needOf(cell); need != "" && len(p.Needs) == 0 {
		p.Needs = []string{need}
	}
	return nil
}

// needOf tells the kind of a provider from its CMS certification number: two digits of state, then a
// number whose range is the kind (CMS State Operations Manual, chapter 2, section 2779A1); a letter
// there is a unit of a hospital.
func needOf(ccn string) string {
	switch ccn[2] {
	case 'T', 'R':
		return "irf"
	case 'S', 'M':
		return "psych"
	case 'U', 'W', 'Y', 'Z':
		return "snf" // swing beds
	}
	n, err := strconv.Atoi(ccn[2:6])
	if err != nil {
		return ""
	}
	for _, r := range ranges {
		if n >= r.from && n <= r.to {
			return r.need
		}
	}
	return ""
}

var ranges = []struct {
	from, to int
	need     string
}{
	{1500, 1799, "hospice"},
	{2000, 2299, "ltch"},
	{2300, 2899, "dialysis"},
	{3025, 3099, "irf"},
	{3100, 3199, "home-health"},
	{3500, 3799, "dialysis"},
	{4000, 4499, "psych"},
	{5000, 6499, "snf"},
	{7000, 8499, "home-health"},
	{9000, 9799, "home-health"},
}
