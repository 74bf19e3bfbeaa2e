package routing

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

var hook = events.Derive("endpoint")

func directory() *Directory {
	return NewDirectory(Data{
		People: []Person{
			{ID: "ann", Roles: []string{"liaison"}, Email: "ann@example.org", Active: true},
			{ID: "bob", Roles: []string{"liaison", "lead"}, Active: true},
			{ID: "gone", Roles: []string{"liaison"}, Email: "gone@example.org"},
		},
		Rosters: []Roster{
			{Facility: "A", Unit: "ICU", Members: []string{"ann", "gone"}},
			{Facility: "A", Members: []string{"role:lead"}},
			{Facility: "B", Unit: "ICU", Members: []string{"gone"}},
		},
		Endpoints: []Endpoint{{ID: hook, Kinds: []string{notice.Opened}, Facilities: []string{"A"}, Active: true}},
	})
}

func TestRoutes(t *testing.T) {
	to := "endpoint:" + hook.String()
	for name, c := range map[string]struct {
		q        Question
		audience []string
		others   []string // "what recipient channel: reason"
	}{
		"the unit's roster first": {
			Question{Kind: notice.Opened, Facility: "A", Unit: "ICU", Severity: notice.Urgent}, []string{"ann"},
			[]string{"selected ann email: roster of unit ICU of A", "excluded gone console: not active; roster of unit ICU of A", "selected " + to + " webhook: subscribed"},
		},
		"else the facility's": {
			Question{Kind: notice.Opened, Facility: "A", Unit: "ED"}, []string{"role:lead"}, []string{"selected " + to + " webhook: subscribed"},
		},
		"a roster of nobody falls through": {
			Question{Kind: notice.Opened, Facility: "B", Unit: "ICU"}, []string{"role:liaison"},
			[]string{"excluded gone console: not active; roster of unit ICU of B", "suppressed ann email: email from urgent on; this is "},
		},
		"a task's owner before everybody": {
			Question{Kind: notice.Overdue, Facility: "A", Unit: "ICU", Owner: "zoe", OwnerRole: "intake"}, []string{"zoe"}, nil,
		},
		"a task's role where no roster is": {
			Question{Kind: notice.Overdue, Facility: "C", OwnerRole: "intake"}, []string{"role:intake"}, nil,
		},
		"confidential": {
			Question{Kind: notice.Opened, Facility: "A", Unit: "ICU", Severity: notice.Urgent, Sensitive: true}, []string{"role:liaison"},
			[]string{"suppressed ann console: confidential", "suppressed ann email: confidential", "suppressed " + to + " webhook: confidential"},
		},
		"a digest stays in the console": {
			Question{Kind: notice.Late, Facility: "C", Severity: notice.Critical}, []string{"role:liaison"}, nil,
		},
		"an escalation goes to its target alone": {
			Question{Kind: notice.Opened, Facility: "A", Unit: "ICU", Target: "role:lead"}, []string{"role:lead"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := directory().Route(c.q)
			if diff := cmp.Diff(c.audience, got.Audience); diff != "" {
				t.Error(diff)
			}
			var others []string
			for _, d := range got.Decisions {
				if d.What != Selected || d.Channel != Console {
					others = append(others, fmt.Sprintf("%s %s %s: %s", d.What, d.Recipient, d.Channel, d.Reason))
				}
			}
			if diff := cmp.Diff(c.others, others); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the directory holds, somebody's console shows the alert, each (recipient, channel) is
// decided once, and nothing confidential goes out.
func TestEveryAlertHasARecipient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"", "a", "b", "role:lead", "role:liaison", "unit", "facility", "owner", "owner-role"})
		place := rapid.SampledFrom([]string{"", "A", "B"})
		var data Data
		for _, id := range []string{"a", "b"} {
			data.People = append(data.People, Person{ID: id, Active: rapid.Bool().Draw(t, "active"),
				Roles: rapid.SliceOf(rapid.SampledFrom([]string{"liaison", "lead"})).Draw(t, "roles"), Email: rapid.SampledFrom([]string{"", "x@example.org"}).Draw(t, "email")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "rosters") {
			data.Rosters = append(data.Rosters, Roster{Facility: place.Draw(t, "facility"), Unit: place.Draw(t, "unit"), Members: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "role:lead"}), 1, 3).Draw(t, "members")})
		}
		data.Rules = map[string][]string{notice.Opened: rapid.SliceOf(name.Filter(func(s string) bool { return s != "" })).Draw(t, "rule")}
		data.Endpoints = []Endpoint{{ID: hook, Active: rapid.Bool().Draw(t, "endpoint")}}
		q := Question{
			Kind: rapid.SampledFrom(notice.Kinds).Draw(t, "kind"), Facility: place.Draw(t, "at"), Unit: place.Draw(t, "in"),
			Severity: rapid.SampledFrom([]notice.Severity{notice.Routine, notice.Urgent, notice.Critical}).Draw(t, "severity"),
			Owner:    rapid.SampledFrom([]string{"", "a", "z"}).Draw(t, "owner"), OwnerRole: rapid.SampledFrom([]string{"", "intake"}).Draw(t, "role"),
			Target: rapid.SampledFrom([]string{"", "role:lead", "b"}).Draw(t, "target"), Sensitive: rapid.Bool().Draw(t, "sensitive"),
		}
		got := NewDirectory(data).Route(q)
		if len(got.Audience) == 0 {
			t.Fatalf("nobody: %+v", got)
		}
		seen := map[string]bool{}
		for _, d := range got.Decisions {
			key := d.Recipient + " " + d.Channel
			if seen[key] || d.Reason == "" {
				t.Fatalf("%q twice or without a reason: %+v", key, got)
			}
			seen[key] = true
			if d.What == Selected && q.Sensitive && (d.Channel != Console || !slices.Contains(got.Audience, d.Recipient) || len(got.Audience) != 1) {
				t.Fatalf("confidential, and told %+v", d)
			}
		}
	})
}
