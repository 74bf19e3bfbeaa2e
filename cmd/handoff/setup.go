package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type orgCommand struct {
	Add  orgAdd  `cmd:"" help:"Add an organization. Its id follows from its name."`
	List orgList `cmd:"" help:"List organizations."`
}

type orgAdd struct {
	remote.Flags `embed:""`
	Code         string `arg:"" help:"Short name, which --org and tokens use."`
	Name         string `help:"Name, as people see it; the code without one."`
}

// Run implements the command.
func (c *orgAdd) Run(ctx context.Context, term terminal) error {
	name := c.Name
	if name == "" {
		name = c.Code
	}
	c.Org = c.Code // in development its administrator adds it
	return add(ctx, c.Flags, web.Admin, term, "/organizations", remote.Item{"code": c.Code, "name": name})
}

// add creates something at admission and prints its id.
func add(ctx context.Context, f remote.Flags, role web.Role, term terminal, path string, item remote.Item) error {
	client, err := f.Connect(role)
	if err != nil {
		return err
	}
	stored := remote.Item{}
	if err := client.Send(ctx, http.MethodPost, "admission", path, 0, item, &stored); err != nil {
		return err
	}
	fmt.Fprintln(term.Out, stored["id"])
	return nil
}

type orgList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
}

// Run implements the command.
func (c *orgList) Run(ctx context.Context, term terminal) error {
	return listing(ctx, c.Flags, web.Admin, c.Output, term, "admission", "/organizations", "id", "code", "name")
}

type facilityCommand struct {
	Add  facilityPut  `cmd:"" aliases:"set" help:"Add a facility, or change what is stated of it."`
	List facilityList `cmd:"" help:"List facilities."`
}

type facilityPut struct {
	remote.Flags  `embed:""`
	Code          string   `arg:"" help:"Its code (MSH-4)."`
	Name          string   `help:"Name, as people see it."`
	Zone          string   `help:"Time zone, as in America/Chicago."`
	Alias         []string `help:"Other names that MSH-4 may have."`
	SensitiveUnit []string `help:"Units (PV1-3) whose stays are restricted."`
	Closure       []string `help:"Days on which the facility's offices are closed besides holidays, YYYY-MM-DD."`
}

// Run implements the command.
func (c *facilityPut) Run(ctx context.Context, term terminal) error {
	item := remote.Item{"code": c.Code}
	for key, text := range map[string]string{"name": c.Name, "zone": c.Zone} {
		if text != "" {
			item[key] = text
		}
	}
	for key, list := range map[string][]string{"aliases": c.Alias, "sensitive_units": c.SensitiveUnit, "closures": c.Closure} {
		if len(list) > 0 {
			item[key] = list
		}
	}
	return add(ctx, c.Flags, web.Admin, term, "/facilities", item)
}

type facilityList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
}

// Run implements the command.
func (c *facilityList) Run(ctx context.Context, term terminal) error {
	return listing(ctx, c.Flags, web.Admin, c.Output, term, "admission", "/facilities", "id", "code", "name", "zone", "verified")
}

type feedCommand struct {
	Add  feedAdd  `cmd:"" help:"Add a feed, and print its API key: it is shown this once."`
	List feedList `cmd:"" help:"List feeds."`
}

type feedAdd struct {
	remote.Flags `embed:""`
	Name         string            `arg:"" help:"Name of the feed."`
	Facility     []string          `required:"" placeholder:"CODE" help:"Facilities (MSH-4) it may speak for."`
	Certificate  []string          `help:"Client certificates that open it: SHA-256 fingerprints or names."`
	Zone         string            `help:"Time zone of times that name none; without it the facility's."`
	Charset      string            `help:"Character set, whatever MSH-18 says."`
	VisitKey     []string          `help:"Fields that name the visit, the best first: PV1-19, PID-18, PV1-50."`
	Disposition  map[string]string `help:"PV1-36 as sent = UB-04 code."`
	Class        map[string]string `help:"PV1-2 as sent = class."`
	AckMode      string            `enum:"auto,original,enhanced" default:"auto" help:"Acknowledgement mode: ${enum}."`
	TLS12        bool              `name:"tls12" help:"Accept TLS 1.2."`
}

// Run implements the command.
func (c *feedAdd) Run(ctx context.Context, term terminal) error {
	dialect := remote.Item{"ack_mode": c.AckMode, "tls12": c.TLS12}
	for key, text := range map[string]string{"zone": c.Zone, "charset": c.Charset} {
		if text != "" {
			dialect[key] = text
		}
	}
	if len(c.VisitKey) > 0 {
		dialect["visit_key"] = c.VisitKey
	}
	for key, m := range map[string]map[string]string{"dispositions": c.Disposition, "classes": c.Class} {
		if len(m) > 0 {
			dialect[key] = m
		}
	}
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	item, stored := remote.Item{"name": c.Name, "facilities": c.Facility, "certificates": c.Certificate, "dialect": dialect}, remote.Item{}
	if c.Certificate == nil {
		delete(item, "certificates")
	}
	if err := client.Send(ctx, http.MethodPost, "admission", "/feeds", 0, item, &stored); err != nil {
		return err
	}
	fmt.Fprintln(term.Out, "feed", stored["id"])
	if key, ok := stored["api_key"].(string); ok && key != "" {
		fmt.Fprintln(term.Out, "key ", key)
	}
	return nil
}

type feedList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
}

// Run implements the command.
func (c *feedList) Run(ctx context.Context, term terminal) error {
	return listing(ctx, c.Flags, web.Interface, c.Output, term, "admission", "/feeds?limit=500", "id", "name", "facilities", "enabled", "last_received_at")
}

type messagesCommand struct {
	List    messagesList    `cmd:"" help:"List messages, newest first."`
	Show    messagesShow    `cmd:"" help:"Show one message: what became of it, and why."`
	Reapply messagesReapply `cmd:"" help:"Apply quarantined messages again, for example after a feed's settings were corrected."`
}

type messagesList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
	State         string `help:"Only those that are kept, applied, ignored, quarantined or rejected."`
	Feed          string `help:"Only those of this feed (its id)."`
	Most          int    `default:"100" help:"At most so many."`
}

// Run implements the command.
func (c *messagesList) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	items, err := client.List(ctx, "admission", c.path(), c.Most)
	if err != nil {
		return err
	}
	return c.Show(term.Out, items, "id", "received_at", "facility", "trigger", "control_id", "state", "reason")
}

func (c *messagesList) path() string {
	q := url.Values{"limit": {fmt.Sprint(min(max(c.Most, 1), 500))}}
	for key, v := range map[string]string{"state": c.State, "feed": c.Feed} {
		if v != "" {
			q.Set(key, v)
		}
	}
	return "/messages?" + q.Encode()
}

type messagesShow struct {
	remote.Flags `embed:""`
	ID           string `arg:"" help:"Id of the message."`
}

// Run implements the command.
func (c *messagesShow) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	item := remote.Item{}
	if err := client.Get(ctx, "admission", "/messages/"+c.ID, &item); err != nil {
		return err
	}
	return remote.Output{JSON: true}.Show(term.Out, []remote.Item{item})
}

type messagesReapply struct {
	remote.Flags `embed:""`
	IDs          []string `arg:"" optional:"" name:"id" help:"Messages; without any, all that are quarantined."`
	Feed         string   `help:"Of all that are quarantined only those of this feed."`
}

// Run tells what each message is then; one that cannot be applied again makes the command fail.
func (c *messagesReapply) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	ids := c.IDs
	if len(ids) == 0 {
		items, err := client.List(ctx, "admission", (&messagesList{State: "quarantined", Feed: c.Feed, Most: 500}).path(), listMost)
		if err != nil {
			return err
		}
		for _, item := range items {
			ids = append(ids, fmt.Sprint(item["id"]))
		}
	}
	failed := 0
	for _, id := range ids {
		item := remote.Item{}
		if err := client.Send(ctx, http.MethodPost, "admission", "/messages/"+id+"/reapply", 0, nil, &item); err != nil {
			fmt.Fprintf(term.Out, "%s %v\n", id, err)
			failed++
			continue
		}
		fmt.Fprintf(term.Out, "%s %v\n", id, item["state"])
	}
	if failed > 0 {
		return errSaid
	}
	return nil
}
