// Package floor is what handoff's speed is measured against: a bare program with the same durable
// duties and no rules. It takes ADT messages over MLLP, commits the raw message, the stay's row, an
// event and its outbox pointer before it acknowledges, publishes atomic batches to JetStream, and a
// consumer commits an inbox row for each event and five task rows for each discharge.
//
// It is tuned by hand and guarantees nothing else: one tenant, no duplicates, no corrections, no
// replicas, no recovery. It is not part of the product.
package floor
