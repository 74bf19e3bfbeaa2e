// Package store is the only place with SQL of the notification service.
//
// Guarantee: what a batch decided is written set-wise in a fixed order of locks - alerts, then
// deliveries, then the log lock, then (by the caller) the outbox's keys - so that writers wait for
// each other and never in a circle. Rows of the ledger and of the stream get their sequence under the
// log lock, which is held to the end of the transaction: sequence order is commit order, and whoever
// has read up to n will never find a row below n later.
package store
