// Package course invents hospital stays with every event an ADT feed can tell of, and every
// correction: what was cancelled, merged, moved, renamed, swapped, deleted, learned late.
//
// A Case is a small group of patients whose messages belong together - a person with two records, a
// mother and her newborn, two room-mates - told by one of several senders, each of which writes HL7
// in a way of its own. A plot says what happens to them.
//
// Guarantee: the same seed, number, tag and base time give the same messages, byte for byte; the tag
// is part of every number given out, so that cases with different tags share nothing. Another base
// time moves all times and changes nothing else. No message is written by the code under test, and
// nobody and nothing in them exists.
package course
