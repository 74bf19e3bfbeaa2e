// Package ledger sends messages as a hospital's engine does and writes down, outside the system, what
// was answered to each: the other side of every promise that is checked.
//
// Guarantee: an entry is Accepted only if a positive reply to its own control id was read, Refused
// only if a negative one was, InDoubt otherwise. What is in doubt is sent again with the same bytes
// until it is answered or there is no time left; how often is written down too. Messages of a case
// are sent in the case's order, each after the one before was accepted.
package ledger
