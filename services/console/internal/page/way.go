package page

import (
	"context"
	"fmt"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/board"
)

// Took is a duration as people compare them: milliseconds while it is short.
func Took(ctx context.Context, d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return board.Length(ctx, d)
}
