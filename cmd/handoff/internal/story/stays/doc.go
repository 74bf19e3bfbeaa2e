// Package stays invents hospital stays and says what must become of them.
//
// A Shape is a course of events - admitted, moved, sent home, called back - with the outcome that
// contract.md demands of it, written down here by hand and not computed by anybody's code. A Stay is
// one invented patient's visit of that shape; its messages are HL7 v2, made here, with ids that no
// other stay has.
//
// Guarantee: the same shape at the same base time gives the same clinical facts for every patient,
// so that whatever follows from them - tasks, due times, priorities - must be the same too, in
// whatever order and however often the messages arrive.
package stays
