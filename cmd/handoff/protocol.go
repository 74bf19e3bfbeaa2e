package main

import (
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/handoff-care/handoff/services/discharge"
)

type protocolCommand struct {
	Lint protocolLint `cmd:"" help:"Check a folder of protocols as the service would on loading it."`
}

type protocolLint struct {
	Folder string `arg:"" optional:"" help:"Folder with conditions.yaml, tasks.yaml and protocols; without one those that are shipped."`
}

// Run lists the protocols, or everything that is wrong with them.
func (c *protocolLint) Run(term terminal) error {
	var folder fs.FS
	if c.Folder != "" {
		info, err := os.Stat(c.Folder)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is not a folder", c.Folder)
		}
		folder = os.DirFS(c.Folder)
	}
	list, err := discharge.LintProtocols(folder)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(term.Out, 0, 4, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(tw, "%s\t%s\n", p[0], p[1])
	}
	return tw.Flush()
}
