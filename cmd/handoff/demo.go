package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devoidc"
	"github.com/handoff-care/handoff/cmd/handoff/internal/hospital"
	"github.com/handoff-care/handoff/cmd/handoff/internal/player"
	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/pkg/web"
)

type demoCommand struct {
	To        string  `default:"127.0.0.1:2575" placeholder:"HOST:PORT" help:"Where to send."`
	Data      string  `default:"./.handoff" placeholder:"DIR" help:"Where the play is remembered, so that the next start goes on with the same patients."`
	Forget    bool    `help:"Remember nothing: the next start plays the same again."`
	Count     int     `placeholder:"N" help:"Stop after so many replies."`
	DemoRate  float64 `default:"1" help:"Messages per second, on average."`
	DemoSpeed float64 `default:"480" help:"How many times faster than in life a stay passes, 1 to 2000."`
	DemoSeed  uint64  `default:"1" help:"Another seed is another set of patients."`
	peer      `embed:""`
}

// Run plays until it is stopped, with progress on a terminal.
func (c *demoCommand) Run(ctx context.Context, term terminal) error {
	security, err := c.config()
	if err != nil {
		return err
	}
	o := player.Options{
		To: c.To, TLS: security, Config: hospital.Config{Seed: c.DemoSeed, Rate: c.DemoRate, Speed: c.DemoSpeed}, Count: c.Count,
		Log: slog.New(slog.NewTextHandler(term.Err, nil)),
	}
	if !c.Forget {
		if err := os.MkdirAll(c.Data, 0o711); err != nil {
			return err
		}
		o.File = demoFile(c.Data)
	}
	o.Progress = screen(term.Err)
	result, err := player.Play(ctx, o)
	if err != nil {
		return err
	}
	accepted := 0
	for code, n := range result.Codes {
		if code.Positive() {
			accepted += n
		}
	}
	fmt.Fprintf(term.Out, "%d messages sent, %d accepted, in %s\n", result.Sent, accepted, result.Duration.Round(time.Millisecond))
	if accepted < result.Sent {
		return errSaid
	}
	return nil
}

func demoFile(data string) string { return filepath.Join(data, "simulated-hospital.json") }

// screen is w if it is a terminal.
func screen(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && cwriter.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// demo plays beside the running program, until the function it returns is called.
func (c *runCommand) demo(ctx context.Context, term terminal) (stop func()) {
	if !c.Demo {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	log := telemetry.Logger(term.Err, c.LogLevel, "hospital")
	go func() {
		defer close(done)
		if err := c.introduce(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the simulated hospitals could not be introduced; their time zone is a guess", "error", err)
		}
		o := player.Options{To: c.MLLP, File: demoFile(c.Data), Log: log, Config: hospital.Config{Seed: c.DemoSeed, Rate: c.DemoRate, Speed: c.DemoSpeed}}
		if _, err := player.Play(ctx, o); err != nil && ctx.Err() == nil {
			log.Error("the simulated hospital stopped", "error", err)
		}
	}()
	return func() { cancel(); <-done }
}

// introduce states the simulated facilities' names and zones, where nobody has yet: a development
// feed would make them of their code alone.
func (c *runCommand) introduce(ctx context.Context) error {
	if !c.Dev {
		return nil
	}
	client, err := remote.Flags{Data: c.Data, Org: devoidc.DemoOrg}.Connect(web.Admin)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	items, err := client.List(ctx, "admission", "/facilities", listMost)
	if err != nil {
		return err
	}
	for _, item := range items {
		known[fmt.Sprint(item["code"])] = item["verified"] == true
	}
	for _, p := range hospital.Places() {
		if known[p.Code] {
			continue
		}
		item := remote.Item{"code": p.Code, "name": p.Name, "zone": p.Zone}
		if len(p.SensitiveUnits) > 0 {
			item["sensitive_units"] = p.SensitiveUnits
		}
		if err := client.Send(ctx, http.MethodPost, "admission", "/facilities", 0, item, nil); err != nil {
			return err
		}
	}
	return nil
}
