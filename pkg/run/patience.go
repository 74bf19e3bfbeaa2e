package run

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// patience is how a program that starts waits for its database: machines start in any order, and one
// that crashed takes a while to recover. It says once that it waits. Safe for concurrent use.
type patience struct {
	say   func(error)
	every time.Duration // 0: half a second
	once  sync.Once
}

// try runs f until it succeeds, fails for a reason that waiting does not mend, or ctx is done.
func (p *patience) try(ctx context.Context, f func(context.Context) error) error {
	pause := p.every
	if pause == 0 {
		pause = 500 * time.Millisecond
	}
	for {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || !away(err) {
			return err
		}
		p.once.Do(func() { p.say(err) })
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// away tells whether err says that PostgreSQL cannot be reached or takes nobody in just now. A server
// that answers that it does not want us - a password, a database, a certificate - is not away.
func away(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		switch pg.Code {
		case "57P01", "57P02", "57P03", "53300": // stopping, crashed, starting or recovering; too many connections
			return true
		}
		return len(pg.Code) == 5 && pg.Code[:2] == "08" // connection exceptions
	}
	var network *net.OpError
	var name *net.DNSError
	return errors.As(err, &network) || errors.As(err, &name) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}
