// Package store is the referral service's only place with SQL.
//
// Guarantee: what touches a batch touches it in a handful of statements, however large the batch is;
// a referral is changed only by whoever holds its row lock; each change of a referral adds exactly
// one row to its history, under the version it led to. Functions take the caller's transaction and
// never begin one, so what a caller may see (one organization, or all) is the caller's choice.
package store

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations returns the service's own migrations, at the root of the file system.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}
