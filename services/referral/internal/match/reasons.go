package match

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
)

// Why is a set of reasons: bits 0-15 against, 16-47 for, 48-55 the rating in tenths. The bits are
// stored; they never change their meaning, only new ones are added.
type Why uint64

// Reasons to exclude. Three bits from lackShift on are the missing Capabilities.
const (
	Inactive Why = 1 << iota
	NoLicence
	OutOfArea
	OutOfNetwork
	NoLanguage
	OtherSex
	OtherAge
	Full
	AgreementNotBegun
	AgreementEnded
	lackShift = 12
)

// What speaks for a candidate, or could not be checked. Three bits from canShift on are the
// Capabilities that the patient requires and the provider has.
const (
	SameArea Why = 1 << (16 + iota)
	InArea
	AreaUnknown
	AreaNotStated
	InNetwork
	PaysSelf
	PayerUnknown
	NetworkNotStated
	Speaks
	Interpreter
	LanguagesNotStated
	Free
	Agreement
	canShift    = 40
	ratingShift = 48
)

var words = []struct {
	why  Why
	text string // $ is what it is about: the area, the payer, ...
}{
	{Inactive, "directory: takes no referrals now"},
	{NoLicence, "licence: not licensed for $need"},
	{OutOfArea, "area: does not serve $area"},
	{OutOfNetwork, "network: does not take $payer"},
	{NoLanguage, "language: nobody speaks $language, no interpreter"},
	{OtherSex, "sex: does not take $sex"},
	{OtherAge, "age: does not take age $age"},
	{1 << lackShift, "capability: no isolation"},
	{2 << lackShift, "capability: no bariatric care"},
	{4 << lackShift, "capability: no dialysis"},
	{Full, "capacity: reported full within 24 hours"},
	{AgreementNotBegun, "agreement: has not begun"},
	{AgreementEnded, "agreement: has ended"},
	{SameArea, "area: in the home area $area"},
	{InArea, "area: serves $area"},
	{AreaUnknown, "area: not checked, home area unknown"},
	{AreaNotStated, "area: not stated by the provider"},
	{InNetwork, "network: takes $payer"},
	{PaysSelf, "network: not needed, pays self"},
	{PayerUnknown, "network: not checked, payer unknown"},
	{NetworkNotStated, "network: not stated by the provider"},
	{Speaks, "language: speaks $language"},
	{Interpreter, "language: interpreter for $language"},
	{LanguagesNotStated, "language: not stated by the provider"},
	{1 << canShift, "capability: isolation"},
	{2 << canShift, "capability: bariatric care"},
	{4 << canShift, "capability: dialysis"},
	{Free, "capacity: reported places free within 24 hours"},
	{Agreement, "agreement: in force"},
}

// Explain puts reasons into words, each beginning with the filter it belongs to.
func (w Why) Explain(need string, p Patient) []string {
	fill := strings.NewReplacer("$need", need, "$area", p.ZIP3, "$payer", p.Payer, "$language", p.Language, "$sex", p.Sex, "$age", age(p.Age))
	out := []string{}
	for _, r := range words {
		if w&r.why != 0 {
			out = append(out, fill.Replace(r.text))
		}
	}
	if w>>16 == 0 {
		return out // excluded: the rating decided nothing
	}
	if rating := float64(w>>ratingShift&0xff) / 10; rating > 0 {
		return append(out, fmt.Sprintf("quality: rated %g of 5", rating))
	}
	return append(out, "quality: not rated, counted as 2.5 of 5")
}

func age(a *int) string {
	if a == nil {
		return ""
	}
	return strconv.Itoa(*a)
}

// MarshalJSON writes {"candidates":[["id",why]...],"excluded":[...],"elsewhere":n} without reflection: it is
// written once for every referral drafted.
func (r *Ranking) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 64+60*(len(r.Candidates)+len(r.Excluded)))
	b = appendChoices(append(b, `{"candidates":[`...), r.Candidates)
	b = appendChoices(append(b, `],"excluded":[`...), r.Excluded)
	b = strconv.AppendInt(append(b, `],"elsewhere":`...), int64(r.Elsewhere), 10)
	return append(b, '}'), nil
}

func appendChoices(b []byte, list []Choice) []byte {
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `["`...), list[i].Provider.String()...), `",`...)
		b = append(strconv.AppendUint(b, uint64(list[i].Why), 10), ']')
	}
	return b
}

// UnmarshalJSON reads one entry of what Ranking.MarshalJSON wrote.
func (c *Choice) UnmarshalJSON(b []byte) (err error) {
	id, why, ok := strings.Cut(strings.Trim(string(b), "[]"), ",")
	if !ok {
		return fmt.Errorf("a choice is [id, reasons]: %q", b)
	}
	if c.Provider, err = events.ParseID(strings.Trim(id, `" `)); err != nil {
		return err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(why), 10, 64)
	c.Why = Why(n)
	return err
}
