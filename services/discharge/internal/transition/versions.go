package transition

import (
	"strings"

	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// keepVersions gives a plan's tasks that are open already the version of the due rule
// they run by: a newer version of a rule is for discharges to come. A task whose
// trigger moved, or whose protocol names another rule, takes what the plan says.
func (r *Rules) keepVersions(plan []protocol.Task, tasks []Task, where clock.Where) {
	for i := range plan {
		p := &plan[i]
		for j := range tasks {
			if t := &tasks[j]; t.Code == p.Code && t.Open() && t.Rule != p.Rule && t.Trigger.Equal(p.Trigger) {
				r.keepVersion(p, t.Rule, where)
			}
		}
	}
}

func (r *Rules) keepVersion(p *protocol.Task, rule string, where clock.Where) {
	id, version, _ := strings.Cut(rule, "@")
	if now, _, _ := strings.Cut(p.Rule, "@"); now != id {
		return
	}
	kept, ok := r.Protocols.Rules().Version(id, version)
	if !ok {
		return
	}
	due := kept.At(p.Trigger, where)
	p.Rule, p.DueAt, p.WarnAt = rule, due.UTC(), kept.Warn(p.Trigger, due, where).UTC()
}

// MoveRule gives an open task another version of the due rule it runs by.
func MoveRule(t Task, to clock.Rule, where clock.Where) Task {
	due := to.At(t.Trigger, where)
	utc := due.UTC()
	t.Rule, t.DueAt, t.WarnAt = to.Ref(), &utc, to.Warn(t.Trigger, due, where).UTC()
	return t
}
