package main

import (
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/handoff-care/handoff/services/discharge"
)

type protocolCommand struct {
	List     protocolList     `cmd:"" help:"List the protocols in force; stored sets; who decided what."`
	Lint     protocolLint     `cmd:"" help:"Check a folder of protocols as the service would on taking it in."`
	Test     protocolTest     `cmd:"" help:"Run the cases beside the protocols (*_test.yaml)."`
	Preview  protocolPreview  `cmd:"" help:"Show what protocols would do to recorded stays, side by side with today. Nothing comes of it."`
	Shadow   protocolShadow   `cmd:"" help:"Try protocols beside those in force: what they would plan is counted, and nothing comes of it."`
	Activate protocolActivate `cmd:"" help:"Put protocols in force, for stays discharged from a time on."`
	Rollback protocolRollback `cmd:"" help:"Go back to the protocols that were in force before."`
}

// protocolFolder is a folder of protocols on this machine.
type protocolFolder struct {
	Folder string `arg:"" optional:"" help:"Folder with conditions.yaml, tasks.yaml and protocols in other *.yaml; what it does not hold is taken from the shipped files. Without a folder: those that are shipped."`
	Alone  bool   `help:"The folder is the whole set: take nothing from the shipped files."`
}

// open gives the folder, or nil for the shipped files.
func (f protocolFolder) open() (fs.FS, error) {
	if f.Folder == "" {
		return nil, nil
	}
	info, err := os.Stat(f.Folder)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", f.Folder)
	}
	return os.DirFS(f.Folder), nil
}

type protocolLint struct {
	protocolFolder `embed:""`
}

// Run lists the protocols, or everything that is wrong with them.
func (c *protocolLint) Run(term terminal) error {
	folder, err := c.open()
	if err != nil {
		return err
	}
	list, err := discharge.LintProtocols(folder, c.Alone)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(term.Out, 0, 4, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(tw, "%s\t%s\n", p[0], p[1])
	}
	return tw.Flush()
}

type protocolTest struct {
	protocolFolder `embed:""`
	Verbose        bool `short:"v" help:"Name the cases that pass, too."`
}

// Run says what differs from what the cases expect; it fails if anything does.
func (c *protocolTest) Run(term terminal) error {
	folder, err := c.open()
	if err != nil {
		return err
	}
	report, err := discharge.TestProtocols(folder, c.Alone)
	if err != nil {
		return err
	}
	return showReport(term, report, c.Verbose)
}

func showReport(term terminal, report discharge.ProtocolReport, verbose bool) error {
	for _, r := range report.Results {
		switch {
		case len(r.Wrong) > 0:
			fmt.Fprintf(term.Out, "FAIL  %s: %s\n", r.File, r.Name)
			for _, wrong := range r.Wrong {
				fmt.Fprintf(term.Out, "      %s\n", wrong)
			}
		case verbose:
			fmt.Fprintf(term.Out, "ok    %s: %s\n", r.File, r.Name)
		}
	}
	for _, ref := range report.Untested {
		fmt.Fprintf(term.Out, "no case meets %s\n", ref)
	}
	fmt.Fprintf(term.Out, "%d cases, %d failed\n", len(report.Results), report.Failed)
	if report.Failed > 0 {
		return errSaid
	}
	return nil
}
