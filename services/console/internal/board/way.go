package board

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Said is one fact as its service wrote it down.
type Said struct {
	ID, Cause events.ID
	Type      string
	Recorded  time.Time
}

// Span is one stretch of a message's way through the house, counted from when its frame was complete.
type Span struct {
	Who, What string
	From, To  time.Duration
}

// Way is what became of one message, from its frame to the screens.
type Way struct {
	Spans []Span
	Total time.Duration
}

// Facts are what is known of a message's way, each as it was written down when it happened.
type Facts struct {
	Message  events.ID
	Received time.Time
	Kept     *time.Time              // when its row was written; the reply follows at the commit
	Said     []By                    // what the services said of the stay, in the order of a discharge
	Heard    map[events.ID]time.Time // when this console put a fact on its pages
	Pushed   *time.Time              // when a page that was open got it; nil: none was, or it is long ago
}

// By is what one service said.
type By struct {
	Service string
	Said    []Said
}

// Follow lays a message's way out: whatever followed from it, and from that, and so on. Pure.
func Follow(ctx context.Context, f Facts) Way {
	w := way{since: f.Received, at: map[events.ID]time.Time{f.Message: f.Received}}
	if f.Kept != nil {
		w.add("admission", say(ctx, "Kept safely; the sender is answered"), f.Received, *f.Kept)
		w.at[f.Message] = *f.Kept
	}
	for range f.Said { // what a later service says may follow from any earlier one, and now and then the other way round
		for _, by := range f.Said {
			w.follow(by)
		}
	}
	w.shown(ctx, f)
	slices.SortStableFunc(w.spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	out := Way{Spans: w.spans}
	for _, s := range w.spans {
		out.Total = max(out.Total, s.To)
	}
	return out
}

type way struct {
	since time.Time
	at    map[events.ID]time.Time // when what can be followed from was there
	spans []Span
}

func (w *way) add(who, what string, from, to time.Time) {
	if to.Before(from) { // two clocks that disagree a little
		to = from
	}
	w.spans = append(w.spans, Span{who, what, max(0, from.Sub(w.since)), max(0, to.Sub(w.since))})
}

// follow adds what a service said because of something that is on the way already: one span for each cause.
func (w *way) follow(by By) {
	type group struct {
		types map[string]int
		order []string
		last  time.Time
	}
	groups, causes := map[events.ID]*group{}, []events.ID{}
	var fresh []Said
	for _, s := range by.Said {
		if _, known := w.at[s.ID]; known || s.Cause.IsZero() {
			continue
		}
		if _, on := w.at[s.Cause]; !on {
			continue
		}
		g := groups[s.Cause]
		if g == nil {
			g = &group{types: map[string]int{}}
			groups[s.Cause], causes = g, append(causes, s.Cause)
		}
		if g.types[s.Type]++; g.types[s.Type] == 1 {
			g.order = append(g.order, s.Type)
		}
		if s.Recorded.After(g.last) {
			g.last = s.Recorded
		}
		fresh = append(fresh, s)
	}
	for _, cause := range causes {
		g := groups[cause]
		var words []string
		for _, typ := range g.order {
			word := FactName(typ)
			if n := g.types[typ]; n > 1 {
				word += fmt.Sprintf(" ×%d", n)
			}
			words = append(words, word)
		}
		w.add(by.Service, strings.Join(words, ", "), w.at[cause], g.last)
	}
	for _, s := range fresh {
		w.at[s.ID] = s.Recorded
	}
}

// shown adds when the console had it, service by service, and when an open page got it.
func (w *way) shown(ctx context.Context, f Facts) {
	var last time.Time
	for _, by := range f.Said {
		var from, to time.Time
		n := 0
		for _, s := range by.Said {
			heard, ok := f.Heard[s.ID]
			if _, on := w.at[s.ID]; !on || !ok {
				continue
			}
			if n++; from.IsZero() || s.Recorded.Before(from) {
				from = s.Recorded
			}
			if heard.After(to) {
				to = heard
			}
		}
		if n > 0 {
			w.add("console", say(ctx, "On the pages: what %s said", strings.ToLower(Plain(ctx, by.Service))), from, to)
			if to.After(last) {
				last = to
			}
		}
	}
	if f.Pushed != nil && !last.IsZero() {
		from := last
		if f.Pushed.Before(from) {
			from = *f.Pushed
		}
		w.add("console", say(ctx, "Pushed to an open page"), from, *f.Pushed)
	}
}

// FactName says the type of a fact in words: "care.encounter.discharged.v1" is "encounter discharged".
func FactName(typ string) string {
	parts := strings.Split(typ, ".")
	if len(parts) < 3 || parts[0] != "care" {
		return typ
	}
	return strings.NewReplacer("-", " ", "_", " ").Replace(strings.Join(parts[1:len(parts)-1], " "))
}
