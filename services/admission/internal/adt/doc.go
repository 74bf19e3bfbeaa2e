// Package adt is where hospitals' HL7 v2 ADT messages come in and become facts.
//
// Guarantee: every frame gets one reply, replies of a connection go out in the order of its frames,
// and a positive one only after the message is kept (Keep has returned without error). What a message
// means is decided later, by Translate, and never changes the reply: a message that can be kept but
// not understood is quarantined, so that it does not block its feed. Nothing else in this service
// knows what a trigger event or a segment is.
//
// A connection belongs to one feed for its whole life, by its client certificate or by the listener
// it came in on. MSH-4 only chooses among the facilities that feed may speak for.
package adt
