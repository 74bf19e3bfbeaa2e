package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/session"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// rulebook is what is in force, what is kept, and who decided.
func (c *Console) rulebook(ctx context.Context) (b page.Rulebook, err error) {
	var packs web.List[page.RulePack]
	var sets web.List[page.RuleSet]
	var acts web.List[page.RuleAct]
	for path, out := range map[string]any{"/rules/book": &b.Book, "/rules": &packs, "/rules/sets": &sets, "/rules/acts": &acts} {
		if err := c.call(ctx, http.MethodGet, "discharge", path, nil, out); err != nil {
			return b, err
		}
	}
	b.Packs, b.Sets, b.Acts = packs.Items, sets.Items, acts.Items
	b.Staff, err = c.staff(ctx)
	return b, err
}

// rules shows which packs are in force, what is kept, and who decided.
func (c *Console) rules(w http.ResponseWriter, r *http.Request) error {
	b, err := c.rulebook(r.Context())
	if err != nil {
		return err
	}
	b.Shipped = b.Packs
	if !b.Book.Set.IsZero() { // else they are the shipped ones
		var shipped page.RuleChecked
		if err := c.call(r.Context(), http.MethodPost, "discharge", "/rules/check", candidate{Shipped: true}, &shipped); err != nil {
			return err
		}
		b.Shipped = shipped.Packs
	}
	c.render(w, r, http.StatusOK, page.RulesListPage(c.page(r, "Rules"), b))
	return nil
}

// ruleSet shows one set: its text with its mistakes, its examples, and what is different in it.
func (c *Console) ruleSet(w http.ResponseWriter, r *http.Request) error {
	var s page.RuleSet
	named, err := c.oneSet(r, keptRules, &s)
	if err != nil {
		return err
	}
	d := page.RulesPage{Set: s, File: ruleFile(s, r.URL.Query().Get("file"))}
	d.Text = s.Files[d.File]
	return c.rulesPage(w, r, d, named)
}

// ruleFile is the file that is shown: the one that is asked for, else the first pack.
func ruleFile(s page.RuleSet, asked string) string {
	if _, there := s.Files[asked]; there {
		return asked
	}
	for _, name := range s.Names() {
		return name
	}
	return ""
}

// rulesPage adds what the checks say of a set, or of a change of it, and shows it.
func (c *Console) rulesPage(w http.ResponseWriter, r *http.Request, d page.RulesPage, named candidate) error {
	if err := c.ruleFacts(r.Context(), &d, named); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.RulesDetail(c.page(r, "Rules"), d))
	return nil
}

func (c *Console) ruleFacts(ctx context.Context, d *page.RulesPage, named candidate) (err error) {
	if err := c.call(ctx, http.MethodPost, "discharge", "/rules/check", named, &d.Check); err != nil {
		return err
	}
	var live web.List[page.RulePack]
	for path, out := range map[string]any{"/rules": &live, "/rules/book": &d.Book} {
		if err := c.call(ctx, http.MethodGet, "discharge", path, nil, out); err != nil {
			return err
		}
	}
	d.Live = live.Items
	d.Marks, d.Rest = board.RuleMarks(ctx, d.Text, d.Check.Problems)
	d.Staff, err = c.staff(ctx)
	return err
}

// changedRules is the set an address names with one file as somebody has written it.
func (c *Console) changedRules(r *http.Request) (d page.RulesPage, n candidate, err error) {
	if _, err = c.oneSet(r, keptRules, &d.Set); err == nil {
		d.File, d.Edited, err = changedFile(r, d.Set.Files)
	}
	d.Text = d.Set.Files[d.File]
	return d, candidate{Files: d.Set.Files}, err
}

// tryRules checks a change and computes its examples. Nothing of it is kept.
func (c *Console) tryRules(w http.ResponseWriter, r *http.Request) error {
	d, named, err := c.changedRules(r)
	if err != nil {
		return err
	}
	return c.rulesPage(w, r, d, named)
}

// keepRules keeps a change as a set of its own, which is not in force yet.
func (c *Console) keepRules(w http.ResponseWriter, r *http.Request) error {
	d, named, err := c.changedRules(r)
	if err != nil {
		return err
	}
	var s page.RuleSet
	in := map[string]any{"title": strings.TrimSpace(r.FormValue("title")), "files": named.Files}
	if err := c.call(r.Context(), http.MethodPost, "discharge", "/rules/sets", in, &s); err != nil {
		return err
	}
	http.Redirect(w, r, s.Path()+"?"+url.Values{"file": {d.File}}.Encode(), http.StatusSeeOther)
	return nil
}

// previewRules times the stays of the last days anew; it takes as long as it takes.
func (c *Console) previewRules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var s page.RuleSet
	named, err := c.oneSet(r, keptRules, &s)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(r.FormValue("days"))
	if err != nil || days < 1 || days > 365 {
		return refuse(fault.Invalid, "Say how many days back: 1 to 365.")
	}
	body, err := json.Marshal(struct {
		candidate
		Days int `json:"days"`
	}{named, days})
	if err != nil {
		return err
	}
	res, err := c.Peers.Stream(ctx, session.Token(ctx), http.MethodPost, "discharge", "/rules/preview", body, http.Header{})
	if err != nil {
		return inWords(ctx, err)
	}
	defer res.Body.Close()
	var v page.RulePreview
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		return failing(fault.Unavailable, err, "the preview broke off; please try again")
	}
	about := make([]about, len(v.Changes))
	for i, x := range v.Changes {
		about[i].Encounter = x.Encounter
	}
	heads, err := c.headsOf(ctx, about)
	if err != nil {
		return err
	}
	for i := range heads {
		v.Changes[i].Of = heads[i]
	}
	d := page.RulesPage{Set: s, File: ruleFile(s, ""), Preview: &v}
	d.Text = s.Files[d.File]
	if !fragment(r) {
		return c.rulesPage(w, r, d, named)
	}
	if err := c.ruleFacts(ctx, &d, named); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.RulesPreviewPart(c.page(r, ""), d, v))
	return nil
}

// headsOf adds to stays the patient and the place that the read model knows of each, and says whom it is about.
func (c *Console) headsOf(ctx context.Context, list []about) ([]board.Row, error) {
	ids := make([]events.ID, len(list))
	for i, a := range list {
		ids[i] = a.Encounter
	}
	episodes, err := c.Store.Transitions(ctx, web.From(ctx).Org, ids)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if e, known := episodes[list[i].Encounter]; known {
			list[i].Patient, list[i].Facility, list[i].Unit, list[i].Sensitive = e.Patient, e.Facility, e.Unit, e.Sensitive
		}
	}
	return c.heads(ctx, list, nil)
}

// activateRules asks once more, then puts a set of rules in force.
func (c *Console) activateRules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var s page.RuleSet
	n, err := c.oneSet(r, keptRules, &s)
	if err != nil {
		return err
	}
	from, err := c.fromWhen(r)
	if err != nil {
		return err
	}
	if r.FormValue("sure") == "true" {
		return c.decide(w, r, keptRules, "/activate", decision{candidate: n, From: from})
	}
	when := say(ctx, "From now on")
	if from != nil {
		when = say(ctx, "From %s on", text.Moment(ctx, *from))
	}
	return c.askAboutRules(w, r, page.RuleQuestion{
		Title: "Put these rules in force?", Button: say(ctx, "Yes, put them in force"), Path: s.Path() + "/activate",
		Says: say(ctx, "%s, times are counted by “%s”. Open clocks and tasks keep the version they run by; new ones go by this.", when, s.Name(ctx)),
	}, "at")
}

// rollBackRules asks once more, then goes back to the rules that were in force before.
func (c *Console) rollBackRules(w http.ResponseWriter, r *http.Request) error {
	if r.FormValue("sure") == "true" {
		return c.decide(w, r, keptRules, "/rollback", decision{})
	}
	b, err := c.rulebook(r.Context())
	if err != nil {
		return err
	}
	ctx := r.Context()
	return c.askAboutRules(w, r, page.RuleQuestion{
		Title: "Go back to the rules before?", Button: say(ctx, "Yes, go back"), Path: "/rules/rollback",
		Says: say(ctx, "From now on, times are counted by “%s” again. What was begun since runs on as it was begun.", b.Named(ctx, b.Former(time.Now()))),
	})
}

// askAboutRules asks whether somebody is sure, with what they have written so far.
func (c *Console) askAboutRules(w http.ResponseWriter, r *http.Request, q page.RuleQuestion, more ...string) error {
	if strings.TrimSpace(r.FormValue("reason")) == "" {
		return refuse(fault.Invalid, "Say why, for whoever asks later.")
	}
	q.Fields = map[string]string{}
	for _, f := range slices.Concat([]string{"version", "reason"}, more) {
		q.Fields[f] = r.FormValue(f)
	}
	c.sheet(w, r, q.Title, page.RuleQuestionSheet(q))
	return nil
}
