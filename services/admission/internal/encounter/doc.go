// Package encounter computes a stay from the set of facts reported about it.
//
// Guarantee: Fold depends on the set of facts alone. Any order of arrival, any repetition and any
// delay of the same facts give the same Stay; nothing here reads a clock, makes an id or remembers
// anything. What is announced to others is the difference between two folds (Changes).
//
// Two orders are used, and never the order of receipt:
//   - what happened, in the order it happened (Fact.before): state, places, periods;
//   - what was said, in the order it was written down (Fact.saidBefore): values that a later
//     statement corrects, such as class, disposition or diagnoses.
//
// A cancel takes back the latest fact of its kind that was written down at or before it; if that has
// not arrived yet, the cancel waits for it.
package encounter
