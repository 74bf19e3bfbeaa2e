package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// asks are the requests of a stay, each with its clocks. Where discharge does not answer, the page says so.
func (c *Console) asks(ctx context.Context, e page.Episode) page.Asks {
	l := page.Asks{Encounter: e.ID, Zone: e.Zone, Staff: e.Staff}
	if e.Transition.IsZero() || !web.Allow(web.From(ctx), web.TransitionsRead) {
		return l
	}
	err := c.call(ctx, http.MethodGet, "discharge", "/transitions/"+e.Transition.String()+"/clocks", nil, &l)
	l.Known = err == nil || fault.KindOf(err) != fault.Unknown
	if l.Away = err != nil && l.Known; l.Away {
		c.Log.WarnContext(ctx, "requests are not known now", "error", err)
	}
	l.List = slices.DeleteFunc(l.List, func(a page.Ask) bool { return len(a.Said) == 0 })
	for _, r := range e.Referrals {
		l.About = append(l.About, page.Choice{Code: r.ID.String(), Text: board.Need(ctx, r.Need)})
	}
	return l
}

// ask writes down that somebody asked for something of a stay and, where it was answered already, the answer.
func (c *Console) ask(w http.ResponseWriter, r *http.Request) error {
	e, err := c.askedOf(r)
	if err != nil {
		return err
	}
	asked, answer, err := askBodies(r, e.Zone)
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(r.FormValue("version"))
	key := pressKey(r)
	var made struct{ Request, Version int }
	err = c.tellOfAsk(r.Context(), e, version, asked, key, &made)
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return refuse(fault.Invalid, "No rule sets a time for this on that day. Look at the day once more.")
	}
	toast := page.Toast{Text: say(r.Context(), "Written down. The time to answer runs.")}
	if err == nil && answer != nil {
		answer["request"] = made.Request
		if !key.IsZero() {
			key = events.Derive("answer", key.String())
		}
		toast.Text = say(r.Context(), "Written down, with its answer.")
		if lost := c.tellOfAsk(r.Context(), e, made.Version, answer, key, nil); lost != nil {
			toast = page.Toast{Bad: true, Text: say(r.Context(), "That it was asked for is written down; the answer is not: %s", board.Sentence(public(r.Context(), lost)))}
		}
	}
	return c.askAnswer(w, r, e, toast, err)
}

// askBodies are what discharge is told of a new request, and of its answer where there was one.
func askBodies(r *http.Request, zone *time.Location) (asked, answer map[string]any, err error) {
	what, known := page.AskableOf(r.FormValue("what"))
	if !known {
		return nil, nil, refuse(fault.Invalid, "Choose what was asked for.")
	}
	asked = map[string]any{"event": what.Event, "urgency": what.Urgency}
	if what.Scheme != "" {
		asked["scheme"] = what.Scheme
	}
	if id := r.FormValue("referral"); id != "" && what.Event == "authorization-requested" {
		asked["referral_id"] = id
	}
	if err := happened(r, "at", zone, asked); err != nil {
		return nil, nil, err
	}
	code, when := r.FormValue("answer"), r.FormValue("answered")
	switch {
	case code == "" && when == "":
		return asked, nil, nil
	case code == "" || when == "" || asked["at"] == nil:
		return nil, nil, refuse(fault.Invalid, "Where it was answered already, say when it was asked for, what the answer was, and when it came.")
	case !page.IsAnswer(what.Event, code):
		return nil, nil, refuse(fault.Invalid, "This is no answer to what was asked for. Choose one under its heading.")
	}
	answer = map[string]any{}
	answer["event"], answer["outcome"], _ = strings.Cut(code, ":")
	return asked, answer, happened(r, "answered", zone, answer)
}

// tellAsk writes down what happened to a request: an answer, a step on the way, or the latest taken back.
func (c *Console) tellAsk(w http.ResponseWriter, r *http.Request) error {
	e, err := c.askedOf(r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	version, _ := strconv.Atoi(r.FormValue("version"))
	event, outcome, answers := strings.Cut(r.FormValue("said"), ":")
	if event == "" || !answers && event != "undo" && !page.IsStep(event) {
		return refuse(fault.Invalid, "Say what happened.")
	}
	body := map[string]any{"event": event, "request": n}
	if answers {
		body["outcome"] = outcome
	}
	if event != "undo" {
		if err := happened(r, "at", e.Zone, body); err != nil {
			return err
		}
	}
	err = c.tellOfAsk(r.Context(), e, version, body, pressKey(r), nil)
	said := say(r.Context(), "Written down.")
	if event == "undo" {
		said = say(r.Context(), "Taken back. The times run as if it had never been written down.")
	}
	return c.askAnswer(w, r, e, page.Toast{Text: said}, err)
}

// askedOf is the stay that a request is of.
func (c *Console) askedOf(r *http.Request) (page.Episode, error) {
	id, err := pathID(r, "encounter")
	if err != nil {
		return page.Episode{}, err
	}
	e, err := c.load(r.Context(), id)
	if err == nil && e.Transition.IsZero() {
		err = refuse(fault.Unknown, "This stay has no transition of care yet. Requests can be written down once it has one.")
	}
	return e, err
}

// happened reads when something happened, in the facility's time; without it, it is now.
func happened(r *http.Request, name string, zone *time.Location, body map[string]any) error {
	said := r.FormValue(name)
	if said == "" {
		return nil
	}
	at, err := written(said, zone)
	switch {
	case err != nil:
		return err
	case at.After(time.Now()):
		return refuse(fault.Invalid, "This time is still to come. Write down what has happened.")
	}
	body["at"] = at
	return nil
}

// tellOfAsk tells discharge of a request, at the version of the list that was looked at.
func (c *Console) tellOfAsk(ctx context.Context, e page.Episode, version int, body map[string]any, key events.ID, out any) error {
	return c.call(ctx, http.MethodPost, "discharge", "/transitions/"+e.Transition.String()+"/clocks", body, out, keyed(key, "If-Match", strconv.Quote(strconv.Itoa(version)))...)
}

// askAnswer shows the requests as they are now, and says what was done, or kindly why it was not.
func (c *Console) askAnswer(w http.ResponseWriter, r *http.Request, e page.Episode, toast page.Toast, err error) error {
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Stale:
		toast = page.Toast{Bad: true, Text: say(r.Context(), "Somebody wrote something down a moment before you. Here is how it is now; please look once more.")}
	case kind == fault.Conflict:
		toast = page.Toast{Bad: true, Text: say(r.Context(), "This was not written down: %s", board.Sentence(public(r.Context(), err)))}
	default:
		return err
	}
	status := http.StatusOK
	if err != nil {
		status = http.StatusConflict
	}
	if !fragment(r) {
		if err != nil {
			return fault.New(fault.Conflict, "%s", toast.Text)
		}
		http.Redirect(w, r, "/episodes/"+e.ID.String()+"#requests", http.StatusSeeOther)
		return nil
	}
	l := c.asks(r.Context(), e)
	l.Fresh = true
	c.render(w, r, status, page.AsksAnswer(c.page(r, ""), l, toast))
	return nil
}
