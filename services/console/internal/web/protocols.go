package web

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/session"
)

// protocols shows what is in force, what is kept, what is tried, and who decided.
func (c *Console) protocols(w http.ResponseWriter, r *http.Request) error {
	ctx, me := r.Context(), web.From(r.Context())
	l := page.Protocols{}
	if err := c.call(ctx, http.MethodGet, "discharge", "/protocols", nil, &l.Active); err != nil {
		return err
	}
	var sets web.List[page.ProtocolSet]
	if err := c.call(ctx, http.MethodGet, "discharge", "/protocols/sets", nil, &sets); err != nil {
		return err
	}
	var acts web.List[page.ProtocolAct]
	if err := c.call(ctx, http.MethodGet, "discharge", "/protocols/acts", nil, &acts); err != nil {
		return err
	}
	l.Sets, l.Acts = sets.Items, acts.Items
	var err error
	if web.Allow(me, web.ProtocolsTry) {
		if err = c.call(ctx, http.MethodGet, "discharge", "/protocols/shadow?limit=20", nil, &l.Shadow); err != nil {
			return err
		}
		if l.Shadow.Items, err = c.previewStays(ctx, l.Shadow.Items); err != nil {
			return err
		}
	}
	if l.Staff, err = c.staff(ctx); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.ProtocolsPage(c.page(r, "Protocols"), l))
	return nil
}

// previewStays adds whom stays are about, as the viewer may know it.
func (c *Console) previewStays(ctx context.Context, list []page.PreviewStay) ([]page.PreviewStay, error) {
	stays := make([]about, len(list))
	for i, x := range list {
		stays[i] = about{Encounter: x.Encounter, Patient: x.Patient, Facility: x.Facility, Left: x.DischargedAt}
	}
	heads, err := c.heads(ctx, stays, nil)
	for i := range heads {
		list[i].Of = heads[i]
	}
	return list, err
}

// protocolSet shows one set: its text with its mistakes, and how its cases go.
func (c *Console) protocolSet(w http.ResponseWriter, r *http.Request) error {
	var s page.ProtocolSet
	named, err := c.oneSet(r, keptProtocols, &s)
	if err != nil {
		return err
	}
	d := page.SetPage{Set: s, File: fileOf(s, r.URL.Query().Get("file"))}
	d.Text = s.Files[d.File]
	return c.setPage(w, r, d, named)
}

// fileOf is the file that is shown: the one that is asked for, else the base protocols, else any.
func fileOf(s page.ProtocolSet, asked string) string {
	for _, name := range []string{asked, "base.yaml"} {
		if _, there := s.Files[name]; there {
			return name
		}
	}
	for name := range s.Files {
		asked = max(asked, name)
	}
	return asked
}

// setPage adds what the checks and cases say of a set, or of a change of it, and shows it.
func (c *Console) setPage(w http.ResponseWriter, r *http.Request, d page.SetPage, named candidate) error {
	ctx := r.Context()
	if web.Allow(web.From(ctx), web.ProtocolsTry) {
		if err := c.call(ctx, http.MethodPost, "discharge", "/protocols/check", named, &d.Check); err != nil {
			return err
		}
		if len(d.Check.Problems) == 0 || len(d.Check.Protocols) > 0 {
			if err := c.call(ctx, http.MethodPost, "discharge", "/protocols/test", named, &d.Test); err != nil {
				return err
			}
		}
	}
	d.Marks, d.Rest = board.Marks(ctx, d.File, d.Text, d.Check.Problems)
	var active page.Active
	if err := c.call(ctx, http.MethodGet, "discharge", "/protocols", nil, &active); err != nil {
		return err
	}
	d.Book = active.Book
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		return err
	}
	for _, p := range places {
		d.Places = append(d.Places, page.Choice{Code: p.Code, Text: cmp.Or(p.Name, p.Code)})
	}
	if d.Staff, err = c.staff(ctx); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.SetDetail(c.page(r, "Protocols"), d))
	return nil
}

// changedSet is the set an address names with one file as somebody has written it.
func (c *Console) changedSet(r *http.Request) (d page.SetPage, n candidate, err error) {
	if _, err = c.oneSet(r, keptProtocols, &d.Set); err == nil {
		d.File, d.Edited, err = changedFile(r, d.Set.Files)
	}
	d.Text = d.Set.Files[d.File]
	return d, candidate{Files: d.Set.Files, Alone: true}, err
}

// tryProtocols checks a change and runs its cases. Nothing of it is kept.
func (c *Console) tryProtocols(w http.ResponseWriter, r *http.Request) error {
	d, named, err := c.changedSet(r)
	if err != nil {
		return err
	}
	return c.setPage(w, r, d, named)
}

// keepProtocols keeps a change as a set of its own, which is in force nowhere yet.
func (c *Console) keepProtocols(w http.ResponseWriter, r *http.Request) error {
	_, named, err := c.changedSet(r)
	if err != nil {
		return err
	}
	var s page.ProtocolSet
	in := map[string]any{"title": strings.TrimSpace(r.FormValue("title")), "files": named.Files, "alone": true}
	if err := c.call(r.Context(), http.MethodPost, "discharge", "/protocols/sets", in, &s); err != nil {
		return err
	}
	http.Redirect(w, r, "/protocols/"+s.ID.String(), http.StatusSeeOther)
	return nil
}

// staysShown is how many stays a preview names.
const staysShown = 50

// previewLine is what the browser is told while a preview runs.
type previewLine struct {
	Done  *int   `json:"done,omitempty"`
	Of    *int   `json:"of,omitempty"`
	HTML  string `json:"html,omitempty"`
	Error string `json:"error,omitempty"`
}

// previewProtocols lets discharge plan the last days anew, and tells how far it is where a script asks.
func (c *Console) previewProtocols(w http.ResponseWriter, r *http.Request) error {
	var s page.ProtocolSet
	named, err := c.oneSet(r, keptProtocols, &s)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(cmp.Or(r.FormValue("days"), "14"))
	if err != nil || days < 1 || days > 90 {
		return refuse(fault.Invalid, "Say how many days back: 1 to 90.")
	}
	body, err := json.Marshal(struct {
		candidate
		Days     int    `json:"days"`
		Facility string `json:"facility"`
	}{named, days, r.FormValue("facility")})
	if err != nil {
		return err
	}
	res, err := c.Peers.Stream(r.Context(), session.Token(r.Context()), http.MethodPost, "discharge", "/protocols/preview", body, http.Header{})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	told, live := progress(w, r)
	v, err := readPreview(res.Body, told)
	if err == nil {
		v.Stays, err = c.previewStays(r.Context(), v.Stays)
	}
	if err == nil {
		v.Staff, err = c.staff(r.Context())
	}
	switch {
	case err != nil && live:
		return told(previewLine{Error: board.Sentence(public(r.Context(), err))})
	case err != nil:
		return err
	case !live:
		d := page.SetPage{Set: s, File: fileOf(s, ""), Preview: &v}
		d.Text = s.Files[d.File]
		return c.setPage(w, r, d, named)
	}
	var html strings.Builder
	if err := page.PreviewResult(v).Render(r.Context(), &html); err != nil {
		return err
	}
	return told(previewLine{HTML: html.String()})
}

// progress tells a script line by line how far a preview is; without a script it tells nobody.
func progress(w http.ResponseWriter, r *http.Request) (told func(previewLine) error, live bool) {
	if r.Header.Get("Accept") != "application/x-ndjson" {
		return func(previewLine) error { return nil }, false
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")
	control, out := http.NewResponseController(w), json.NewEncoder(w)
	return func(l previewLine) error {
		_ = control.SetWriteDeadline(time.Now().Add(writeLimit)) // not every writer has one
		if err := out.Encode(l); err != nil {
			return err
		}
		return control.Flush()
	}, true
}

// readPreview reads a preview to its end, and tells of its progress.
func readPreview(from io.Reader, told func(previewLine) error) (v page.PreviewPage, err error) {
	in, last := json.NewDecoder(from), -1
	for {
		var l page.PreviewProgress
		if err := in.Decode(&l); err != nil {
			return v, failing(fault.Unavailable, err, "the preview broke off; please try again")
		}
		switch {
		case l.Error != "":
			return v, fault.New(fault.Unavailable, "%s", l.Error)
		case l.Result != nil:
			v.Preview, v.More = *l.Result, max(0, l.Result.Changed-len(v.Stays))
			return v, nil
		case l.Patient != nil && len(v.Stays) < staysShown:
			v.Stays = append(v.Stays, *l.Patient)
		case l.Progress != nil && l.Progress.Done != last:
			last = l.Progress.Done
			if err := told(previewLine{Done: &l.Progress.Done, Of: &l.Progress.Of}); err != nil {
				return v, err
			}
		}
	}
}

// activateProtocols puts a set in force.
func (c *Console) activateProtocols(w http.ResponseWriter, r *http.Request) error {
	n, err := setNamed(r.PathValue("set"))
	if err != nil {
		return err
	}
	from, err := c.fromWhen(r)
	if err != nil {
		return err
	}
	return c.decide(w, r, keptProtocols, "/activate", decision{candidate: n, Facility: r.FormValue("facility"), From: from, Replan: r.FormValue("replan") == "true"})
}

// shadowProtocols lets a set be tried, or ends a trial.
func (c *Console) shadowProtocols(w http.ResponseWriter, r *http.Request) error {
	d := decision{Facility: r.FormValue("facility"), End: r.FormValue("end") == "true"}
	if !d.End {
		n, err := setNamed(r.FormValue("set"))
		if err != nil {
			return err
		}
		d.candidate = n
	}
	return c.decide(w, r, keptProtocols, "/shadow", d)
}

// rollBackProtocols goes back to the set before.
func (c *Console) rollBackProtocols(w http.ResponseWriter, r *http.Request) error {
	return c.decide(w, r, keptProtocols, "/rollback", decision{Facility: r.FormValue("facility")})
}
