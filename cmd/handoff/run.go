package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"

	"github.com/handoff-care/handoff/cmd/handoff/internal/all"
	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/cmd/handoff/internal/devoidc"
	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/telemetry"
)

type runCommand struct {
	run.Config    `embed:""`
	FetchPostgres bool    `help:"Where PostgreSQL is not installed, download it (22 MiB, by npm) without asking."`
	Demo          bool    `help:"Run the simulated hospital beside it, sending to the MLLP address."`
	DemoRate      float64 `default:"1" help:"Simulated hospital: messages per second, on average."`
	DemoSpeed     float64 `default:"480" help:"Simulated hospital: how many times faster than in life a stay passes, 1 to 2000."`
	DemoSeed      uint64  `default:"1" help:"Simulated hospital: another seed is another set of patients."`
}

// Run runs until Ctrl-C or SIGTERM, or until a part fails for good.
func (c *runCommand) Run(ctx context.Context, term terminal) (err error) {
	began := time.Now()
	claim, err := instance.Take(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, claim.Release()) }()
	flush, err := telemetry.Traces(ctx, "handoff")
	if err != nil {
		return err
	}
	defer func() { _ = flush(context.WithoutCancel(ctx)) }()
	ground, err := all.Start(ctx, all.Options{
		Config: c.Config, Services: serviceNames(), FetchPostgres: c.FetchPostgres, Ask: asker(term), Out: term.Err,
		Log: telemetry.Logger(term.Err, c.LogLevel, "handoff"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ground.Stop()) }()
	infra, err := c.infra(ctx, ground)
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	program, err := run.Start(starting, c.Config, infra, services()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	info := instance.Info{PID: os.Getpid(), Started: began, Version: version(), Dev: c.Dev, HTTP: program.URL(), MLLP: c.MLLP}
	if err := claim.Publish(info); err != nil {
		return err
	}
	c.greet(term.Out, program.URL(), time.Since(began))
	stopDemo := c.demo(ctx, term)
	defer stopDemo()
	select {
	case <-ctx.Done():
		fmt.Fprintln(term.Out, "\nStopping; nothing is lost.")
	case err = <-program.Failed():
	case err = <-ground.Failed():
	}
	return err
}

// infra is what the program stands on, with development's logins where it is one.
func (c *runCommand) infra(ctx context.Context, ground *all.Ground) (run.Infra, error) {
	authority, err := run.Authority(ctx, c.Config)
	if err != nil {
		return run.Infra{}, err
	}
	infra := run.Infra{AdminURL: ground.DatabaseURL, NATS: ground.Connect, Authority: authority, Stream: ground.Stream}
	if c.Dev && c.OIDCIssuer == "" {
		key, err := devkey.Load(c.Data)
		if err != nil {
			return infra, err
		}
		infra.Extra = map[string]http.Handler{devoidc.Path: devoidc.New(key)}
	}
	return infra, nil
}

func (c *runCommand) greet(w io.Writer, url string, took time.Duration) {
	fmt.Fprintf(w, "\nhandoff is ready after %s.\n\n", took.Round(10*time.Millisecond))
	login := "sign in with your OpenID account"
	if c.Dev {
		login = "sign in as anybody: this is --dev, there are no passwords"
	}
	fmt.Fprintf(w, "  Console   %s  (%s)\n", url, login)
	fmt.Fprintf(w, "  HL7 v2    mllp://%s\n", c.MLLP)
	fmt.Fprintf(w, "  Data      %s\n", c.Data)
	if c.Demo {
		fmt.Fprintf(w, "  Hospital  simulated, %g messages/s, stays pass %g times faster than in life\n", c.DemoRate, c.DemoSpeed)
	}
	fmt.Fprintf(w, "\nSend your own messages:  handoff send --to %s FILE...\nStop with Ctrl-C; the next start goes on from here.\n\n", c.MLLP)
}

// asker asks on a terminal; elsewhere nobody is asked.
func asker(term terminal) func(string) bool {
	in, ok := term.In.(*os.File)
	if !ok || !cwriter.IsTerminal(int(in.Fd())) {
		return nil
	}
	return func(question string) bool {
		fmt.Fprint(term.Err, question, " [y/N] ")
		answer, _ := bufio.NewReader(in).ReadString('\n')
		return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
	}
}
