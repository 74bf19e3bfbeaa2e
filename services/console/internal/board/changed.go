package board

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// parts are the parts of a stay, a task or a search that a correction may have changed, and whose old value
// says something to people. The rest (ids, counts that scores use) is left out: the new plan says what it means.
var parts = map[string]text.Message{
	"due_at": "the due time was %s", "discharged_at": "the time of leaving was %s", "admitted_at": "the time of arrival was %s", "arrived_at": "the time of arrival was %s",
	"expected_discharge_at": "the expected time of leaving was %s", "inpatient_at": "inpatient since %s before", "observation_at": "in observation since %s before",
	"class": "the kind of stay was %s", "arrival_class": "the kind of stay was %s", "disposition": "the destination was %s", "unit": "the unit was %s", "room": "the room was %s",
	"bed": "the bed was %s", "facility": "the hospital was %s", "zone": "the time zone was %s", "calendar": "the calendar of business days was %s", "risk": "the risk was %s",
	"outcome": "the outcome was %s", "days": "the days between were %s", "diagnoses": "the diagnoses were %s", "needs": "what is needed was %s", "protocols": "the protocols were %s",
	"priority": "the priority was %s", "service": "the service was %s",
}

// restated are parts that changed without a value that could be said.
var restated = map[string]text.Message{
	"patient_id": "another patient’s record before", "person": "what is known of the patient changed", "sex": "what is known of the patient changed", "age": "what is known of the patient changed",
	"language": "what is known of the patient changed", "zip3": "what is known of the patient changed", "payer": "who pays changed", "sensitive": "whether it is confidential changed",
	"planned": "whether it was planned changed", "attending": "the physician changed",
}

// changes lists what a fact changed, old values first. What was empty before, and what the line says
// anyway, is left out.
func changes(ctx context.Context, previous map[string]string, zone *time.Location) string {
	var list []string
	for k, v := range previous {
		m, ok := parts[k]
		switch {
		case v == "":
		case ok:
			list = append(list, say(ctx, m, value(ctx, k, v, zone)))
		case restated[k] != "":
			list = append(list, say(ctx, restated[k]))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "; ")
}

// value is the old value of a part in words.
func value(ctx context.Context, name, v string, zone *time.Location) string {
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return text.Short(ctx, at.In(zone))
	}
	switch name {
	case "disposition":
		return Disposition(ctx, v)
	case "needs":
		var words []string
		for _, n := range strings.Fields(v) {
			words = append(words, strings.ToLower(Need(ctx, n)))
		}
		return strings.Join(words, ", ")
	case "class", "arrival_class", "outcome", "priority":
		return strings.ToLower(Plain(ctx, v))
	}
	return v
}
