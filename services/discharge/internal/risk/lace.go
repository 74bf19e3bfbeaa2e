package risk

import (
	"strconv"
	"strings"

	"github.com/handoff-care/handoff/services/discharge/internal/icd"
)

// Variant is how the length of stay is counted: the difference of the local
// dates of discharge and admission, not less than 0. Other published uses of
// LACE count both days; a score without its variant cannot be compared.
const Variant = "los-date-difference"

// Source is where LACE is defined.
const Source = "van Walraven et al., CMAJ 2010;182(6):551-557 (LOINC 96574-9)"

// Inputs are what LACE asks for. A nil input is not known.
type Inputs struct {
	LengthOfStay *int     // days, as Variant counts them
	Acute        *bool    // the admission was acute or emergent
	Diagnoses    []string // ICD-10-CM codes of the stay; none of that form means not known
	EDVisits     *int     // emergency visits in the 6 months before, the one leading here excluded
}

// Score is a LACE score over what is known.
type Score struct {
	Name     string
	Variant  string
	Version  string // of the table of comorbidities
	Min, Max int
	Missing  []string // inputs that are not known: length-of-stay, acuity, diagnoses, ed-visits; of HOSPITAL also haemoglobin, sodium, service, procedures, admissions
	Reasons  []string // one for each component, in words

	named string // the band, where the score has its own
}

// Band is the band of Min, what is certain: a score that may yet prove high is not
// called so. LACE's are low (0-4), moderate (5-9) and high (10-19); HOSPITAL's are
// in its table.
func (s Score) Band() string {
	if s.named != "" {
		return s.named
	}
	return band(s.Min)
}

func band(score int) string {
	switch {
	case score >= 10:
		return "high"
	case score >= 5:
		return "moderate"
	}
	return "low"
}

// LACE scores the inputs with the comorbidity weights of c.
func (c *Comorbidities) LACE(in Inputs) Score {
	s := Score{Name: "LACE", Variant: Variant, Version: c.version, Reasons: make([]string, 0, 4)}
	if in.LengthOfStay != nil {
		p := stayPoints(*in.LengthOfStay)
		s.add(p, p, "L "+strconv.Itoa(p)+": a stay of "+strconv.Itoa(*in.LengthOfStay)+" day"+plural(*in.LengthOfStay))
	} else {
		s.missing("length-of-stay", 7, "L 0-7: the length of stay is not known")
	}
	if in.Acute != nil {
		p, why := 0, "not an acute admission"
		if *in.Acute {
			p, why = 3, "an acute admission"
		}
		s.add(p, p, "A "+strconv.Itoa(p)+": "+why)
	} else {
		s.missing("acuity", 3, "A 0-3: whether the admission was acute is not known")
	}
	c.addComorbidity(&s, in.Diagnoses)
	if in.EDVisits != nil {
		p := max(0, min(*in.EDVisits, 4))
		s.add(p, p, "E "+strconv.Itoa(p)+": "+strconv.Itoa(*in.EDVisits)+" emergency visit"+plural(*in.EDVisits)+" in the 6 months before")
	} else {
		s.missing("ed-visits", 4, "E 0-4: earlier emergency visits are not known")
	}
	return s
}

func (c *Comorbidities) addComorbidity(s *Score, diagnoses []string) {
	coded := coded(diagnoses)
	if coded == 0 {
		s.missing("diagnoses", 5, "C 0-5: no coded diagnosis is known")
		return
	}
	sum, counted := c.Sum(diagnoses)
	p := comorbidityPoints(sum)
	if len(counted) == 0 {
		s.add(p, p, "C "+strconv.Itoa(p)+": no comorbidity that counts among "+diagnosesSent(coded))
		return
	}
	s.add(p, p, "C "+strconv.Itoa(p)+": comorbidity sum "+strconv.Itoa(sum)+" ("+strings.Join(counted, ", ")+")")
}

// coded counts the codes that are of ICD-10-CM's form.
func coded(diagnoses []string) int {
	n := 0
	for _, d := range diagnoses {
		if icd.Is(d) {
			n++
		}
	}
	return n
}

func (s *Score) add(low, high int, why string) {
	s.Min += low
	s.Max += high
	s.Reasons = append(s.Reasons, why)
}

func (s *Score) missing(input string, most int, why string) {
	s.Missing = append(s.Missing, input)
	s.add(0, most, why)
}

func stayPoints(days int) int {
	switch {
	case days < 1:
		return 0
	case days <= 3:
		return days
	case days <= 6:
		return 4
	case days <= 13:
		return 5
	}
	return 7
}

func comorbidityPoints(sum int) int {
	if sum >= 4 {
		return 5
	}
	return max(0, sum)
}

func diagnosesSent(n int) string {
	if n == 1 {
		return "1 coded diagnosis"
	}
	return strconv.Itoa(n) + " coded diagnoses"
}
