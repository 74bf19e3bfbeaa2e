// Package bus hands committed facts to services.
//
// Guarantee: a subscription's handler sees every event of the stream, events of one key in the order
// of their versions, in batches; each batch is handled in one database transaction together with
// the record that it was handled, so an event has its effect once however often it is delivered
// (G2), and with any number of replicas one at a time handles a stream (a lease, fenced by the same
// record). A batch that fails is handled again one event at a time; an event that keeps failing
// holds the others up for 5 s at most, then its key is parked in Postgres with the error, together
// with that key's later events, until Replay handles them in order (G3). A stream whose store was
// lost, or that has been trimmed past what was handled, is asked for again from its producer's
// event log (G6).
//
// What a handler may not assume: that facts of different producers come in any order.
package bus
