package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/ledger"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
)

// Rehearse sends one stay of every shape, undisturbed and in order, waits until all is at rest, and
// takes what became of each as the model for the stays to come. Their base time must be the same.
func (a *Audit) Rehearse(ctx context.Context, addrs []string, id string, base time.Time) error {
	line := ledger.NewLine(addrs, 0)
	defer line.Close()
	for i := range stays.Shapes {
		c := a.Ledger.Open(stays.NewStay(&stays.Shapes[i], a.Facility, id, i+1, base), nil)
		for _, e := range c.Entries {
			if err := line.Send(ctx, e, false); err != nil {
				return err
			}
		}
	}
	settle, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	findings, _, err := a.Settle(settle)
	if err != nil {
		return err
	}
	if len(findings) > 0 {
		return fmt.Errorf("undisturbed, and yet:\n%s", strings.Join(findings, "\n"))
	}
	return a.Learn(ctx)
}
