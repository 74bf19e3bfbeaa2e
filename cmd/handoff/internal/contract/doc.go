// Package contract writes what others may rely on from the code itself: AsyncAPI and JSON Schemas of
// the facts, OpenAPI of the services.
//
// Guarantee: the same code writes the same bytes, so that a difference from what is committed is a
// change of a contract, which `make verify` shows.
package contract
