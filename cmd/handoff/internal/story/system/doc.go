// Package system starts the whole of handoff as other people would: as processes, from outside.
//
// Two ways, one interface: OneProcess is `handoff run`; Apart is a PostgreSQL, a NATS server in a
// process of its own with a user per service, and the five services' own programs, any number of
// each. A test that takes a *System runs on both.
//
// Guarantee: the programs are built from the sources of this checkout, once per test binary. Every
// process writes to a log file of its own; it can be stopped (SIGTERM), killed (SIGKILL), paused
// (SIGSTOP) and started again at the same address with the same data. No process outlives the test
// binary, however that ends. Nothing here links a service: what is known of the system is what can
// be seen from outside.
package system
