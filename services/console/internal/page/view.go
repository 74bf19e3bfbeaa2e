package page

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Page is what every page knows.
type Page struct {
	Title  string
	Path   string
	Query  string // what of the address says which page it is, without its language
	Viewer web.Principal
	Dev    bool
	Now    time.Time
	Stand  bool // it stands for a page that this device cannot get now
	Part   bool // a part of a page is asked for, not the whole

	Session string    // a name for the viewer's session, to which what their device keeps is bound
	Until   time.Time // when that session ends whatever happens
}

// may reports whether the viewer has a permission.
func (p Page) may(perm web.Permission) bool { return web.Allow(p.Viewer, perm) }

// zone is for what belongs to no facility: the browser shows the viewer's.
func (p Page) zone() *time.Location { return time.UTC }

// Toast is a passing note, with what undoes what it tells of.
type Toast struct {
	Text string
	Bad  bool
	Of   string // the task it is about: a newer note about it takes this one's place
	Turn string // what takes back what it tells of, "" for nothing
}

// View is what a person chose to see.
type View = board.View

// List is a page of the worklist as one person sees it.
type List struct {
	View   View
	Items  []board.Item
	Next   string // where the next page starts, "" on the last
	Pages  int    // how many pages the browser shows
	Counts store.Counts
	Places []store.Place
	Saved  []store.Filter
	Facets Facets
}

// more is the address of the next page.
func (l List) more() string {
	return "/worklist/more" + l.View.Query("after", l.Next, "pages", strconv.Itoa(l.Pages))
}

// longer is the address of the whole list with one page more.
func (l List) longer() string { return "/" + l.View.Query("pages", strconv.Itoa(l.Pages+1)) }

// stream is where the list comes from that is shown now.
func (l List) stream() string {
	if l.Pages <= 1 {
		return "/live/worklist" + l.View.Query()
	}
	return "/live/worklist" + l.View.Query("pages", strconv.Itoa(l.Pages))
}

// MostPages is how many pages a browser may show under each other.
const MostPages = 10

// query is names and values as the query part of an address; what is empty is left out.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Choice is one of the values of a filter.
type Choice struct{ Code, Text string }

// Word is a choice whose text is the console's own.
type Word struct {
	Code string
	Text text.Message
}

// Options are words to choose from, as the reader's language says them.
func Options(ctx context.Context, from []Word) []Choice {
	out := make([]Choice, len(from))
	for i, w := range from {
		out[i] = Choice{w.Code, say(ctx, w.Text)}
	}
	return out
}

// Facets are what the worklist can be filtered by.
type Facets struct{ Units, Dispositions, Protocols []Choice }

// Is reports whether a kept filter is what is shown.
func (l List) Is(f store.Filter) bool { return f.Query == l.View.Query() }

// IsSaved reports whether what is shown is a kept filter.
func (l List) IsSaved() bool { return slices.ContainsFunc(l.Saved, l.Is) }

// RowID is the id of a row's element.
func RowID(r board.Row) string { return board.ItemID(r) }

func rowPath(r board.Row, action string) string {
	return "/episodes/" + r.Encounter.String() + "/tasks/" + r.ID.String() + "/" + action
}

// bands are the bands of a risk.
var bands = []Word{{"high", "High"}, {"moderate", "Moderate"}, {"low", "Low"}}

// groups are what rows can stand under.
var groups = []Word{{"due", "By when it is due"}, {"patient", "By patient"}}

func places(list []store.Place) []Choice {
	out := make([]Choice, len(list))
	for i, p := range list {
		out[i] = Choice{p.Code, p.Name}
	}
	return out
}

// with is a list of choices with the one that is chosen, also where it is none of them any more.
func with(from []Choice, chosen string) []Choice {
	if chosen == "" || slices.ContainsFunc(from, func(c Choice) bool { return c.Code == chosen }) {
		return from
	}
	return append(slices.Clone(from), Choice{chosen, chosen})
}
