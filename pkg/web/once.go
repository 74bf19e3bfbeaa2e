package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations creates the table behind Once in a service's schema.
func Migrations() postgres.MigrationSet {
	return postgres.MigrationSet{Name: "web", FS: migrations, Dir: "migrations"}
}

// Once runs do, unless this caller already got an answer under the same Idempotency-Key: then that
// answer is given again and nothing is done. request is what makes two uses of a key the same
// request; the same key with another request is a Conflict. Without a key it just runs do. The
// answer is kept in do's own transaction, for 24 hours.
func Once[Out any](ctx context.Context, tx pgx.Tx, request string, do func() (*Out, error)) (*Out, error) {
	info, _ := ctx.Value(requestKey{}).(requestInfo)
	if info.idempotency == "" {
		return do()
	}
	who := From(ctx)
	var saidOf string
	var answer []byte
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, who.Org.String()+" "+who.Subject+" "+info.idempotency); err != nil {
		return nil, err
	}
	err := tx.QueryRow(ctx, `SELECT request, answer FROM once WHERE org_id = $1 AND subject = $2 AND key = $3 AND made_at > now() - interval '24 hours'`,
		who.Org, who.Subject, info.idempotency).Scan(&saidOf, &answer)
	switch {
	case err == nil && saidOf != request:
		return nil, fault.New(fault.Conflict, "this Idempotency-Key was used for another request")
	case err == nil:
		out := new(Out)
		return out, json.Unmarshal(answer, out)
	case !errors.Is(err, pgx.ErrNoRows):
		return nil, err
	}
	out, err := do()
	if err != nil {
		return nil, err
	}
	if answer, err = json.Marshal(out); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO once (org_id, subject, key, request, answer) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (org_id, subject, key) DO UPDATE SET request = excluded.request, answer = excluded.answer, made_at = now()`,
		who.Org, who.Subject, info.idempotency, request, answer)
	return out, err
}
