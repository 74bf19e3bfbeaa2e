package postgres_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

var notes = postgres.MigrationSet{Name: "notes", FS: fstest.MapFS{
	"00001_note.sql": {Data: []byte(`-- +goose Up
create table note (id uuid primary key, org_id uuid not null, n int not null default 0);
create table lease (part int primary key);
`)}}}

func count(t *testing.T, tx pgx.Tx) (n int) {
	t.Helper()
	if err := tx.QueryRow(context.Background(), "select count(*) from note").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	db := pgtest.DB(t, "ward", notes)
	a, b := events.NewID(), events.NewID()
	if err := db.Tx(ctx, a, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into note (id, org_id) values ($1, $2)", events.NewID(), a)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Tx(ctx, b, func(tx pgx.Tx) error {
		if n := count(t, tx); n != 0 {
			t.Errorf("other organization sees %d rows", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
