// Package routing decides who is told of an alert, by which channel, and why.
//
// Guarantee: pure and total. The same question to the same version of an organization's directory
// has the same answer, and depends on the time in the question alone, in the facility's zone; every answer names at least one recipient whose console shows the alert; and
// everyone who was looked at is in it with the reason for being selected, excluded or suppressed.
// What concerns a confidential stay goes to the owning role's console and nowhere else.
package routing
