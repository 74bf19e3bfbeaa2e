package store

import (
	"embed"
	"io/fs"

	"github.com/handoff-care/handoff/pkg/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the files that create the console's tables.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store reads and writes the console's schema. Safe for concurrent use.
type Store struct{ db *postgres.DB }

// New returns the store behind db.
func New(db *postgres.DB) *Store { return &Store{db} }
