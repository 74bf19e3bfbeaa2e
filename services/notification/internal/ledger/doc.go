// Package ledger is the proof of who was told what, and why.
//
// Guarantee: one row per decision, never changed and never deleted. Each organization's rows are
// chained: a link covers the rows since the last one and holds SHA-256 over the previous link's hash
// and the canonical form of each row in order. Changing a byte of a row, deleting or inserting one,
// or changing a link breaks every later link; cutting the tail off is seen by whoever kept the head
// (number and hash) outside the database.
//
// The package is pure; the rows and links are the store's.
package ledger
