package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

const listMost = 100_000

// listing is a command that shows a list of an API.
func listing(ctx context.Context, f remote.Flags, role web.Role, o remote.Output, term terminal, service, path string, columns ...string) error {
	c, err := f.Connect(role)
	if err != nil {
		return err
	}
	items, err := c.List(ctx, service, path, listMost)
	if err != nil {
		return err
	}
	return o.Show(term.Out, items, columns...)
}

type personCommand struct {
	Add    personPut    `cmd:"" help:"Add somebody who is told things."`
	Set    personPut    `cmd:"" help:"Replace what is known of somebody."`
	List   personList   `cmd:"" help:"List people."`
	Import personImport `cmd:"" help:"Add or replace people from a CSV file: id,name,roles,email,email_from,active (roles separated by ;)."`
}

type personPut struct {
	remote.Flags `embed:""`
	ID           string   `arg:"" help:"The subject of the person's tokens."`
	Name         string   `required:"" help:"Name, as others see it."`
	Role         []string `help:"Roles: liaison, lead, intake, interface, operations, privacy, admin, auditor."`
	Email        string   `help:"Where to send what cannot wait for the screen."`
	EmailFrom    string   `enum:"routine,urgent,critical" default:"urgent" help:"Mildest severity that is worth a mail: ${enum}."`
	Inactive     bool     `help:"Told of nothing for the time being."`
}

// Run implements the command.
func (c *personPut) Run(ctx context.Context, term terminal) error {
	person := remote.Item{"id": c.ID, "name": c.Name, "roles": c.Role, "email": c.Email, "email_from": c.EmailFrom, "active": !c.Inactive}
	return put(ctx, c.Flags, term, "people", []remote.Item{person})
}

// put creates or replaces entries of notification's directory.
func put(ctx context.Context, f remote.Flags, term terminal, what string, items []remote.Item) error {
	c, err := f.Connect(web.Admin)
	if err != nil {
		return err
	}
	if err := c.Send(ctx, http.MethodPut, "notification", "/"+what, 0, remote.Item{what: items}, nil); err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "%d stored\n", len(items))
	return nil
}

type personList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
}

// Run implements the command.
func (c *personList) Run(ctx context.Context, term terminal) error {
	return listing(ctx, c.Flags, web.Admin, c.Output, term, "notification", "/people", "id", "name", "roles", "email", "email_from", "active")
}

type personImport struct {
	remote.Flags `embed:""`
	File         string `arg:"" help:"CSV file; - is standard input."`
}

// Run implements the command.
func (c *personImport) Run(ctx context.Context, term terminal) error {
	rows, err := readCSV(c.File, term.In, "id", "name")
	if err != nil {
		return err
	}
	var people []remote.Item
	for _, row := range rows {
		p := remote.Item{"id": row["id"], "name": row["name"], "roles": split(row["roles"]), "email": row["email"]}
		if row["email_from"] != "" {
			p["email_from"] = row["email_from"]
		}
		if row["active"] != "" {
			p["active"] = !strings.HasPrefix("no", strings.ToLower(row["active"])) && row["active"] != "false"
		}
		people = append(people, p)
	}
	return put(ctx, c.Flags, term, "people", people)
}

type rosterCommand struct {
	Set    rosterSet    `cmd:"" aliases:"add" help:"Say who answers for a unit, or for a facility."`
	List   rosterList   `cmd:"" help:"List rosters."`
	Import rosterImport `cmd:"" help:"Set rosters from a CSV file: facility,unit,members (separated by ;)."`
}

type rosterSet struct {
	remote.Flags `embed:""`
	Facility     string   `required:"" placeholder:"CODE" help:"Facility (MSH-4)."`
	Unit         string   `placeholder:"CODE" help:"Unit (PV1-3); without it the whole facility."`
	Shift        []string `sep:"none" xor:"shifts" placeholder:"\"WHEN WHO\"" help:"Who is on call when, in the facility's time: 'mon-fri 19:00-07:00 ann,bob', or once, in place of the weekly ones, '2026-12-24T19:00/2026-12-25T07:00 role:lead'. Once for each shift; all take the place of those there are. Without any they stay."`
	NoShifts     bool     `xor:"shifts" help:"Nobody is on call by the hour any more."`
	Zone         string   `placeholder:"ZONE" help:"The facility's IANA time zone, where it has not said so itself."`
	Members      []string `arg:"" optional:"" help:"Person ids, or role:ROLE, who are told at any time. Without any, and without --shift, the roster is removed."`
}

// Run implements the command.
func (c *rosterSet) Run(ctx context.Context, term terminal) error {
	roster := remote.Item{"facility": c.Facility, "unit": c.Unit, "members": append([]string{}, c.Members...)}
	if len(c.Shift) > 0 || c.NoShifts {
		shifts, err := c.shiftsOf(ctx)
		if err != nil {
			return err
		}
		roster["shifts"] = shifts
	}
	if c.Zone != "" {
		roster["zone"] = c.Zone
	}
	return put(ctx, c.Flags, term, "rosters", []remote.Item{roster})
}

type rosterList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
}

// Run implements the command.
func (c *rosterList) Run(ctx context.Context, term terminal) error {
	to, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	items, err := to.List(ctx, "notification", "/rosters", listMost)
	if err != nil {
		return err
	}
	for _, roster := range items {
		if c.JSON {
			break // it says all there is
		}
		if err := inWords(roster); err != nil {
			return err
		}
	}
	return c.Show(term.Out, items, "facility", "unit", "members", "on_call", "nobody_from", "shifts")
}

type rosterImport struct {
	remote.Flags `embed:""`
	File         string `arg:"" help:"CSV file; - is standard input."`
}

// Run implements the command.
func (c *rosterImport) Run(ctx context.Context, term terminal) error {
	rows, err := readCSV(c.File, term.In, "facility", "members")
	if err != nil {
		return err
	}
	var rosters []remote.Item
	for _, row := range rows {
		rosters = append(rosters, remote.Item{"facility": row["facility"], "unit": row["unit"], "members": split(row["members"])})
	}
	return put(ctx, c.Flags, term, "rosters", rosters)
}

func split(list string) []string {
	out := []string{}
	for part := range strings.SplitSeq(list, ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// open is a file, or standard input for "-".
func open(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

// readCSV reads a file whose first line names the columns.
func readCSV(name string, stdin io.Reader, required ...string) ([]map[string]string, error) {
	f, err := open(name, stdin)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.TrimLeadingSpace = true
	heads, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: the first line must name the columns: %w", name, err)
	}
	heads[0] = strings.TrimPrefix(heads[0], "\ufeff")
	var rows []map[string]string
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		row := map[string]string{}
		for i, head := range heads {
			row[strings.ToLower(strings.TrimSpace(head))] = strings.TrimSpace(cells[i])
		}
		for _, want := range required {
			if row[want] == "" {
				line, _ := r.FieldPos(0)
				return nil, fmt.Errorf("%s:%d: %s is missing; nothing was sent", name, line, want)
			}
		}
		rows = append(rows, row)
	}
}
