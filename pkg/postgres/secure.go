package postgres

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed prepare.sql
var prepareSQL string

//go:embed secure.sql
var secureSQL string

// Secure gives every table and view of service's schema the policies and grants
// that the package documentation states, in one transaction. conn must act as
// the owner role; Migrate calls it. It changes nothing the second time.
func Secure(ctx context.Context, conn *sql.Conn, service string) error {
	if err := checkName(service); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, fill(secureSQL, service))
	return hint(err)
}

// prepare makes the roles and the schema. Roles belong to the whole server, so
// no lock of this database keeps others from making the same ones just now:
// whoever loses that race looks again.
func prepare(ctx context.Context, adminURL, service string) error {
	cc, err := pgx.ParseConfig(adminURL)
	if err != nil {
		return errBadURL
	}
	cc.ConnectTimeout = connectTimeout
	cc.RuntimeParams["application_name"] = "handoff-migrate-" + service
	conn, err := pgx.ConnectConfig(ctx, cc)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for attempt := 1; ; attempt++ {
		_, err := conn.Exec(ctx, fill(prepareSQL, service))
		if err == nil {
			return nil
		}
		if attempt == 20 || !lostRace(err) {
			return explainPrepare(err, cc.User)
		}
	}
}

// lostRace tells whether another session made the same role or grant meanwhile.
func lostRace(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42710", "23505", "42P06": // duplicate object, unique violation, duplicate schema
		return true
	case "XX000": // "tuple concurrently updated": two grants of one role
		return strings.Contains(pg.Message, "concurrently")
	}
	return false
}

func explainPrepare(err error, user string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return fmt.Errorf("user %q may not set up the database (needs CREATEROLE, and CREATE on the database; "+
			"or have an administrator run deploy/postgres/roles.sql once): %w", user, err)
	}
	return err
}

// hint keeps what secure.sql says on how to put things right.
func hint(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Hint != "" {
		return fmt.Errorf("%w (%s)", err, pg.Hint)
	}
	return err
}

// fill puts the names of service into a script. checkName made them safe.
func fill(script, service string) string {
	return strings.NewReplacer(
		"{schema}", service,
		"{app}", appRole(service),
		"{system}", systemRole(service),
		"{owner}", ownerRole(service),
	).Replace(script)
}

// Scripts is the text of what Migrate does around the migrations; a cache of
// migrated databases depends on it.
func Scripts() string { return prepareSQL + secureSQL }
