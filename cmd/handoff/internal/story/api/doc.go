// Package api reads and writes a running system through its public HTTP APIs, as any other program
// would: with bearer tokens, at any replica that answers.
//
// Guarantee: an answer is only what some replica said; nothing is cached. A replica that does not
// answer is passed over for the next; a request that writes is sent again only with the same
// Idempotency-Key. The types hold what contract.md promises, and no more than the tests need.
package api
