// Package truth shows that the picture does not depend on the way: generated stays with every event
// and correction that an ADT feed can tell (course), told to all of handoff (rig) in the order they
// happened and in others - shuffled, repeated, late - end in equal pictures (picture) in admission,
// discharge, referral, notification and the console, and everywhere the books balance.
//
// It has no code of its own beside tests. 1,000 cases are part of "make test"; "make truth" tries
// 10,000, or as many as TRUTH_CASES says, of the seed TRUTH_SEED. Where two orders differ, the case is
// cut down to the fewest messages that still do, and printed: its messages in both orders, and what
// each of the two pictures has that the other has not.
//
// Besides: a merge and its inverse keep tasks and trail, by every trigger that merges; and every message
// of a folder comes to an end that can be told (TestCorpus; CORPUS=dir make corpus).
//
// To look closer: TRUTH_QUICK=1 counts what differs and does not cut cases down; TRUTH_CASE=n tells case n
// alone and prints what came of it.
//
// What is not promised, and so not tried: a message that names no visit and no admission time is put to
// the stay that was open at its time as far as had been heard (contract.md, "Visit key"); every sender
// here names visits in one way or another.
package truth
