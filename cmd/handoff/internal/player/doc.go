// Package player plays the simulated hospitals over MLLP, in the time of their clocks.
//
// Guarantee: each facility sends on a connection of its own, one message in flight, in order, and
// sends a message again until it has a reply. What was acknowledged is remembered in a file; a play
// that is started again goes on from there with the same patients. Should the file be older than the
// last reply, the same bytes are sent again under the same control ids, which a receiver takes once.
package player
