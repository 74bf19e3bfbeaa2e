package page

import (
	"net/url"
	"time"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// Page is what every page knows.
type Page struct {
	Title  string
	Path   string
	Viewer web.Principal
	Dev    bool
	Now    time.Time
}

// may reports whether the viewer has a permission.
func (p Page) may(perm web.Permission) bool { return web.Allow(p.Viewer, perm) }

// Toast is a passing note, with what undoes what it tells of.
type Toast struct {
	Text string
	Bad  bool
	Of   string // the task it is about: a newer note about it takes this one's place
	Undo string // path to post to, "" for none
	Vals map[string]string
}

// View is what a person chose to see.
type View struct{ Name, Facility string }

// Query is the view as the query part of an address, "" for the plain worklist.
func (v View) Query(more ...string) string {
	q := url.Values{}
	if v.Name != "" {
		q.Set("view", v.Name)
	}
	if v.Facility != "" {
		q.Set("facility", v.Facility)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// List is a page of the worklist as one person sees it.
type List struct {
	View   View
	Rows   []board.Row
	More   string // address of the next page, "" on the last
	Counts store.Counts
	Places []store.Place
}

// RowID is the id of a row's element.
func RowID(r board.Row) string { return "t-" + r.ID.String() }

func rowPath(r board.Row, action string) string {
	return "/episodes/" + r.Encounter.String() + "/tasks/" + r.ID.String() + "/" + action
}
