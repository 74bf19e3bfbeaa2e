package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// How many tasks one click may change, and how many of them at a time.
const (
	bulkMost = 200
	bulkWide = 4
)

// chosen is a task of a bulk action, with the version the person saw.
type chosen struct {
	encounter, task events.ID
	version         int
}

// choice reads "encounter/task/version".
func choice(text string) (c chosen, err error) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return c, refuse(fault.Malformed, "This is not a task.")
	}
	if c.encounter, err = events.ParseID(parts[0]); err != nil {
		return c, refuse(fault.Malformed, "This is not a task.")
	}
	if c.task, err = events.ParseID(parts[1]); err != nil {
		return c, refuse(fault.Malformed, "This is not a task.")
	}
	if c.version, err = strconv.Atoi(parts[2]); err != nil {
		return c, refuse(fault.Malformed, "This is not a task.")
	}
	return c, nil
}

// done is what became of one task of many.
type done struct {
	work board.Work
	deed store.Deed
	err  error
}

// bulk does one thing to all tasks that were selected. What cannot be done to one stops none of the others.
func (c *Console) bulk(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	a, known := actions[r.PathValue("action")]
	if !known || a.name == "complete" || a.name == "attempt" { // outcomes are one patient's each
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	if !web.Allow(web.From(ctx), a.perm) {
		return refuse(fault.Forbidden, "Your role does not do this.")
	}
	if err := r.ParseForm(); err != nil {
		return refuse(fault.Malformed, "This is not a form.")
	}
	list := r.PostForm["t"]
	if len(list) == 0 {
		return refuse(fault.Invalid, "Select some tasks first: with x, or the box of a row.")
	}
	if len(list) > bulkMost {
		return fault.New(fault.Invalid, "%s", say(ctx, "These are too many at once. Select %d at most.", bulkMost))
	}
	all := make([]done, len(list))
	each(len(list), func(i int) {
		var one chosen
		if one, all[i].err = choice(list[i]); all[i].err == nil {
			all[i] = c.one(ctx, one, a, r)
		}
	})
	return c.settle(w, r, say(ctx, a.said), all)
}

// each runs do for 0 to n-1, some at a time.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{}, bulkWide)
	for i := range n {
		gate <- struct{}{}
		wg.Go(func() { defer func() { <-gate }(); do(i) })
	}
	wg.Wait()
}

func (c *Console) one(ctx context.Context, of chosen, a action, r *http.Request) (d done) {
	if d.work, d.err = c.Store.Task(ctx, web.From(ctx).Org, of.encounter, of.task); d.err != nil {
		return d
	}
	if d.deed, d.err = c.do(ctx, &d.work, a, of.version, r, under(pressKey(r), of.task)); d.err != nil {
		c.refresh(ctx, &d.work)
	}
	return d
}

// settle notes what was done, and says what was and what was not.
func (c *Console) settle(w http.ResponseWriter, r *http.Request, said string, all []done) error {
	ctx, turn := r.Context(), turnOf(pressKey(r))
	var works []board.Work
	var deeds []store.Deed
	var failed []string
	ok := 0
	for i := range all {
		d := &all[i]
		if d.work.Task.ID.IsZero() {
			failed = append(failed, public(ctx, d.err))
			continue
		}
		works = append(works, d.work)
		if d.err != nil {
			text, kind := c.kindly(ctx, d.work.Task.Title, d.err)
			if !kind {
				text = public(ctx, d.err)
			}
			failed = append(failed, text)
			continue
		}
		ok++
		if d.deed.Back != "" {
			d.deed.Turn = turn
			deeds = append(deeds, d.deed)
		}
	}
	toast, status := page.Toast{Text: say(ctx, "%s: %s.", said, text.N(ctx, ok, "%d task", "%d tasks")), Of: turn.String(), Bad: len(failed) > 0}, http.StatusOK
	if ok == 0 {
		toast.Text, status = "", http.StatusConflict
	}
	switch {
	case len(failed) == 1:
		toast.Text = strings.TrimSpace(toast.Text + " " + failed[0])
	case len(failed) > 1:
		toast.Text = strings.TrimSpace(toast.Text + " " + say(ctx, "%d could not be changed, the first because: %s", len(failed), failed[0]))
	}
	if len(deeds) > 0 {
		if err := c.Store.Did(ctx, web.From(ctx).Org, web.From(ctx).Subject, deeds); err != nil {
			return err
		}
		toast.Turn = turn.String()
	}
	return c.answer(w, r, works, toast, status)
}

// undoFor is how long what was done can be taken back with one key.
const undoFor = 10 * time.Minute

// undo takes back what one click did: the one that is named, else the newest that can be.
func (c *Console) undo(w http.ResponseWriter, r *http.Request) error {
	ctx, who := r.Context(), web.From(r.Context())
	deeds, err := c.Store.Deeds(ctx, who.Org, who.Subject, time.Now().Add(-undoFor))
	if err != nil {
		return err
	}
	turn, again, err := c.pressedTurn(ctx, pressKey(r), r.FormValue("turn"), deeds)
	if err != nil {
		return err
	}
	var mine []store.Deed
	for _, d := range deeds {
		if d.Turn.String() == turn {
			mine = append(mine, d)
		}
	}
	switch {
	case len(mine) == 0:
		return refuse(fault.Unknown, "There is nothing to take back. What is older than ten minutes can be changed on the patient’s page.")
	case mine[0].Undone && !again:
		return refuse(fault.Conflict, "This has been taken back already.")
	}
	if back := mine[0].Back; back == page.OfAlert || back == page.Unmute {
		return c.undoAlert(w, r, mine[0])
	} else if back == page.OfPair {
		return c.undoPair(w, r, mine[0])
	}
	all := make([]done, len(mine))
	each(len(mine), func(i int) { all[i] = c.takeBack(ctx, mine[i], under(pressKey(r), mine[i].Task)) })
	return c.undone(w, r, mine, all)
}

func (c *Console) takeBack(ctx context.Context, d store.Deed, key events.ID) (out done) {
	if out.work, out.err = c.Store.Task(ctx, web.From(ctx).Org, d.Encounter, d.Task); out.err != nil {
		return out
	}
	a := actions[d.Back]
	a.body = func(*http.Request, board.Work) (any, error) {
		if d.Owner == "" {
			return struct{}{}, nil
		}
		return map[string]string{"owner": d.Owner}, nil
	}
	if _, out.err = c.do(ctx, &out.work, a, d.Version, nil, key); out.err != nil {
		c.refresh(ctx, &out.work)
	}
	return out
}

// undone says what was taken back and what was not.
func (c *Console) undone(w http.ResponseWriter, r *http.Request, deeds []store.Deed, all []done) error {
	ctx, who := r.Context(), web.From(r.Context())
	var works []board.Work
	var back []events.ID
	toast, status := page.Toast{Of: deeds[0].Turn.String()}, http.StatusOK
	for i, d := range all {
		if !d.work.Task.ID.IsZero() {
			works = append(works, d.work)
		}
		if d.err == nil {
			back = append(back, deeds[i].Task)
			continue
		}
		toast.Bad, toast.Text = true, public(ctx, d.err)
		if fault.KindOf(d.err) == fault.Stale || fault.KindOf(d.err) == fault.Conflict {
			toast.Text = say(ctx, "Somebody has worked on this since: %s. It stays as it is now.", d.work.Task.Title)
		}
	}
	if err := c.Store.Undone(ctx, who.Org, who.Subject, deeds[0].Turn, back); err != nil {
		return err
	}
	switch {
	case len(back) == 0:
		status = http.StatusConflict
	case len(deeds) == 1:
		toast.Text = say(ctx, "Taken back: %s", deeds[0].Said)
		toast.Of = deeds[0].Task.String()
	default:
		toast.Text = strings.TrimSpace(text.N(ctx, len(back), "Taken back: %d task.", "Taken back: %d tasks.") + " " + toast.Text)
	}
	return c.answer(w, r, works, toast, status)
}
