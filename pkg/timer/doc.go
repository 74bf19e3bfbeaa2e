// Package timer wakes a service at a time, durably.
//
// Guarantee: a timer set in a committed transaction fires at least once, never before its time by
// the database's clock, and within 5 s after it (or after the service is back). Its handler runs in
// the transaction that deletes it, so its effect happens once. Setting a timer again moves it.
package timer
