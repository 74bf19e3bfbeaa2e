package page

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// A score's component as discharge writes it: its letter, its points or how many there may be, and why.
var (
	component = regexp.MustCompile(`^[A-Z][A-Za-z]? (\d+)(?:-(\d+))?: (.+)$`)
	illnesses = regexp.MustCompile(`^comorbidity sum \d+ \((.+)\)$`)
	noIllness = regexp.MustCompile(`^no comorbidity that counts among (\d+) coded diagnos[ie]s$`)
)

// scored says a component of a score in plain words: "3 points: other illnesses: dementia".
func scored(ctx context.Context, reason string) string {
	m := component.FindStringSubmatch(reason)
	if m == nil {
		return reason
	}
	why := m[3]
	if of := illnesses.FindStringSubmatch(why); of != nil {
		why = say(ctx, "other illnesses (%s)", strings.ReplaceAll(of[1], "-", " "))
	} else if of := noIllness.FindStringSubmatch(why); of != nil {
		n, _ := strconv.Atoi(of[1]) // digits
		why = sayN(ctx, n, "no other illness that counts, with %d diagnosis", "no other illness that counts, with %d diagnoses")
	}
	if m[2] != "" {
		return say(ctx, "0 to %s points: %s", m[2], why)
	}
	n, _ := strconv.Atoi(m[1]) // digits
	return say(ctx, "%s: %s", sayN(ctx, n, "%d point", "%d points"), why)
}

// unknown are what a score would have needed to know.
var unknown = map[string]text.Message{
	"length-of-stay": "how long the stay was", "acuity": "whether the admission was acute", "ed-visits": "earlier emergency visits", "diagnoses": "the diagnoses",
	"service": "the discharging service", "procedures": "whether there was a procedure", "hemoglobin": "hemoglobin at discharge", "sodium": "sodium at discharge",
	"admissions": "earlier admissions", "admission-type": "the type of admission",
}

func unknowns(ctx context.Context, inputs []string) string {
	words := make([]string, len(inputs))
	for i, in := range inputs {
		words[i] = strings.ReplaceAll(in, "-", " ")
		if m, ok := unknown[in]; ok {
			words[i] = say(ctx, m)
		}
	}
	return strings.Join(words, ", ")
}
