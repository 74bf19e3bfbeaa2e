// Package backbone holds the tests of outbox, bus and timer together, on a real NATS server and a
// real PostgreSQL: what each package's guarantee says, seen from outside. It has no code of its own;
// it lives here because only this module links the NATS server.
package backbone
