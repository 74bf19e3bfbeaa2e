package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/bench"
	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
	"github.com/handoff-care/handoff/cmd/handoff/internal/floor"
	"github.com/handoff-care/handoff/pkg/postgres/private"
)

// benchCommand is what `make bench` runs.
type benchCommand struct {
	Dir         string        `help:"Scratch directory; a temporary one by default." placeholder:"DIR"`
	Connections []int         `help:"Runs as fast as acknowledgements allow, with so many connections." default:"1,8,64"`
	Rates       []int         `help:"Runs at fixed rates, messages/s." default:"200,500"`
	For         time.Duration `help:"Length of each run." default:"20s"`
	Rounds      int           `help:"How often each pair of runs is taken." default:"1"`
	Only        string        `help:"Measure one program only." enum:",floor,handoff" default:""`
}

// Run implements the command.
func (c benchCommand) Run(ctx context.Context, term terminal) error {
	dir := c.Dir
	if dir == "" {
		tmp, err := os.MkdirTemp("", "handoff-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	return bench.Run(ctx, bench.Options{Dir: dir, Connections: c.Connections, Rates: c.Rates, For: c.For, Rounds: c.Rounds, Only: c.Only}, term.Out)
}

// floorCommand runs the program that the bench compares with.
type floorCommand struct {
	Data string `help:"Data directory." required:"" placeholder:"DIR"`
}

// Run implements the command.
func (c floorCommand) Run(ctx context.Context, term terminal) error {
	if err := os.MkdirAll(c.Data, 0o711); err != nil {
		return err
	}
	pg, err := private.Start(ctx, private.Options{Dir: c.Data, Out: term.Err})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Stop(context.Background()) }()
	nats, err := broker.Start(broker.Options{Data: c.Data})
	if err != nil {
		return err
	}
	defer nats.Stop()
	conn, err := nats.Connect("floor")
	if err != nil {
		return err
	}
	f, err := floor.Start(ctx, pg.URL("postgres", "postgres"), "127.0.0.1:0", conn)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() { _ = http.Serve(l, f) }()
	info := bench.FloorInfo{MLLP: f.Addr(), Stats: "http://" + l.Addr().String() + "/", Postgres: postmaster(c.Data)}
	if err := json.NewEncoder(term.Out).Encode(info); err != nil {
		return err
	}
	return f.Run(ctx)
}

// postmaster reads the process id of the PostgreSQL below a data directory.
func postmaster(data string) int {
	files, _ := filepath.Glob(filepath.Join(data, "*", "postmaster.pid"))
	more, _ := filepath.Glob(filepath.Join(data, "*", "*", "postmaster.pid"))
	for _, file := range append(files, more...) {
		if text, err := os.ReadFile(file); err == nil {
			pid, _ := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(text), "\n", 2)[0]))
			return pid
		}
	}
	return 0
}
