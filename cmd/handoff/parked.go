package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type parkedCommand struct {
	List   parkedList   `cmd:"" help:"List parked keys of all services."`
	Show   parkedShow   `cmd:"" help:"Show the events of a parked key, in order."`
	Replay parkedReplay `cmd:"" help:"Handle a parked key's events again, in order, and free it."`
}

type parkedList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
}

// Run implements the command.
func (c *parkedList) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Operations)
	if err != nil {
		return err
	}
	all, err := parked(ctx, client)
	if err != nil {
		return err
	}
	return c.Show(term.Out, all, "service", "stream", "key", "events", "parked_at", "reason")
}

// parked lists the parked keys of every service.
func parked(ctx context.Context, client *remote.Client) ([]remote.Item, error) {
	var all []remote.Item
	for _, service := range serviceNames() {
		items, err := client.List(ctx, service, "/parked?limit=500", listMost)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", service, err)
		}
		for _, item := range items {
			item["service"] = service
			all = append(all, item)
		}
	}
	return all, nil
}

// parkedKey names a parked key, as the list shows it.
type parkedKey struct {
	Service string `arg:"" help:"The service that could not handle it."`
	Stream  string `arg:"" help:"The service whose facts they are."`
	Key     string `arg:"" help:"The key."`
}

func (k parkedKey) path() string { return "/parked/" + k.Stream + "/" + k.Key }

type parkedShow struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
	parkedKey     `embed:""`
}

// Run implements the command.
func (c *parkedShow) Run(ctx context.Context, term terminal) error {
	return listing(ctx, c.Flags, web.Operations, c.Output, term, c.Service, c.path(), "sequence", "type", "parked_at", "doc")
}

type parkedReplay struct {
	remote.Flags `embed:""`
	Service      string `arg:"" optional:"" help:"The service that could not handle it."`
	Stream       string `arg:"" optional:"" help:"The service whose facts they are."`
	Key          string `arg:"" optional:"" help:"The key."`
	All          bool   `help:"Replay every parked key."`
	DryRun       bool   `help:"Only say whether it would go well."`
}

// Run replays one key, or all; a key that still fails makes the command fail.
func (c *parkedReplay) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Operations)
	if err != nil {
		return err
	}
	if !c.All {
		if c.Key == "" {
			return errors.New("name a key (handoff parked list shows them: service, stream, key), or --all")
		}
		return c.replay(ctx, client, term, parkedKey{c.Service, c.Stream, c.Key})
	}
	keys, err := parked(ctx, client)
	if err != nil {
		return err
	}
	failed := false
	for _, k := range keys {
		key := parkedKey{fmt.Sprint(k["service"]), fmt.Sprint(k["stream"]), fmt.Sprint(k["key"])}
		if err := c.replay(ctx, client, term, key); err != nil {
			fmt.Fprintf(term.Out, "%s %s %s: %v\n", key.Service, key.Stream, key.Key, err)
			failed = true
		}
	}
	if failed {
		return errSaid
	}
	return nil
}

func (c *parkedReplay) replay(ctx context.Context, client *remote.Client, term terminal, key parkedKey) error {
	path := key.path() + "/replay"
	if c.DryRun {
		path += "?dry_run=true"
	}
	var out struct{ Events int }
	if err := client.Send(ctx, http.MethodPost, key.Service, path, 0, nil, &out); err != nil {
		return err
	}
	word := "handled"
	if c.DryRun {
		word = "would be handled"
	}
	fmt.Fprintf(term.Out, "%s %s %s: %d events %s\n", key.Service, key.Stream, key.Key, out.Events, word)
	return nil
}
