package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handoff-care/handoff/pkg/events"
)

// DB is one service's door to its schema. App sees the rows of one organization,
// and only inside [DB.Tx]; System sees all organizations of this schema. It is
// safe for concurrent use.
type DB struct {
	Schema      string
	App, System *pgxpool.Pool
}

// Options of [Open]. The zero value works.
type Options struct {
	// MaxConns is the most connections each of the two pools opens; 0 means 8.
	MaxConns int32
	// Tracer, if set, sees every statement of both pools.
	Tracer pgx.QueryTracer
	// Log takes what the server says outside of results; nil discards it.
	Log *slog.Logger
	// SystemURL is where System connects when the operator gives the two roles
	// credentials of their own; empty means the url App uses.
	SystemURL string
}

// Limits on what a service may hold. App serves people and feeds, who have gone
// by then; System works through backlogs. Nothing in either waits for a network
// inside a transaction, so an idle one is a fault.
var (
	appLimits    = limits{statement: 15 * time.Second, lock: 5 * time.Second, idle: 15 * time.Second}
	systemLimits = limits{statement: 60 * time.Second, lock: 10 * time.Second, idle: 30 * time.Second}
)

type limits struct{ statement, lock, idle time.Duration }

const connectTimeout = 5 * time.Second

var errBadURL = errors.New("postgres: the database url cannot be read: want postgres://user@host:port/database")

// Open connects both pools and proves each with one round trip. The schema must
// have been migrated ([Migrate]).
//
// How a pool comes to act as its role depends on the url: if its user is the
// role, or the server is behind a Unix socket that asks no password (the private
// server), it connects as that role; otherwise it connects as the url's user,
// who must be a member of the role, and takes the role on as the session starts.
func Open(ctx context.Context, url, service string, opt Options) (*DB, error) {
	if err := checkName(service); err != nil {
		return nil, err
	}
	app, err := openPool(ctx, url, service, appRole(service), appLimits, opt)
	if err != nil {
		return nil, err
	}
	system, err := openPool(ctx, cmp.Or(opt.SystemURL, url), service, systemRole(service), systemLimits, opt)
	if err != nil {
		app.Close()
		return nil, err
	}
	return &DB{Schema: service, App: app, System: system}, nil
}

// Close waits for connections in use to come back, then closes them all.
func (db *DB) Close() {
	db.App.Close()
	db.System.Close()
}

// Tx runs fn in one transaction that sees and writes the rows of org only, and
// commits if fn returns nil. Any error or panic of fn rolls back.
func (db *DB) Tx(ctx context.Context, org events.ID, fn func(pgx.Tx) error) error {
	// One round trip for both statements. SET LOCAL takes no parameter, but an id's
	// text is 36 characters of [0-9a-f-], whatever its bytes are; the zero id's is
	// empty, which is no organization: no rows.
	begin := pgx.TxOptions{BeginQuery: "begin; set local handoff.org = '" + org.String() + "'"}
	return pgx.BeginTxFunc(ctx, db.App, begin, roomy(fn))
}

// SystemTx runs fn in one transaction over all organizations of this schema, and
// commits if fn returns nil. Any error or panic of fn rolls back.
func (db *DB) SystemTx(ctx context.Context, fn func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db.System, roomy(fn))
}

// compressFast has long values compressed by lz4 where the server was built with it: the default
// takes three times as long for a transition's row (docs/adr/0005).
const compressFast = `SELECT set_config(name, 'lz4', false) FROM pg_settings
	WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)`

func openPool(ctx context.Context, url, service, role string, lim limits, opt Options) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errBadURL // the cause may quote a password
	}
	cfg.MaxConns = cmp.Or(opt.MaxConns, 8)
	cfg.MinIdleConns = 1
	cfg.MaxConnLifetimeJitter = cfg.MaxConnLifetime / 10
	cfg.PingTimeout = connectTimeout
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerUUID(conn.TypeMap())
		registerArrays(conn.TypeMap())
		_, err := conn.Exec(ctx, compressFast, pgx.QueryExecModeSimpleProtocol)
		return err
	}
	cc := cfg.ConnConfig
	cc.Tracer = opt.Tracer
	cc.ConnectTimeout = connectTimeout
	cc.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	cc.StatementCacheCapacity = 256
	cc.OnNotice = noticeLogger(opt.Log, service)
	params := cc.RuntimeParams
	params["application_name"] = "handoff-" + service
	params["search_path"] = service
	params["timezone"] = "UTC"
	// Every statement on the way of a message finds rows by key. On a table that is new, or grew a
	// hundredfold since it was last analyzed, a cached plan would read it whole instead.
	params["enable_seqscan"] = "off"
	params["enable_mergejoin"] = "off" // reads an index from its beginning, which is a table's oldest row
	params["jit"] = "off"
	params["statement_timeout"] = millis(lim.statement)
	params["lock_timeout"] = millis(lim.lock)
	params["idle_in_transaction_session_timeout"] = millis(lim.idle)
	takeRole(ctx, cc, role)

	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, explainOpen(err, cc.User, role)
	}
	return pool, nil
}

// takeRole makes connections of cc act as role. Connecting as the role is
// preferred: a session that took it on later could put it off again.
func takeRole(ctx context.Context, cc *pgx.ConnConfig, role string) {
	if cc.User == role {
		return
	}
	if strings.HasPrefix(cc.Host, "/") && cc.Password == "" {
		direct := cc.Copy()
		direct.User, direct.Tracer = role, nil
		if conn, err := pgx.ConnectConfig(ctx, direct); err == nil {
			_ = conn.Close(ctx)
			cc.User = role
			return
		}
	}
	cc.RuntimeParams["role"] = role
}

func explainOpen(err error, user, role string) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return fmt.Errorf("postgres: %w", err)
	}
	switch pg.Code {
	case "42501", "22023": // insufficient_privilege; invalid_parameter_value: no such role
		return fmt.Errorf("postgres: user %q cannot act as role %q: run the migrations, then grant %s to %q: %w",
			user, role, role, user, err)
	}
	return fmt.Errorf("postgres: %w", err)
}

// noticeLogger passes on the server's warnings without their detail, which may
// quote a row.
func noticeLogger(log *slog.Logger, service string) pgconn.NoticeHandler {
	if log == nil {
		return nil
	}
	return func(_ *pgconn.PgConn, n *pgconn.Notice) {
		log.Debug("postgres notice", "service", service, "severity", n.Severity, "code", n.Code)
	}
}

var serviceName = regexp.MustCompile(`^[a-z][a-z_]{1,39}$`)

// checkName admits only names that need no quoting: they are parts of SQL.
func checkName(service string) error {
	if !serviceName.MatchString(service) {
		return fmt.Errorf("postgres: %q is no service name: want 2 to 40 of a-z and _", service)
	}
	return nil
}

func appRole(service string) string    { return "handoff_" + service }
func systemRole(service string) string { return "handoff_" + service + "_system" }
func ownerRole(service string) string  { return "handoff_" + service + "_owner" }

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
