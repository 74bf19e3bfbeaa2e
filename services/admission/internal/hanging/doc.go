// Package hanging says when a stay that nobody ended should have ended, or been heard of.
//
// Guarantee: the answer depends on the stay and the rules alone, never on a clock; whoever asks
// compares it with the database's. No rule ever ends a stay: hospitals do. The rules are data
// (rules.yaml), each with where it comes from and why it is so.
package hanging
