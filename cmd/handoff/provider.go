package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type providerCommand struct {
	Add    providerAdd    `cmd:"" help:"Add a facility or agency to the directory."`
	Set    providerSet    `cmd:"" help:"Change what is stated of a provider; what is not named stays."`
	List   providerList   `cmd:"" help:"List the directory."`
	Import providerImport `cmd:"" help:"Import a CSV file: our own columns, or those of CMS Care Compare."`
}

// providerFacts are what can be stated of a provider on the command line; a file states more.
type providerFacts struct {
	Name       string   `help:"Name."`
	Need       []string `help:"What it gives: snf, home-health, irf, ltch, hospice, psych, dialysis."`
	CCN        string   `name:"ccn" help:"CMS certification number."`
	NPI        string   `name:"npi" help:"National provider identifier."`
	Facility   string   `placeholder:"CODE" help:"Code of the facility (MSH-4) whose own admissions confirm arrivals."`
	City       string   `help:"City."`
	State      string   `help:"State, two letters."`
	Zip        string   `help:"ZIP code."`
	Phone      string   `help:"Telephone."`
	Area       []string `help:"ZIP3 areas it serves; * is everywhere."`
	Payer      []string `help:"Payers it takes: medicare, medicaid, commercial, self-pay, other."`
	Language   []string `help:"Languages, ISO 639-1."`
	Capability []string `help:"Capabilities: isolation, bariatric, dialysis."`
	Beds       int      `help:"Beds."`
	OpenBeds   int      `default:"-1" help:"Places free now."`
	Deactivate bool     `help:"Takes no referrals any more."`
}

// into states the facts in an item of the API.
func (f providerFacts) into(item remote.Item) {
	for key, text := range map[string]string{
		"name": f.Name, "ccn": f.CCN, "npi": f.NPI, "facility": f.Facility, "city": f.City, "state": f.State, "zip": f.Zip, "phone": f.Phone,
	} {
		if text != "" {
			item[key] = text
		}
	}
	for key, list := range map[string][]string{
		"needs": f.Need, "areas": f.Area, "payers": f.Payer, "languages": f.Language, "capabilities": f.Capability,
	} {
		if len(list) > 0 {
			item[key] = list
		}
	}
	if f.Beds > 0 {
		item["beds"] = f.Beds
	}
	if f.OpenBeds >= 0 {
		item["open_beds"] = f.OpenBeds
	}
	if f.Deactivate {
		item["active"] = false
	}
}

type providerAdd struct {
	remote.Flags  `embed:""`
	providerFacts `embed:""`
}

// Run implements the command.
func (c *providerAdd) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Lead)
	if err != nil {
		return err
	}
	item, stored := remote.Item{}, remote.Item{}
	c.into(item)
	if err := client.Send(ctx, http.MethodPost, "referral", "/providers", 0, item, &stored); err != nil {
		return err
	}
	fmt.Fprintln(term.Out, stored["id"])
	return nil
}

type providerSet struct {
	remote.Flags  `embed:""`
	ID            string `arg:"" help:"Id of the provider, as provider list shows it."`
	providerFacts `embed:""`
}

// Run implements the command.
func (c *providerSet) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Lead)
	if err != nil {
		return err
	}
	item := remote.Item{}
	if err := client.Get(ctx, "referral", "/providers/"+c.ID, &item); err != nil {
		return err
	}
	version, _ := item["version"].(float64)
	delete(item, "id")
	delete(item, "version")
	c.into(item)
	if err := client.Send(ctx, http.MethodPut, "referral", "/providers/"+c.ID, int(version), item, &item); err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "version %v\n", item["version"])
	return nil
}

type providerList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
	Need          string `help:"Only those that give this."`
}

// Run implements the command.
func (c *providerList) Run(ctx context.Context, term terminal) error {
	return listing(ctx, c.Flags, web.Lead, c.Output, term, "referral", "/providers?limit=500&need="+c.Need,
		"id", "name", "needs", "city", "zip", "facility", "rating", "open_beds")
}

type providerImport struct {
	remote.Flags `embed:""`
	File         string `arg:"" help:"CSV file; - is standard input."`
}

// Run tells of each line that was refused, and fails if there was one.
func (c *providerImport) Run(ctx context.Context, term terminal) error {
	f, err := open(c.File, term.In)
	if err != nil {
		return err
	}
	defer f.Close()
	body, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	client, err := c.Connect(web.Lead)
	if err != nil {
		return err
	}
	res, err := client.Upload(ctx, "referral", "/providers/import", "text/csv", body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var out struct {
		Lines, Stored, Changed int
		Detail                 string
		Errors                 []struct {
			Line int
			Text string
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return fmt.Errorf("the answer cannot be read (status %d): %w", res.StatusCode, err)
	}
	if res.StatusCode >= 400 {
		return fmt.Errorf("%s", out.Detail)
	}
	for _, e := range out.Errors {
		fmt.Fprintf(term.Out, "%s:%d: %s\n", c.File, e.Line, e.Text)
	}
	fmt.Fprintf(term.Out, "%d lines, %d stored, %d of them new or changed, %d refused\n", out.Lines, out.Stored, out.Changed, len(out.Errors))
	if len(out.Errors) > 0 {
		return errSaid
	}
	return nil
}
