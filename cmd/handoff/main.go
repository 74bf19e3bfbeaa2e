// Command handoff runs all of handoff in one process, and is the operator's tool.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/handoff-care/handoff/pkg/fault"
)

const description = `Watches hospital admissions, transfers and discharges, and makes sure that nobody who leaves a hospital is dropped.

Every flag is also a HANDOFF_... environment variable (--database-url is HANDOFF_DATABASE_URL) and a key of the --config file (database-url, or database_url). A flag wins over the environment, that over the file, that over the default.`

// program is the command line: one field per command.
type program struct {
	Config kong.ConfigFlag `help:"Read settings from a YAML or JSON file." placeholder:"FILE"`

	Run   runCommand   `cmd:"" group:"system" help:"Run everything in this process: services, console, and what they need."`
	Demo  demoCommand  `cmd:"" group:"system" help:"Run the simulated hospital alone, against any address."`
	Send  sendCommand  `cmd:"" group:"system" help:"Send files of HL7 messages, or MLLP captures, and report each reply."`
	Token tokenCommand `cmd:"" group:"system" help:"Print a bearer token for an instance that was started with --dev."`
	NATS  natsCommand  `cmd:"" name:"nats" hidden:"" help:"Run the NATS server alone, for services in processes of their own."`

	Org      orgCommand      `cmd:"" group:"setup" help:"Organizations."`
	Key      keyCommand      `cmd:"" group:"setup" help:"The keys that messages are sealed under."`
	Facility facilityCommand `cmd:"" group:"setup" help:"Facilities of an organization."`
	Feed     feedCommand     `cmd:"" group:"setup" help:"Feeds: the credentials that hospitals send with."`
	Person   personCommand   `cmd:"" group:"setup" help:"People who are told things."`
	Roster   rosterCommand   `cmd:"" group:"setup" help:"Rosters: who is told of a unit or a facility."`
	Provider providerCommand `cmd:"" group:"setup" help:"The directory of next caregivers."`

	Messages messagesCommand `cmd:"" group:"operations" help:"HL7 messages: what became of them."`
	Parked   parkedCommand   `cmd:"" group:"operations" help:"Keys whose events could not be handled."`
	Rules    rulesCommand    `cmd:"" group:"operations" help:"Rules of clocks and tables of risk."`
	Protocol protocolCommand `cmd:"" group:"operations" help:"Protocols of care."`
	Doctor   doctorCommand   `cmd:"" group:"operations" help:"Say what is wrong with an instance and what to do."`
	Docs     docsCommand     `cmd:"" group:"operations" help:"Write the contracts (AsyncAPI, JSON Schema, OpenAPI) from the code."`
	Bench    benchCommand    `cmd:"" group:"operations" help:"Measure this machine beside a bare program with the same durable duties."`
	Floor    floorCommand    `cmd:"" hidden:"" help:"Run that bare program."`
	Version  versionCommand  `cmd:"" group:"operations" help:"Say which build this is."`
}

var groups = []kong.Group{
	{Key: "system", Title: "Run it:"},
	{Key: "setup", Title: "Set it up (on a running instance):"},
	{Key: "operations", Title: "Look after it:"},
}

// terminal is where a command writes: results to Out, everything else to Err.
type terminal struct {
	In       io.Reader
	Out, Err io.Writer
}

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return execute(ctx, os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr})
}

// execute runs a command line and returns the exit status: 0 done, 1 it failed, 80 it was not understood.
func execute(ctx context.Context, args []string, term terminal) int {
	var p program
	exited, status := false, 0
	parser, err := newParser(&p, term, func(code int) { exited, status = true, code })
	if err != nil {
		fmt.Fprintln(term.Err, "handoff:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if exited { // --help
		return status
	}
	if err != nil {
		var parse *kong.ParseError
		if errors.As(err, &parse) && len(args) == 0 {
			_ = parse.Context.PrintUsage(false)
			return 80
		}
		fmt.Fprintf(term.Err, "handoff: %v\nSee handoff %s--help.\n", err, understood(parse))
		return 80
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		say(term.Err, err)
		return 1
	}
	return 0
}

// understood is the part of the command line that was, to name the right help.
func understood(parse *kong.ParseError) string {
	if parse == nil || parse.Context == nil || parse.Context.Selected() == nil {
		return ""
	}
	return strings.TrimPrefix(parse.Context.Selected().Path(), " ") + " "
}

// say prints an error, unless the command has said all there is.
func say(w io.Writer, err error) {
	if errors.Is(err, errSaid) || errors.Is(err, context.Canceled) {
		return
	}
	text := err.Error()
	var f *fault.Error
	errors.As(err, &f)
	if f != nil && f.Cause == nil {
		text = f.Text
	}
	fmt.Fprintln(w, "handoff:", text)
	if f == nil {
		return
	}
	details, _ := f.Fields["errors"].([]any)
	for _, d := range details {
		fmt.Fprintln(w, "  -", d)
	}
}

// errSaid ends a command that failed and has already said why.
var errSaid = errors.New("failed")

func newParser(p *program, term terminal, exit func(int)) (*kong.Kong, error) {
	return kong.New(p,
		kong.Name("handoff"), kong.Description(description),
		kong.DefaultEnvars("HANDOFF"), kong.Configuration(readConfig),
		kong.ExplicitGroups(groups), kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.ValueFormatter(explain),
		kong.Writers(term.Out, term.Err), kong.Exit(exit), kong.Bind(term), kong.Vars(keyVars),
	)
}

// explain is a flag's help with its default, which kong leaves out where there is a placeholder.
func explain(v *kong.Value) string {
	text := v.Help
	if v.Flag == nil {
		return text
	}
	if v.HasDefault && v.Default != "" && v.Flag.PlaceHolder != "" {
		text += fmt.Sprintf(" Default: %s", v.Default)
	}
	if len(v.Flag.Envs) > 0 {
		text += fmt.Sprintf(" ($%s)", strings.Join(v.Flag.Envs, ", $"))
	}
	return text
}
