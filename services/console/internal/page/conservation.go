package page

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// Conservation is a law of a service with its numbers, and the rows behind the one that was chosen.
type Conservation struct {
	Service string
	Index   int
	Law     web.Law
	Numbers []LawNumber
	Chosen  LawNumber // Side "" where none is
	Rows    []BehindRow
	After   string // the cursor of the page that is shown
	More    string // of the next one; "" on the last
}

// LawNumber is a number of a law, counted in the rows themselves.
type LawNumber struct {
	Side string `json:"side"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	N    *int64 `json:"n"`
}

// BehindRow is a row behind a number.
type BehindRow struct {
	ID        events.ID  `json:"id"`
	Part      string     `json:"part"`
	Encounter events.ID  `json:"encounter_id"`
	State     string     `json:"state"`
	At        *time.Time `json:"at"`
	Note      string     `json:"note"`
	N         int64      `json:"n"`
}

// LawPath is where a law's numbers are shown.
func LawPath(service string, index int) string {
	return "/operations/conservation/" + service + "/" + strconv.Itoa(index)
}

func (c Conservation) path(n LawNumber, after string) string {
	q := url.Values{"side": {n.Side}, "name": {n.Name}}
	if after != "" {
		q.Set("after", after)
	}
	return LawPath(c.Service, c.Index) + "?" + q.Encode()
}

func (c Conservation) of(side string) (out []LawNumber) {
	for _, n := range c.Numbers {
		if n.Side == side {
			out = append(out, n)
		}
	}
	return out
}

// sum adds a side up; false where a number of it could not be counted.
func (c Conservation) sum(side string) (total int64, known bool) {
	for _, n := range c.of(side) {
		if n.N == nil {
			return 0, false
		}
		total += *n.N
	}
	return total, true
}

// sideOf says how a side of the law stands to its rows: the law may count as things happen, the rows are there.
func (c Conservation) drift(ctx context.Context, side string, law int64) string {
	total, known := c.sum(side)
	switch {
	case !known:
		return say(ctx, "The rows are too many to be counted while you wait.")
	case total != law:
		return say(ctx, "The law says %s, the rows add up to %s.", Number(float64(law)), Number(float64(total)))
	}
	return ""
}

func (n LawNumber) count(ctx context.Context) string {
	if n.N == nil {
		return say(ctx, "many")
	}
	return Number(float64(*n.N))
}

func (n LawNumber) is(o LawNumber) bool { return n.Side == o.Side && n.Name == o.Name }

// link is where a row leads: a message to itself, everything else to the stay it is of.
func (r BehindRow) link(kind string) string {
	switch {
	case kind == "message":
		return "/feeds/messages/" + r.ID.String()
	case !r.Encounter.IsZero():
		return "/episodes/" + r.Encounter.String()
	}
	return ""
}

// short is the end of an id, enough to tell two apart on a page.
func short(id events.ID) string { s := id.String(); return "…" + s[len(s)-12:] }

// kindsOf is several of a kind.
func kindsOf(kind string) string {
	if kind == "delivery" {
		return "deliveries"
	}
	return kind + "s"
}
