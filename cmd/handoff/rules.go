package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge"
)

type rulesCommand struct {
	List     rulesList     `cmd:"" help:"List the rules of clocks in force; stored sets; who decided what."`
	Lint     rulesLint     `cmd:"" help:"Check a folder of rules as the service would on taking it in, and list its packs."`
	Test     rulesTest     `cmd:"" help:"Compute the vectors of every pack and say how many came true."`
	Preview  rulesPreview  `cmd:"" help:"Show what rules would change, side by side with today. Nothing comes of it."`
	Activate rulesActivate `cmd:"" help:"Put rules in force. Open clocks keep their versions; move them with POST /api/discharge/rules/move."`
	Rollback rulesRollback `cmd:"" help:"Go back to the rules that were in force before."`
}

type rulesList struct {
	remote.Flags  `embed:""`
	remote.Output `embed:""`
	Sets          bool `xor:"what" help:"The stored sets."`
	History       bool `xor:"what" help:"Who decided when which set is in force."`
}

// Run implements the command.
func (c *rulesList) Run(ctx context.Context, term terminal) error {
	switch {
	case c.Sets:
		return listing(ctx, c.Flags, web.Admin, c.Output, term, "discharge", "/rules/sets", "number", "id", "title", "live", "previewed_at", "made_by", "made_at", "wrong")
	case c.History:
		return listing(ctx, c.Flags, web.Admin, c.Output, term, "discharge", "/rules/acts", "version", "kind", "set_id", "from", "by", "at", "reason")
	}
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	packs, err := client.List(ctx, "discharge", "/rules", listMost)
	if err != nil {
		return err
	}
	var rules []remote.Item
	for _, p := range packs {
		list, _ := p["rules"].([]any)
		for _, r := range list {
			if rule, ok := r.(remote.Item); ok {
				rule["pack"] = p["pack"]
				rules = append(rules, rule)
			}
		}
	}
	return c.Show(term.Out, rules, "pack", "id", "version", "from", "until", "title", "source")
}

// rulesFolder is a folder of rules on this machine.
type rulesFolder struct {
	Folder string `arg:"" optional:"" help:"Folder with packs (*.yaml), comorbidity.yaml and hospital.yaml; what it does not hold is taken from the shipped files. Without a folder: those that are shipped."`
}

func (f rulesFolder) report() (discharge.RulesReport, error) {
	folder, err := (protocolFolder{Folder: f.Folder}).open()
	if err != nil {
		return discharge.RulesReport{}, err
	}
	return discharge.LintRules(folder)
}

type rulesLint struct {
	rulesFolder `embed:""`
}

// Run lists the packs, or what is wrong with them.
func (c *rulesLint) Run(term terminal) error {
	report, err := c.report()
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(term.Out, 0, 4, 2, ' ', 0)
	for _, p := range report.Packs {
		fmt.Fprintf(tw, "%s\t%s\t%d rules\t%s\n", p.Pack, p.Version, p.Rules, p.Title)
	}
	for _, ref := range report.New {
		fmt.Fprintf(tw, "new\t%s\n", ref)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return wrong(term, report)
}

func wrong(term terminal, report discharge.RulesReport) error {
	for _, problem := range report.Problems {
		fmt.Fprintln(term.Out, problem)
	}
	if len(report.Problems) > 0 {
		return errSaid
	}
	return nil
}

type rulesTest struct {
	rulesFolder `embed:""`
}

// Run computes the vectors; the first that is not true is the error.
func (c *rulesTest) Run(term terminal) error {
	report, err := c.report()
	if err != nil {
		return err
	}
	n := 0
	for _, p := range report.Packs {
		n += p.Vectors
		if p.Vectors == 0 {
			fmt.Fprintf(term.Out, "no vector meets %s\n", p.Pack)
		}
	}
	fmt.Fprintf(term.Out, "%d vectors, 0 failed\n", n)
	return wrong(term, report)
}

// rulesChoice names rules: those of a folder, of a stored set, or that are shipped.
type rulesChoice struct {
	Folder  string `arg:"" optional:"" help:"Folder of rules; what it does not hold is taken from the shipped files. It is stored as a set."`
	Set     string `placeholder:"ID" help:"A stored set (handoff rules list --sets) instead of a folder."`
	Shipped bool   `help:"The shipped rules instead of a folder."`
	Title   string `help:"What is new about a folder's rules."`
}

// stored is the choice as the API takes it, a folder's rules stored.
func (c rulesChoice) stored(ctx context.Context, client *remote.Client, term terminal) (remote.Item, error) {
	switch (protocolChoice{Folder: c.Folder, Set: c.Set, Shipped: c.Shipped}).named() {
	case 1:
	default:
		return nil, fmt.Errorf("name a folder of rules, or --set ID, or --shipped")
	}
	switch {
	case c.Set != "":
		return remote.Item{"set_id": c.Set}, nil
	case c.Shipped:
		return remote.Item{"shipped": true}, nil
	}
	folder, err := (protocolFolder{Folder: c.Folder}).open()
	if err != nil {
		return nil, err
	}
	files, err := discharge.RuleFiles(folder)
	if err != nil {
		return nil, err
	}
	var set struct {
		ID     string `json:"id"`
		Number int    `json:"number"`
	}
	if err := client.Send(ctx, http.MethodPost, "discharge", "/rules/sets", 0, remote.Item{"title": c.Title, "files": files}, &set); err != nil {
		return nil, err
	}
	fmt.Fprintf(term.Out, "stored as set %d, %s\n", set.Number, set.ID)
	return remote.Item{"set_id": set.ID}, nil
}

type rulesPreview struct {
	remote.Flags `embed:""`
	rulesChoice  `embed:""`
	Days         int `default:"30" help:"Look at the stays discharged in so many days."`
}

// Run says what would change, in figures and by example.
func (c *rulesPreview) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	body, err := c.stored(ctx, client, term)
	if err != nil {
		return err
	}
	body["days"] = c.Days
	return previewRules(ctx, client, term, body)
}

func previewRules(ctx context.Context, client *remote.Client, term terminal, body remote.Item) error {
	var p struct {
		Stays, More, Fewer, Other, Scores int
		New                               []string
		Open                              []struct {
			Rule, From, To              string
			Clocks, Tasks, Sooner, Past int
		}
		Changes []struct {
			Encounter string `json:"encounter_id"`
			What      string
			Was, Is   string
		}
	}
	if err := client.Send(ctx, http.MethodPost, "discharge", "/rules/preview", 0, body, &p); err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "new: %s\n", strings.Join(p.New, " "))
	for _, o := range p.Open {
		fmt.Fprintf(term.Out, "%s %s -> %s: %d open clocks and %d open tasks keep %s; moved, %d would be due sooner and %d have passed\n",
			o.Rule, o.From, o.To, o.Clocks, o.Tasks, o.From, o.Sooner, o.Past)
	}
	fmt.Fprintf(term.Out, "%d stays looked at: %d clocks more, %d fewer, %d due at another time; %d stays with another score\n", p.Stays, p.More, p.Fewer, p.Other, p.Scores)
	tw := tabwriter.NewWriter(term.Out, 0, 4, 2, ' ', 0)
	for i, change := range p.Changes {
		if i == 20 {
			break
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", change.Encounter, change.What, none(change.Was), none(change.Is))
	}
	return tw.Flush()
}

func none(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type rulesActivate struct {
	remote.Flags `embed:""`
	rulesChoice  `embed:""`
	From         time.Time `placeholder:"TIME" help:"When they take effect, as in 2027-01-01T00:00:00-05:00. Default: now."`
	Reason       string    `required:"" help:"Why, for whoever asks later."`
}

// Run implements the command.
func (c *rulesActivate) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	version, err := client.Version(ctx, "discharge", "/rules/book")
	if err != nil {
		return err
	}
	body, err := c.stored(ctx, client, term)
	if err != nil {
		return err
	}
	body["reason"] = c.Reason
	if !c.From.IsZero() {
		body["from"] = c.From
	}
	return decideRules(ctx, client, term, "activate", version, body)
}

type rulesRollback struct {
	remote.Flags `embed:""`
	Reason       string `required:"" help:"Why, for whoever asks later."`
}

// Run implements the command.
func (c *rulesRollback) Run(ctx context.Context, term terminal) error {
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	version, err := client.Version(ctx, "discharge", "/rules/book")
	if err != nil {
		return err
	}
	return decideRules(ctx, client, term, "rollback", version, remote.Item{"reason": c.Reason})
}

func decideRules(ctx context.Context, client *remote.Client, term terminal, what string, version int, body remote.Item) error {
	var act struct {
		Set  string    `json:"set_id"`
		From time.Time `json:"from"`
	}
	if err := client.Decide(ctx, http.MethodPost, "discharge", "/rules/"+what, version, body, &act); err != nil {
		return err
	}
	set := "set " + act.Set
	if act.Set == "" {
		set = "the shipped set"
	}
	fmt.Fprintf(term.Out, "%s of rules is in force from %s on; open clocks keep their versions\n", set, act.From.Local().Format(time.RFC3339))
	return nil
}
