package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// kept is what discharge keeps as sets, of which one is in force.
type kept struct {
	path  string // of its pages, and of discharge's API
	stale text.Message
}

var (
	keptProtocols = kept{"/protocols", "Somebody has decided since you looked. Go back to the protocols and look once more."}
	keptRules     = kept{"/rules", "Somebody has decided since you looked. Go back to the rules and look once more."}
)

// candidate is how discharge names a set.
type candidate struct {
	Files   map[string]string `json:"files,omitempty"`
	Alone   bool              `json:"alone,omitempty"`
	Set     *events.ID        `json:"set_id,omitempty"`
	Shipped bool              `json:"shipped,omitempty"`
}

// decision is a set that is to be in force, or a step back, as discharge takes it.
type decision struct {
	candidate
	Facility string     `json:"facility,omitempty"`
	From     *time.Time `json:"from,omitempty"`
	Replan   bool       `json:"replan,omitempty"`
	End      bool       `json:"end,omitempty"`
	Reason   string     `json:"reason"`
}

// setNamed is a set that an address or a form names.
func setNamed(set string) (candidate, error) {
	if set == "shipped" {
		return candidate{Shipped: true}, nil
	}
	id, err := parseID(set)
	return candidate{Set: &id}, err
}

// oneSet reads the set that an address names, with its files.
func (c *Console) oneSet(r *http.Request, k kept, s any) (candidate, error) {
	n, err := setNamed(r.PathValue("set"))
	if err != nil {
		return n, err
	}
	path := "/shipped"
	if n.Set != nil {
		path = "/sets/" + n.Set.String()
	}
	return n, c.call(r.Context(), http.MethodGet, "discharge", k.path+path, nil, s)
}

// changedFile puts the file that somebody has written into the files of a set.
func changedFile(r *http.Request, files map[string]string) (file string, edited bool, err error) {
	file, text := r.FormValue("file"), strings.ReplaceAll(r.FormValue("text"), "\r\n", "\n")
	was, there := files[file]
	if !there {
		return "", false, refuse(fault.Invalid, "There is no such file in this set.")
	}
	files[file] = text
	return file, text != was, nil
}

// fromWhen reads from when on a decision holds; nil: from now on.
func (c *Console) fromWhen(r *http.Request) (*time.Time, error) {
	said := r.FormValue("at")
	if said == "" {
		return nil, nil
	}
	at, err := written(said, c.zoneFor(r.Context(), r.FormValue("facility")))
	return &at, err
}

// decide tells discharge what is decided, at the version of the book that was looked at, and shows what is in
// force then.
func (c *Console) decide(w http.ResponseWriter, r *http.Request, k kept, path string, d decision) error {
	d.Reason = strings.TrimSpace(r.FormValue("reason"))
	err := c.call(r.Context(), http.MethodPost, "discharge", k.path+path, d, nil, keyed(pressKey(r), "If-Match", strconv.Quote(r.FormValue("version")))...)
	if fault.KindOf(err) == fault.Stale {
		return refuse(fault.Stale, k.stale)
	}
	if err != nil {
		return inWords(r.Context(), err)
	}
	if fragment(r) {
		w.Header().Set("HX-Redirect", k.path)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	http.Redirect(w, r, k.path, http.StatusSeeOther)
	return nil
}

// inWords makes a sentence of what discharge says of a set it refuses.
func inWords(ctx context.Context, err error) error {
	if kind := fault.KindOf(err); kind == fault.Conflict || kind == fault.Invalid {
		return fault.New(kind, "%s", board.Sentence(public(ctx, err)))
	}
	return err
}

// zoneFor is the zone in which a time for a facility is written; without one that of the first there is.
func (c *Console) zoneFor(ctx context.Context, facility string) *time.Location {
	if facility == "" {
		if places, err := c.Store.Places(ctx, web.From(ctx).Org); err == nil && len(places) > 0 {
			facility = places[0].Code
		}
	}
	return c.zoneOf(ctx, facility)
}
