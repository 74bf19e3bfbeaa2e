package outbox

import "time"

// Limits of Rest.
const (
	shareLeast, shareMost = 2, 12 // a stage works a half to a twelfth of the time at most
	shareOf               = 12    // events of a batch for each part of it
	restMost              = 24    // times its least pace
)

// Rest says when a stage of the pipeline (apply, relay, consumer) that began a transaction of n events
// at start and has just ended it may begin the next: least after start, or later. What comes alone is
// handled at once. Under load batches grow, and a batch of ten costs little more than one of one; the
// larger they are the longer a stage rests, so that few events wait little and many cost little, and the
// processor is left to those who wait for an acknowledgement. A stage that is behind does not rest.
func Rest(start time.Time, least time.Duration, n int, behind bool) time.Time {
	if behind {
		return start
	}
	share := time.Duration(min(max(n/shareOf, shareLeast), shareMost))
	return start.Add(max(least, min(share*time.Since(start), restMost*least)))
}
