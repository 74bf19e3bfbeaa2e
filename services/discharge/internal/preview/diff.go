package preview

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// What becomes of a task.
const (
	Gained  = "gained"
	Lost    = "lost"
	Moved   = "moved"   // another due time
	Changed = "changed" // the same due time, another priority or role
)

// Task is a task that the two plans of a stay do not have alike.
type Task struct {
	Code      string `json:"code"`
	Change    string `json:"change" enum:"gained,lost,moved,changed"`
	Today     *Wish  `json:"today" doc:"as it is today; null: it is not"`
	Candidate *Wish  `json:"candidate" doc:"as it would be; null: it would not"`
}

// Wish is how one plan has a task.
type Wish struct {
	DueAt     time.Time `json:"due_at"`
	Priority  string    `json:"priority"`
	OwnerRole string    `json:"owner_role"`
}

func wish(t protocol.Task) *Wish {
	return &Wish{DueAt: t.DueAt, Priority: t.Priority, OwnerRole: t.OwnerRole}
}

// Diff gives the tasks that two plans of a stay do not have alike: those of the
// candidate in its order, then those that are lost.
func Diff(today, candidate protocol.Plan) []Task {
	var out []Task
	for _, c := range candidate.Tasks {
		i := index(today, c.Code)
		if i < 0 {
			out = append(out, Task{c.Code, Gained, nil, wish(c)})
			continue
		}
		switch t := today.Tasks[i]; {
		case !t.DueAt.Equal(c.DueAt):
			out = append(out, Task{c.Code, Moved, wish(t), wish(c)})
		case t.Priority != c.Priority || t.OwnerRole != c.OwnerRole:
			out = append(out, Task{c.Code, Changed, wish(t), wish(c)})
		}
	}
	for _, t := range today.Tasks {
		if index(candidate, t.Code) < 0 {
			out = append(out, Task{t.Code, Lost, wish(t), nil})
		}
	}
	return out
}

func index(p protocol.Plan, code string) int {
	return slices.IndexFunc(p.Tasks, func(t protocol.Task) bool { return t.Code == code })
}
