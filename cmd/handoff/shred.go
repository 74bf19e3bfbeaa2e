package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type orgShred struct {
	remote.Flags `embed:""`
	Code         string `arg:"" help:"Short name of the organization: that of the token, or of --org."`
	Again        string `placeholder:"CODE" help:"The short name once more, where nobody can be asked for it."`
}

// Run destroys the keys of an organization's messages, once its name was given twice.
func (c *orgShred) Run(ctx context.Context, term terminal) error {
	again := c.Again
	if again == "" {
		fmt.Fprintf(term.Err, `What the messages of %s said will be gone: nobody can read it any more, and nothing brings it back.
What is known of its patients and stays remains. Copies of the database made before now still hold the keys.
Type the organization's short name once more: `, c.Code)
		line, err := bufio.NewReader(term.In).ReadString('\n')
		if again = strings.TrimSpace(line); again == "" && err != nil {
			fmt.Fprintln(term.Err)
			return errors.New("nothing was destroyed: nobody answered (--again CODE says it without being asked)")
		}
	}
	if again != c.Code {
		return errors.New("nothing was destroyed: that is another name")
	}
	if c.Org == "demo" {
		c.Org = c.Code
	}
	client, err := c.Connect(web.Privacy)
	if err != nil {
		return err
	}
	var out struct {
		Keys int64 `json:"keys"`
	}
	if err := client.Send(ctx, http.MethodPost, "admission", "/organizations/shred", 0, remote.Item{"code": c.Code, "again": again}, &out); err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "%d keys destroyed\n", out.Keys)
	return nil
}
