package main

import (
	"fmt"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/cmd/handoff/internal/devoidc"
	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
	"github.com/handoff-care/handoff/pkg/web"
)

type tokenCommand struct {
	Role web.Role `required:"" enum:"liaison,lead,intake,interface,operations,privacy,admin,auditor" help:"What the token may do: ${enum}." placeholder:"ROLE"`
	Org  string   `default:"demo" help:"Organization: its name or id." placeholder:"NAME"`
	Data string   `default:"./.handoff" help:"Data directory of the instance." placeholder:"DIR"`
}

// Run prints a token as the last line of the output.
func (c *tokenCommand) Run(term terminal) error {
	info, running, err := instance.Read(c.Data)
	if err != nil {
		return err
	}
	if running && !info.Dev {
		return fmt.Errorf("the instance at %s was not started with --dev: it accepts tokens of its OpenID issuer only", c.Data)
	}
	key, err := devkey.Load(c.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	who := devoidc.PersonaFor(c.Role, c.Org)
	token, err := key.Token(who.Claims(), time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(term.Err, "%s (%s) of %s, for %s; development only\n", who.Name, c.Role, c.Org, devkey.Life)
	fmt.Fprintln(term.Out, token)
	return nil
}
