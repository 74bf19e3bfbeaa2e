// Package story tells what handoff is for, from outside and end to end: a hospital sends HL7 over
// MLLP; a plan, tasks, a referral and an alert follow; what is taken back is taken back everywhere.
// Every story runs twice, on everything in one process and on the services apart, with the same code.
//
// It has no code of its own beside tests. Its sub-packages are the tools: system starts processes,
// stays invents patients and says what must become of them, ledger sends and writes down what was
// answered, api asks, audit compares.
package story
