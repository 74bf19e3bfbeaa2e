// Package pgtest gives each test a PostgreSQL database of its own, on a real
// server, as any user.
//
// # What it guarantees
//
//   - A test sees nothing of another: not of its own binary, of a binary that runs
//     beside it, or of an earlier run.
//   - Nothing is left running: the server ends with the test binary, even if that
//     is killed (on Linux; elsewhere the next run stops what is left).
//   - Nothing to start by hand, nothing skipped: without PostgreSQL's programs the
//     test fails and says what to install.
//
// # How it is fast
//
// Each test binary takes the first free of a few data directories that stay in the
// temporary directory between runs, so only the first run ever makes one. A
// schema is migrated once, into a template that stays there too, for as long as
// its migrations have the same text; a database for a test is a copy of its
// files. fsync is off: a power cut in the middle of a test loses the test.
//
// The server's guard goroutine lives as long as the test binary. A package that
// checks for leaks with goleak ignores it by [Guard].
package pgtest
