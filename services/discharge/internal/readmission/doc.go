// Package readmission tells which stays of a person are returns after a discharge,
// and what the person's other stays say of one of them.
//
// Rules are data (rules.yaml), each with its source: the window, what is an arrival,
// what was planned, what is a transfer and so the same care going on elsewhere, how
// published measures count, and the flags of a patient's use of care.
//
// What it promises:
//
//   - Pure and level-triggered: it looks at the whole set of a person's stays, in any
//     order, and gives the same answer for the same set. No message, and no order of
//     messages, is asked for.
//   - A return is counted from the arrival, whatever it comes to. A discharge's
//     returns end with the first that is an admission: later ones belong to the
//     discharge from that.
//   - An emergency visit and the admission it led to are one return, also under two
//     visit numbers.
//   - What is not a return has a reason ([Rules.Why]).
package readmission
