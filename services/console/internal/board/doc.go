// Package board decides what a worklist says: which words, in which order, to whom. Pure: time and
// who is looking come in as arguments, the language with the context.
//
// Guarantee: a row of a confidential stay carries no name and, for those who do not own its tasks,
// nothing that the person could be known by. Countdowns never say that something is later than it is.
package board
