package setup

import (
	"context"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
)

type wouldIn struct {
	Kind      string `query:"kind" required:"true" doc:"of the alert"`
	Facility  string `query:"facility" doc:"facility code"`
	Unit      string `query:"unit"`
	Severity  string `query:"severity" enum:"routine,urgent,critical" doc:"without one, what is usual for the kind"`
	Owner     string `query:"owner" doc:"who owns the task, where it is of one"`
	OwnerRole string `query:"owner_role"`
	Sensitive bool   `query:"confidential" doc:"the stay is confidential"`

	At time.Time `query:"at" doc:"when; without it now"`
}

// Choice is what would become of one candidate, and why.
type Choice struct {
	Decision  string   `json:"decision" enum:"selected,excluded,suppressed"`
	Recipient string   `json:"recipient" doc:"a person id, role:x or endpoint:<id>"`
	Channel   string   `json:"channel"`
	Reason    string   `json:"reason"`
	People    []string `json:"people" doc:"of a role: ids of those who work in it"`
}

// Further is who would be told where nobody takes the alert on.
type Further struct {
	After   string   `json:"after" doc:"counted from the step before"`
	Target  string   `json:"target" doc:"role:x or a person id"`
	Choices []Choice `json:"choices"`
}

type wouldOut struct {
	Body struct {
		Kind     string    `json:"kind"`
		Severity string    `json:"severity"`
		Targets  []string  `json:"targets" doc:"the rule: tried in turn until one names somebody"`
		Own      bool      `json:"own" doc:"the organization's rule; else as shipped"`
		Choices  []Choice  `json:"choices" doc:"at once"`
		Further  []Further `json:"further"`
		Last     string    `json:"last_after" doc:"how long after the last step operations are told; empty: they are not"`
	}
}

// would answers as the next alert would be answered: the same directory, the same decision.
func (s Door) would(ctx context.Context, in *wouldIn) (*wouldOut, error) {
	if !slices.Contains(notice.Kinds, in.Kind) {
		return nil, fault.New(fault.Invalid, "there is no alert of kind %q", in.Kind)
	}
	data, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	dir := routing.NewDirectory(data)
	q := routing.Question{Kind: in.Kind, Facility: in.Facility, Unit: in.Unit, Severity: notice.Severity(in.Severity), Owner: in.Owner, OwnerRole: in.OwnerRole, Sensitive: in.Sensitive}
	if q.At = in.At; q.At.IsZero() {
		q.At = time.Now()
	}
	if q.Severity == "" {
		q.Severity = notice.Usual(q.Kind)
	}
	out := &wouldOut{}
	b := &out.Body
	b.Kind, b.Severity, b.Targets, b.Further = q.Kind, string(q.Severity), dir.Rule(q.Kind), []Further{}
	_, b.Own = data.Rules[q.Kind]
	b.Choices = choices(dir, q)
	if !notice.Escalates(q.Kind) {
		return out, nil
	}
	var wait, waited time.Duration
	for i := 0; ; i++ {
		step, last := dir.Next(q.Severity, i)
		if wait = step.Wait; last {
			break
		}
		waited += wait
		up := q
		up.Target, up.Severity, up.At = step.Target, q.Severity.Raised(), up.At.Add(waited)
		b.Further = append(b.Further, Further{After: step.Wait.String(), Target: step.Target, Choices: choices(dir, up)})
	}
	if wait > 0 {
		b.Last = wait.String()
	}
	return out, nil
}

func choices(dir *routing.Directory, q routing.Question) []Choice {
	out := []Choice{}
	for _, d := range dir.Route(q).Decisions {
		out = append(out, Choice{d.What, d.Recipient, d.Channel, d.Reason, dir.Behind(d.Recipient)})
	}
	return out
}
