// Package desk makes of each change to an alert what it means: who is told and why, what the ledger
// keeps, what the consoles show, what other services hear, when it goes further.
//
// Guarantee: every decision has a ledger row with its reason; a correction reaches everyone who was
// told, by the road they were told by, and nobody who was not to be; whose telling was taken back
// because the alert closed first is told when it opens again; what concerns a confidential stay leaves
// by no outside channel; what goes on the stream or to other services names nobody.
//
// The package is pure: changes, directories and the time come in; rows and facts come out.
package desk
