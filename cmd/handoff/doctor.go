package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/handoff-care/handoff/cmd/handoff/internal/health"
	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type doctorCommand struct {
	remote.Flags `embed:""`
	HTTP         string `name:"http" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address that a start would take for HTTP."`
	KeyFile      string `name:"key-file" placeholder:"FILE" help:"File with the keys that a start would take; without it that of the data directory."`
	MLLP         string `name:"mllp" default:"127.0.0.1:2575" placeholder:"ADDR" help:"Address that a start would take for MLLP."`
}

// Run fails if something is wrong.
func (c *doctorCommand) Run(ctx context.Context, term terminal) error {
	o := health.Options{Data: c.Data, HTTP: c.HTTP, MLLP: c.MLLP, KeyFile: c.KeyFile, Services: serviceNames()}
	if client, err := c.Connect(web.Operations); err == nil {
		o.Get = func(ctx context.Context, service, path string) ([]map[string]any, error) {
			if path == "/reconcile" || path == "/sealing" {
				var one map[string]any
				err := client.Get(ctx, service, path, &one)
				return []map[string]any{one}, err
			}
			return client.List(ctx, service, path, listMost)
		}
	}
	wrong := 0
	tw := tabwriter.NewWriter(term.Out, 0, 4, 2, ' ', 0)
	for _, f := range health.Look(ctx, o) {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", f.Grade, f.What, f.State)
		if f.Do != "" {
			fmt.Fprintf(tw, "\t\t-> %s\n", f.Do)
		}
		if f.Grade == health.Wrong {
			wrong++
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if wrong > 0 {
		fmt.Fprintf(term.Out, "\n%d wrong\n", wrong)
		return errSaid
	}
	return nil
}
