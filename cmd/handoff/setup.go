package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type orgCommand struct {
	Add   orgAdd   `cmd:"" help:"Add an organization. Its id follows from its name."`
	List  orgList  `cmd:"" help:"List organizations."`
	Shred orgShred `cmd:"" help:"Destroy the keys of an organization's messages: what they said is gone for ever."`
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
	Type          string   `enum:",hospital,skilled-nursing,rehabilitation,long-term-acute,hospice,home-health,psychiatric" default:"" help:"What it is: hospital, skilled-nursing, rehabilitation, long-term-acute, hospice, home-health or psychiatric. A stay where no acute care is given is never a readmission."`
	Alias         []string `help:"Other names that MSH-4 may have."`
	SensitiveUnit []string `help:"Units (PV1-3) whose stays are restricted."`
	Closure       []string `help:"Days on which the facility's offices are closed besides holidays, YYYY-MM-DD."`
}

// Run implements the command.
func (c *facilityPut) Run(ctx context.Context, term terminal) error {
	item := remote.Item{"code": c.Code}
	for key, text := range map[string]string{"name": c.Name, "zone": c.Zone, "type": c.Type} {
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
	return listing(ctx, c.Flags, web.Admin, c.Output, term, "admission", "/facilities", "id", "code", "name", "type", "zone", "verified")
}

type feedCommand struct {
	Add    feedAdd    `cmd:"" help:"Add a feed. Without certificates it gets an API key, which is printed this once."`
	Set    feedSet    `cmd:"" help:"Change a feed's settings; what is not named stays."`
	List   feedList   `cmd:"" help:"List feeds."`
	Key    feedKey    `cmd:"" help:"Give a feed another API key, which is printed this once."`
	Revoke feedRevoke `cmd:"" help:"Revoke an API key of a feed."`
}

// feedFacts are what can be set of a feed.
type feedFacts struct {
	Facility    []string          `placeholder:"CODE" help:"Facilities (MSH-4) it may speak for."`
	Certificate []string          `help:"Client certificates that open it: SHA-256 fingerprints or names."`
	Zone        string            `help:"Time zone of times that name none; without it the facility's."`
	Charset     string            `help:"Character set, whatever MSH-18 says."`
	VisitKey    []string          `help:"Fields that name the visit, the best first: PV1-19, PID-18, PV1-50."`
	Disposition map[string]string `help:"PV1-36 as sent = UB-04 code."`
	Class       map[string]string `help:"PV1-2 as sent = class."`
	PatientType map[string]string `help:"PV1-18 as sent = class; wins over PV1-2."`
	Processing  []string          `help:"MSH-11 values that are allowed; P without it."`
	AckMode     string            `enum:",auto,original,enhanced" default:"" help:"Acknowledgements: auto (as MSH-15 and MSH-16 ask), original or enhanced."`
	TLS12       bool              `name:"tls12" help:"Accept TLS 1.2."`
}

// into states the facts in an item of the API.
func (f feedFacts) into(item remote.Item) {
	dialect, _ := item["dialect"].(remote.Item)
	if dialect == nil {
		dialect = remote.Item{}
	}
	item["dialect"] = dialect
	for key, text := range map[string]string{"zone": f.Zone, "charset": f.Charset, "ack_mode": f.AckMode} {
		if text != "" {
			dialect[key] = text
		}
	}
	for key, list := range map[string][]string{"visit_key": f.VisitKey, "processing": f.Processing} {
		if len(list) > 0 {
			dialect[key] = list
		}
	}
	for key, m := range map[string]map[string]string{"dispositions": f.Disposition, "classes": f.Class, "patient_types": f.PatientType} {
		if len(m) > 0 {
			dialect[key] = m
		}
	}
	if f.TLS12 {
		dialect["tls12"] = true
	}
	for key, list := range map[string][]string{"facilities": f.Facility, "certificates": f.Certificate} {
		if len(list) > 0 {
			item[key] = list
		}
	}
}

type feedAdd struct {
	remote.Flags `embed:""`
	Name         string `arg:"" help:"Name of the feed."`
	feedFacts    `embed:""`
}

// Run implements the command.
func (c *feedAdd) Run(ctx context.Context, term terminal) error {
	if len(c.Facility) == 0 {
		return errors.New("say which facilities the feed may speak for: --facility CODE")
	}
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	item, stored := remote.Item{"name": c.Name}, remote.Item{}
	c.into(item)
	if err := client.Send(ctx, http.MethodPost, "admission", "/feeds", 0, item, &stored); err != nil {
		return err
	}
	fmt.Fprintln(term.Out, "feed", stored["id"])
	if key, ok := stored["api_key"].(string); ok && key != "" {
		fmt.Fprintln(term.Out, "key ", key)
	}
	return nil
}

type feedSet struct {
	remote.Flags `embed:""`
	ID           string `arg:"" help:"Id of the feed, as feed list shows it."`
	Name         string `help:"Another name."`
	Enable       bool   `xor:"enabled" help:"Take messages again."`
	Disable      bool   `xor:"enabled" help:"Take no messages any more."`
	feedFacts    `embed:""`
}

// Run implements the command.
func (c *feedSet) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	old := remote.Item{}
	if err := client.Get(ctx, "admission", "/feeds/"+c.ID, &old); err != nil {
		return err
	}
	version, _ := old["version"].(float64)
	item := remote.Item{}
	for _, key := range []string{"name", "facilities", "enabled", "dialect", "certificates"} {
		item[key] = old[key]
	}
	c.into(item)
	if c.Name != "" {
		item["name"] = c.Name
	}
	if c.Enable || c.Disable {
		item["enabled"] = c.Enable
	}
	if err := client.Send(ctx, http.MethodPut, "admission", "/feeds/"+c.ID, int(version), item, &item); err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "version %v\n", item["version"])
	return nil
}

type feedKey struct {
	remote.Flags `embed:""`
	ID           string    `arg:"" help:"Id of the feed."`
	Expires      time.Time `help:"When it ends, as 2027-01-31T00:00:00Z; never without it."`
}

// Run implements the command.
func (c *feedKey) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	in, out := remote.Item{}, remote.Item{}
	if !c.Expires.IsZero() {
		in["expires_at"] = c.Expires
	}
	if err := client.Send(ctx, http.MethodPost, "admission", "/feeds/"+c.ID+"/keys", 0, in, &out); err != nil {
		return err
	}
	fmt.Fprintln(term.Out, out["key"])
	return nil
}

type feedRevoke struct {
	remote.Flags `embed:""`
	ID           string `arg:"" help:"Id of the feed."`
	Key          string `arg:"" optional:"" help:"Id of the key; without one the feed's keys are listed."`
}

// Run implements the command.
func (c *feedRevoke) Run(ctx context.Context, term terminal) error {
	path := "/feeds/" + c.ID + "/keys"
	if c.Key == "" {
		return listing(ctx, c.Flags, web.Interface, remote.Output{}, term, "admission", path, "id", "prefix", "created_at", "expires_at", "revoked_at")
	}
	client, err := c.Connect(web.Interface)
	if err != nil {
		return err
	}
	return client.Send(ctx, http.MethodDelete, "admission", path+"/"+c.Key, 0, nil, nil)
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
