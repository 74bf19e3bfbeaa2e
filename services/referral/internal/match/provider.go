package match

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Provider is a post-acute facility or agency, as far as matching is concerned. Empty lists are "not
// stated", except Areas: there it means the provider's own ZIP3.
type Provider struct {
	ID             events.ID
	Needs          []string // what it is licensed for: snf, home-health, ...
	ZIP3           string   // where it is
	Areas          []string // ZIP3 it serves; "*" is everywhere
	Payers         []string // medicare, medicaid, commercial, other
	Languages      []string // ISO 639-1
	Interpreter    bool
	Sexes          []string // F, M
	MinAge, MaxAge *int     // whole years, both included
	Capabilities   []string
	Open           *int       // places free
	CapacityAt     *time.Time // when Open was reported
	Rating         float32    // 1..5; 0 is unrated
	AgreementFrom  *time.Time // the first day, at its start
	AgreementUntil *time.Time // the last day, at its start
	Active         bool
}

// Needs are the kinds of next caregiver that a referral can look for.
var Needs = []string{"snf", "home-health", "irf", "ltch", "hospice", "psych", "dialysis"}

// Payers are the payer codes a network can be stated for.
var Payers = []string{"medicare", "medicaid", "commercial", "self-pay", "other"}

// Capabilities are what not every provider can do and some patients require.
var Capabilities = []string{"isolation", "bariatric", "dialysis"}

// Patient is what matching may know of a patient: codes, no name and no address.
type Patient struct {
	Age      *int     `json:"age,omitempty"`
	Sex      string   `json:"sex,omitempty"`
	ZIP3     string   `json:"zip3,omitempty"`
	Language string   `json:"language,omitempty"`
	Payer    string   `json:"payer,omitempty"`
	Requires []string `json:"requires,omitempty"` // capabilities
}

// Equal reports whether two patients match alike.
func (p Patient) Equal(q Patient) bool {
	sameAge := p.Age == q.Age || p.Age != nil && q.Age != nil && *p.Age == *q.Age
	return sameAge && p.Sex == q.Sex && p.ZIP3 == q.ZIP3 && p.Language == q.Language && p.Payer == q.Payer &&
		slices.Equal(p.Requires, q.Requires)
}

// conditions are ICD-10-CM codes (no dot, as prefixes) that require a capability.
var conditions = []struct{ code, capability string }{
	{"A047", "isolation"},                                                   // Clostridioides difficile
	{"A15", "isolation"},                                                    // respiratory tuberculosis
	{"A4902", "isolation"}, {"B9562", "isolation"}, {"Z22322", "isolation"}, // MRSA
	{"U071", "isolation"},                                                                                                  // COVID-19
	{"Z16", "isolation"},                                                                                                   // resistance to antimicrobial drugs
	{"Z6841", "bariatric"}, {"Z6842", "bariatric"}, {"Z6843", "bariatric"}, {"Z6844", "bariatric"}, {"Z6845", "bariatric"}, // BMI of 40 and more
	{"E6601", "bariatric"}, {"E66813", "bariatric"}, // morbid (class 3) obesity
	{"N186", "dialysis"}, // end stage renal disease
	{"Z992", "dialysis"}, // dependence on renal dialysis
}

// Requires lists the capabilities that diagnoses (ICD-10-CM without dot) call for, in the order of
// Capabilities.
func Requires(diagnoses []string) []string {
	var found [3]bool
	for _, d := range diagnoses {
		for _, c := range conditions {
			if len(d) >= len(c.code) && d[:len(c.code)] == c.code {
				found[slices.Index(Capabilities, c.capability)] = true
			}
		}
	}
	var out []string
	for i, yes := range found {
		if yes {
			out = append(out, Capabilities[i])
		}
	}
	return out
}
