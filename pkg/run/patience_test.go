package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

func TestWhatWaitingMends(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"recovering":        {&pgconn.PgError{Code: "57P03"}, true},
		"shutting down":     {&pgconn.PgError{Code: "57P01"}, true},
		"too many clients":  {&pgconn.PgError{Code: "53300"}, true},
		"connection broken": {&pgconn.PgError{Code: "08006"}, true},
		"nobody listens":    {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		"no such host yet":  {&net.DNSError{Err: "no such host", IsNotFound: true}, true},
		"hung up":           {io.ErrUnexpectedEOF, true},
		"wrong password":    {&pgconn.PgError{Code: "28P01"}, false},
		"no such database":  {&pgconn.PgError{Code: "3D000"}, false},
		"may not":           {&pgconn.PgError{Code: "42501"}, false},
		"a bad migration":   {&pgconn.PgError{Code: "42601"}, false},
		"a url":             {errors.New("the database url cannot be read"), false},
	} {
		if got := away(fmt.Errorf("admission: migrate: %w", c.err)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A server that is not there yet: the first tries are refused by a closed port, then it listens and
// says that it recovers, as PostgreSQL does, then it is there.
func TestTheStartWaitsForADatabaseThatRecovers(t *testing.T) {
	there := pgtest.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	said, tries := 0, 0
	p := &patience{every: time.Millisecond, say: func(error) { said++ }}
	err = p.try(t.Context(), func(ctx context.Context) error {
		switch tries++; tries {
		case 1, 2:
			return connect(ctx, "postgres://x@"+addr+"/x")
		case 3:
			return connect(ctx, "postgres://x@"+recovering(t)+"/x?sslmode=disable")
		}
		return connect(ctx, there)
	})
	if err != nil || tries != 4 || said != 1 {
		t.Fatalf("%v after %d tries, said %d times; want success at the 4th, and one word about it", err, tries, said)
	}
}

func TestTheStartDoesNotWaitForever(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	p := &patience{every: time.Millisecond, say: func(error) {}}
	gone := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	if err := p.try(ctx, func(context.Context) error { return gone }); !errors.Is(err, gone) {
		t.Fatalf("error %v, want the reason", err)
	}
}

func connect(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// recovering listens as a PostgreSQL that refuses one client with SQLSTATE 57P03.
func recovering(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 1024))
		body := "SFATAL\x00VFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00"
		_, _ = conn.Write(append([]byte{'E', 0, 0, 0, byte(len(body) + 4)}, body...))
	}()
	return l.Addr().String()
}
