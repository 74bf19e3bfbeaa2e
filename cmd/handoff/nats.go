package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
)

type natsCommand struct {
	Data   string `default:"./.handoff" help:"Data directory; the store is below it." placeholder:"DIR"`
	Listen string `default:"127.0.0.1:4222" help:"Address for clients." placeholder:"ADDR"`
}

// Run prints the address of each service's user, then serves until it is stopped.
func (c *natsCommand) Run(ctx context.Context, term terminal) error {
	names := serviceNames()
	users, err := broker.Users(c.Data, names...)
	if err != nil {
		return err
	}
	server, err := broker.Start(broker.Options{Data: c.Data, Listen: c.Listen, Users: users, Log: slog.New(slog.NewTextHandler(term.Err, nil))})
	if err != nil {
		return err
	}
	defer server.Stop()
	for _, name := range names {
		fmt.Fprintf(term.Out, "%s %s\n", name, server.ClientURL(name))
	}
	fmt.Fprintln(term.Out, "ready")
	<-ctx.Done()
	return nil
}
