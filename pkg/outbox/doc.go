// Package outbox publishes facts, and only facts that were committed.
//
// Guarantee: Announce writes events in the caller's transaction; they exist if and only if it
// commits. Every committed event reaches the service's stream at least once, and events of one key
// in the order of their versions (1..n, no gap). Nothing depends on the process that wrote them:
// any replica's relay publishes what another one committed. A stream that was lost is filled again
// from the event log: a consumer that misses something asks for it (see ServeLog).
//
// Two tables per service: event_log is append-only and kept for 30 days or more; outbox holds a
// pointer for each event that may not be on the stream yet and is empty at rest. The key's row in
// event_key is locked before the event's sequence is drawn, so sequence order is version order.
package outbox
