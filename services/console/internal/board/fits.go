package board

import (
	"context"
	"strings"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// fit is a reason of the match, as referral gives it, and what it says to people. A $ stands for what it is
// about, which comes in words in the %s.
type fit struct {
	reason string
	says   text.Message
	about  map[string]text.Message // nil: said as it is
}

// fits are all reasons for a place, and against it: a test reads the match's own list.
var fits = []fit{
	{"directory: takes no referrals now", "Takes nobody now", nil},
	{"licence: not licensed for $", "Not licensed for %s", needed},
	{"area: does not serve $", "Does not serve ZIP codes that begin with %s, where the patient lives", nil},
	{"network: does not take $", "Does not take %s", Payers},
	{"language: nobody speaks $, no interpreter", "Nobody there speaks %s, and there is no interpreter", Languages},
	{"sex: does not take $", "Does not take %s", sexes},
	{"age: does not take age $", "Does not take patients of this age (%s)", nil},
	{"capability: no isolation", "Cannot care for patients in isolation", nil},
	{"capability: no bariatric care", "Cannot give bariatric care", nil},
	{"capability: no dialysis", "Cannot give dialysis", nil},
	{"capacity: reported full within 24 hours", "Said in the last 24 hours that it is full", nil},
	{"agreement: has not begun", "Its contract with the hospital has not begun", nil},
	{"agreement: has ended", "Its contract with the hospital has ended", nil},
	{"area: in the home area $", "Same area as the patient’s home", nil},
	{"area: serves $", "Serves the area of the patient’s home", nil},
	{"area: not checked, home area unknown", "Ask how far it is: the patient’s home area is not known", nil},
	{"area: not stated by the provider", "Ask how far it goes: it has not said which areas it serves", nil},
	{"network: takes $", "Takes %s", Payers},
	{"network: not needed, pays self", "The patient pays without insurance", nil},
	{"network: not checked, payer unknown", "Ask whether it takes the insurance: the patient’s is not known", nil},
	{"network: not stated by the provider", "Ask whether it takes the insurance: it has not said what it takes", nil},
	{"language: speaks $", "Somebody there speaks %s", Languages},
	{"language: interpreter for $", "Has an interpreter for %s", Languages},
	{"language: not stated by the provider", "Ask about the language: it has not said which it speaks", nil},
	{"capability: isolation", "Can care for patients in isolation", nil},
	{"capability: bariatric care", "Can give bariatric care", nil},
	{"capability: dialysis", "Can give dialysis", nil},
	{"capacity: reported places free within 24 hours", "Said in the last 24 hours that it has room", nil},
	{"agreement: in force", "Has a contract with the hospital", nil},
	{"quality: rated $ of 5", "Rated %s of 5 stars", nil},
	{"quality: not rated, counted as 2.5 of 5", "Not rated; placed as if it had 2.5 of 5 stars", nil},
}

// needed are the kinds of care in the middle of a sentence.
var needed = map[string]text.Message{
	"snf": "skilled nursing", "home-health": "home health", "irf": "inpatient rehabilitation", "ltch": "long-term hospital care",
	"hospice": "hospice", "psych": "psychiatric care", "dialysis": "dialysis",
}

// sexes are those whom a place takes.
var sexes = map[string]text.Message{"F": "women", "M": "men"}

// Payers are who pays, in words.
var Payers = map[string]text.Message{
	"medicare": "Medicare", "medicaid": "Medicaid", "commercial": "private insurance", "self-pay": "no insurance", "other": "another payer",
}

// Languages are those heard most.
var Languages = map[string]text.Message{
	"en": "English", "es": "Spanish", "pl": "Polish", "zh": "Chinese", "ar": "Arabic", "ru": "Russian", "ko": "Korean", "vi": "Vietnamese", "hi": "Hindi",
	"uk": "Ukrainian", "fr": "French", "de": "German", "it": "Italian", "pt": "Portuguese", "ht": "Haitian Creole", "tl": "Tagalog",
}

// Fit says a reason of the match in plain words. One that has none is said without the filter's name, and
// known is false.
func Fit(ctx context.Context, reason string) (said string, known bool) {
	for _, f := range fits {
		about, ok := f.is(reason)
		switch m, words := f.about[about]; {
		case !ok:
		case words:
			return say(ctx, f.says, say(ctx, m)), true
		case strings.Contains(string(f.says), "%s"):
			return say(ctx, f.says, about), true
		default:
			return say(ctx, f.says), true
		}
	}
	_, rest, ok := strings.Cut(reason, ": ")
	if !ok {
		rest = reason
	}
	return Sentence(rest), false
}

// is reports whether a reason is this one, and what it is about.
func (f fit) is(reason string) (about string, ok bool) {
	before, after, open := strings.Cut(f.reason, "$")
	if !open {
		return "", reason == f.reason
	}
	about, ok = strings.CutPrefix(reason, before)
	return strings.TrimSuffix(about, after), ok && strings.HasSuffix(about, after)
}
