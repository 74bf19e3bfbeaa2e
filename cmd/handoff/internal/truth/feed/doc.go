// Package feed shows that a feed with every ADT event there is (A01 to A62), told over MLLP to all of
// handoff, is answered as contract.md says, message by message, and ends with nothing left over: every
// message in a final state, the books of every service balanced, nothing parked, and of every stay
// exactly the plan that contract.md demands, seen through the public APIs alone.
//
// It has no code of its own beside tests. What a stay must have come to is written down here
// (stay_test.go) from contract.md, and not asked from the services' own rules.
package feed
