// Package store is the only place of this service with SQL.
//
// Guarantee: Keeper tells a message's sender that it is kept only after the transaction with its bytes
// has been flushed to disk. Of the same bytes under the same id on the same feed there is one row,
// however often they come. A kept message has a row in message_open, owned by one process, until the
// transaction that handles it deletes that row: handled once, whoever handles it. When a process dies,
// another takes its rows over (TakeOver), in order.
//
// Every query runs in the caller's transaction. Statements take sets, never one row at a time.
package store
