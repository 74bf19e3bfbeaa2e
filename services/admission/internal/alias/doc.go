// Package alias says which name stands for another: of patients after merges, of stays after they
// were joined or got another number.
//
// Guarantee: what a Set resolves depends on the set of statements alone, in whatever order they came
// and however often. There is always an end: a statement that would close a circle frees the name
// that it calls the surviving one. Of two statements about one retired name the one that was written
// down last counts. Nothing is ever forgotten, so every statement can be taken back by a later one.
package alias
