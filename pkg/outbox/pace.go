package outbox

import "time"

// Limits of Rest.
const (
	restShare = 4 // a stage works a quarter of the time at most
	restMost  = 8 // times its least pace
)

// Rest says when a stage of the pipeline (apply, relay, consumer) that began a transaction at start
// and has just ended it may begin the next: least after start, or later. What comes alone is handled
// at once. Under load batches grow, and a batch of ten costs little more than one of one; on a busy
// machine, where transactions take longer, they grow with them, and leave the processor to those who
// wait for an acknowledgement. A stage that is behind does not rest.
func Rest(start time.Time, least time.Duration, behind bool) time.Time {
	if behind {
		return start
	}
	return start.Add(max(least, min(restShare*time.Since(start), restMost*least)))
}
