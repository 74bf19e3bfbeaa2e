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
	"github.com/handoff-care/handoff/services/discharge"
)

type protocolList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
	Facility      string `placeholder:"CODE" help:"Those in force at a facility (MSH-4)."`
	Sets          bool   `xor:"what" help:"The stored sets, and where each is in force."`
	History       bool   `xor:"what" help:"Who decided when which set is in force."`
}

// Run implements the command.
func (c *protocolList) Run(ctx context.Context, term terminal) error {
	switch {
	case c.Sets:
		return listing(ctx, c.Flags, web.Admin, c.Output, term, "discharge", "/protocols/sets", "number", "id", "title", "live", "coming", "shadow", "made_by", "made_at", "wrong")
	case c.History:
		return listing(ctx, c.Flags, web.Admin, c.Output, term, "discharge", "/protocols/acts", "version", "kind", "set_id", "facility", "from", "replan", "by", "at", "reason")
	}
	path := "/protocols?facility=" + url.QueryEscape(c.Facility)
	return listing(ctx, c.Flags, web.Admin, c.Output, term, "discharge", path, "protocol", "kind", "title", "from", "until", "tasks")
}

// protocolChoice names protocols: those of a folder, of a stored set, or that are shipped.
type protocolChoice struct {
	Folder  string `arg:"" optional:"" help:"Folder of protocols; what it does not hold is taken from the shipped files."`
	Alone   bool   `help:"The folder is the whole set: take nothing from the shipped files."`
	Set     string `placeholder:"ID" help:"A stored set (handoff protocol list --sets) instead of a folder."`
	Shipped bool   `help:"The shipped protocols instead of a folder."`
}

// named counts how many of the ways to name protocols were used.
func (c protocolChoice) named() int {
	n := 0
	for _, is := range []bool{c.Folder != "", c.Set != "", c.Shipped} {
		if is {
			n++
		}
	}
	return n
}

var errChoice = errors.New("name a folder of protocols, or --set ID, or --shipped")

// body is the choice as the API takes it.
func (c protocolChoice) body() (remote.Item, error) {
	if c.named() != 1 {
		return nil, errChoice
	}
	switch {
	case c.Set != "":
		return remote.Item{"set_id": c.Set}, nil
	case c.Shipped:
		return remote.Item{"shipped": true}, nil
	}
	files, err := c.files()
	return remote.Item{"files": files, "alone": c.Alone}, err
}

func (c protocolChoice) files() (map[string]string, error) {
	folder, err := (protocolFolder{Folder: c.Folder}).open()
	if err != nil {
		return nil, err
	}
	return discharge.ProtocolFiles(folder)
}

// stored is the choice with a folder's protocols stored, for what can be decided on stored ones alone.
func (c protocolChoice) stored(ctx context.Context, client *remote.Client, term terminal, title string) (remote.Item, error) {
	body, err := c.body()
	if err != nil || c.Folder == "" {
		return body, err
	}
	body["title"] = title
	var set struct {
		ID     string `json:"id"`
		Number int    `json:"number"`
	}
	if err := client.Send(ctx, http.MethodPost, "discharge", "/protocols/sets", 0, body, &set); err != nil {
		return nil, err
	}
	fmt.Fprintf(term.Out, "stored as set %d, %s\n", set.Number, set.ID)
	return remote.Item{"set_id": set.ID}, nil
}

type protocolActivate struct {
	remote.Flags   `embed:""`
	protocolChoice `embed:""`
	Inherit        bool      `help:"The facility follows the organization again."`
	Facility       string    `placeholder:"CODE" help:"At one facility (MSH-4); without it everywhere that has no decision of its own."`
	From           time.Time `placeholder:"TIME" help:"For stays discharged from then on, as in 2026-11-01T00:00:00-04:00. Default: from now on."`
	Replan         bool      `help:"Plan open transitions of those stays again; needed where --from has passed."`
	Title          string    `help:"What is new about a folder's protocols."`
	Reason         string    `required:"" help:"Why, for whoever asks later."`
}

// Run implements the command.
func (c *protocolActivate) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	version, err := client.Version(ctx, "discharge", "/protocols")
	if err != nil {
		return err
	}
	body := remote.Item{"inherit": true}
	if !c.Inherit || c.named() > 0 {
		if body, err = c.stored(ctx, client, term, c.Title); err != nil {
			return err
		}
	}
	body["facility"], body["replan"], body["reason"] = c.Facility, c.Replan, c.Reason
	if !c.From.IsZero() {
		body["from"] = c.From
	}
	return decideProtocols(ctx, client, term, "activate", version, body)
}

type protocolRollback struct {
	remote.Flags `embed:""`
	Facility     string `placeholder:"CODE" help:"At one facility (MSH-4); without it the organization."`
	Replan       bool   `help:"Also plan again what was planned since the protocols took effect."`
	Reason       string `required:"" help:"Why, for whoever asks later."`
}

// Run implements the command.
func (c *protocolRollback) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	version, err := client.Version(ctx, "discharge", "/protocols")
	if err != nil {
		return err
	}
	return decideProtocols(ctx, client, term, "rollback", version, remote.Item{"facility": c.Facility, "replan": c.Replan, "reason": c.Reason})
}

// decideProtocols sends a decision, says what it means, and waits for what it has planned again.
func decideProtocols(ctx context.Context, client *remote.Client, term terminal, what string, version int, body remote.Item) error {
	var act struct {
		Version  int       `json:"version"`
		Facility string    `json:"facility"`
		Set      string    `json:"set_id"`
		Inherit  bool      `json:"inherit"`
		From     time.Time `json:"from"`
		Replan   bool      `json:"replan"`
	}
	if err := client.Decide(ctx, http.MethodPost, "discharge", "/protocols/"+what, version, body, &act); err != nil {
		return err
	}
	set, where := "set "+act.Set, "everywhere"
	switch {
	case act.Inherit:
		set = "the organization's set"
	case act.Set == "":
		set = "the shipped set"
	}
	if act.Facility != "" {
		where = "at " + act.Facility
	}
	fmt.Fprintf(term.Out, "%s is in force %s for stays discharged from %s on\n", set, where, act.From.Local().Format(time.RFC3339))
	if !act.Replan {
		return nil
	}
	return waitReplanned(ctx, client, term, act.Version)
}

// waitReplanned follows the planning again after a decision until it is done.
func waitReplanned(ctx context.Context, client *remote.Client, term terminal, act int) error {
	for {
		items, err := client.List(ctx, "discharge", "/protocols/replans", 100)
		if err != nil {
			return err
		}
		for _, item := range items {
			if item["act"] == float64(act) && item["done_at"] != nil {
				fmt.Fprintf(term.Out, "%v transitions were planned again, %v of them differently\n", item["looked"], item["changed"])
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

type protocolShadow struct {
	remote.Flags   `embed:""`
	remote.Output  `embed:""`
	protocolChoice `embed:""`
	End            bool   `help:"Try nothing any more."`
	Facility       string `placeholder:"CODE" help:"At one facility (MSH-4); without it everywhere that has no decision of its own."`
	Title          string `help:"What is new about a folder's protocols."`
	Reason         string `default:"tried from the command line" help:"Why, for whoever asks later."`
}

// Run begins or ends a trial; without protocols it shows how the one that runs goes.
func (c *protocolShadow) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	if c.named() == 0 && !c.End {
		return c.show(ctx, client, term)
	}
	version, err := client.Version(ctx, "discharge", "/protocols")
	if err != nil {
		return err
	}
	body := remote.Item{"end": true}
	if !c.End {
		if body, err = c.stored(ctx, client, term, c.Title); err != nil {
			return err
		}
	}
	body["facility"], body["reason"] = c.Facility, c.Reason
	if err := client.Decide(ctx, http.MethodPost, "discharge", "/protocols/shadow", version, body, nil); err != nil {
		return err
	}
	if c.End {
		fmt.Fprintln(term.Out, "nothing is tried any more")
	} else {
		fmt.Fprintln(term.Out, "tried from now on; handoff protocol shadow shows how it goes")
	}
	return nil
}

func (c *protocolShadow) show(ctx context.Context, client *remote.Client, term terminal) error {
	var is struct {
		Set       string        `json:"set_id"`
		Since     *time.Time    `json:"since"`
		Stays     int           `json:"stays"`
		Differing int           `json:"differing"`
		Codes     []remote.Item `json:"codes"`
	}
	if err := client.Get(ctx, "discharge", "/protocols/shadow?limit=1&facility="+url.QueryEscape(c.Facility), &is); err != nil {
		return err
	}
	if is.Since == nil {
		fmt.Fprintln(term.Out, "nothing is tried")
		return nil
	}
	if is.Set == "" {
		is.Set = "the shipped set"
	}
	fmt.Fprintf(term.Out, "%s is tried since %s: %d stays, %d of them with other tasks\n", is.Set, is.Since.Local().Format(time.RFC3339), is.Stays, is.Differing)
	return c.Show(term.Out, is.Codes, "code", "gained", "lost", "moved", "changed")
}
