package protocol

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// hangingFile says whose work a stay is that nobody ended.
const hangingFile = "hanging.yaml"

// hanging is the contents of hangingFile.
type hanging struct {
	Version string        `yaml:"version"`
	Task    string        `yaml:"task"`
	Rules   []hangingRule `yaml:"rules"`
}

type hangingRule struct {
	Classes   []string `yaml:"classes"`
	OwnerRole string   `yaml:"owner_role"`
	Due       string   `yaml:"due"`
	Priority  string   `yaml:"priority"`
	Why       string   `yaml:"why"`
}

// hanging reads the rules for stays that nobody ended. A set that has none gets the
// shipped ones, if it has their task.
func (l *loader) hanging() {
	h := &l.set.hanging
	if _, own := l.files[hangingFile]; !own {
		from := loader{files: ShippedFiles()}
		from.read(hangingFile, h)
		l.problems = append(l.problems, from.problems...)
		if _, ok := l.set.tasks[h.Task]; !ok {
			return
		}
	} else {
		l.read(hangingFile, h)
	}
	if _, ok := l.set.tasks[h.Task]; !ok {
		l.problem("%s: there is no task %q", hangingFile, h.Task)
	}
	if n := len(h.Rules); n == 0 || len(h.Rules[n-1].Classes) > 0 {
		l.problem("%s: the last rule must hold for every class", hangingFile)
	}
	for _, r := range h.Rules {
		if !slices.Contains(roles, r.OwnerRole) {
			l.problem("%s: there is no role %q", hangingFile, r.OwnerRole)
		}
		l.checkUse(hangingFile, r.Due, r.Priority)
	}
}

// CloseVisit is the code of the task to find out what became of a stay that nobody
// ended. It is no follow-up: it has nothing to do with what the patient needs.
const CloseVisit = "close-the-visit"

// Hanging is the task for a stay of a class that nobody ended, since an instant;
// false where the set has none.
func (s *Set) Hanging(class string, since time.Time, where clock.Where) (Task, bool) {
	i := slices.IndexFunc(s.hanging.Rules, func(r hangingRule) bool { return len(r.Classes) == 0 || slices.Contains(r.Classes, class) })
	d, ok := s.tasks[s.hanging.Task]
	if i < 0 || !ok {
		return Task{}, false
	}
	h := s.hanging.Rules[i]
	rule, _ := s.rules.Rule(h.Due, calendar.DateOf(since, where.Zone))
	due := rule.At(since, where)
	return Task{
		Code: d.Code, Title: d.Title, OwnerRole: h.OwnerRole, Priority: h.Priority, Reasons: reason(nil, h.Why),
		Protocols: []string{"hanging@" + s.hanging.Version},
		Rule:      rule.Ref(), Trigger: since.UTC(), DueAt: due.UTC(), WarnAt: rule.Warn(since, due, where).UTC(),
	}, true
}
