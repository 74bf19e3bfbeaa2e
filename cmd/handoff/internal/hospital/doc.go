// Package hospital invents the traffic of two hospitals and of the facilities their patients go to.
//
// Guarantee: the same Config and the same Spans give the same messages, byte for byte, in the same
// order: a program that was killed sends again what it may have sent before, and no control id is
// ever used for other bytes. Nobody and nothing in the messages exists.
//
// The clock of a play runs from 0. Stays pass Config.Speed times faster than in life, but every
// discharge happens at the moment it is told: a stay keeps its length because its admission is told
// late, with the time at which it would have happened. So due times, risk scores and alerts are what
// they would be in life, at any speed.
package hospital
