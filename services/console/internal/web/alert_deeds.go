package web

import (
	"cmp"
	"context"
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
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// reasonsFor is how long the reasons people choose from are remembered: they come with a release.
const reasonsFor = time.Hour

// reasons are what can be said about an alert.
func (c *Console) reasons(ctx context.Context) (page.Reasons, error) {
	return c.said.get(web.From(ctx).Org, ago(reasonsFor), func() (r page.Reasons, err error) {
		err = c.call(ctx, http.MethodGet, "notification", "/reasons", nil, &r)
		return r, err
	})
}

// oneAlert is an alert with whom it is about.
func (c *Console) oneAlert(r *http.Request) (page.AlertRow, page.Told, error) {
	ctx := r.Context()
	id, err := pathID(r, "alert")
	if err != nil {
		return page.AlertRow{}, page.Told{}, err
	}
	var answer struct {
		page.Alert
		page.Told
	}
	if err := c.call(ctx, http.MethodGet, "notification", "/alerts/"+id.String(), nil, &answer); err != nil {
		return page.AlertRow{}, page.Told{}, err
	}
	rows, err := c.alertRows(ctx, []page.Alert{answer.Alert}, nil)
	if err != nil {
		return page.AlertRow{}, page.Told{}, err
	}
	return rows[0], answer.Told, nil
}

// alertForm asks what a deed needs to know.
func (c *Console) alertForm(w http.ResponseWriter, r *http.Request) error {
	deed := r.PathValue("action")
	if deed != "resolve" && deed != "hand-over" && deed != "mute" {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	row, _, err := c.oneAlert(r)
	if err != nil {
		return err
	}
	switch deed {
	case "resolve":
		c.sheet(w, r, "Settled", page.SettleSheet(row, row.Reasons.Resolve))
	case "hand-over":
		form := page.HandForm{Row: row, Reasons: row.Reasons.HandOver, Roles: []page.Choice{{Code: "on-duty", Text: say(r.Context(), "Whoever is on duty there")}}}
		if !web.Allow(web.From(r.Context()), web.TransitionsRead) { // a receiving place's people hand over among themselves
			c.sheet(w, r, "Hand over", page.HandSheet(form))
			return nil
		}
		form.Roles = append(form.Roles, page.Options(r.Context(), page.Teams)...)
		if form.People, err = c.takers(r); err != nil {
			return err
		}
		c.sheet(w, r, "Hand over", page.HandSheet(form))
	default:
		form := page.MuteForm{Row: row, Reasons: row.Reasons.Mute}
		for _, end := range board.MuteEnds(r.Context(), time.Now(), row.Of.Zone) {
			choice := page.Choice{Code: end.Code, Text: end.Text}
			form.Thread = append(form.Thread, choice)
			if !end.Long {
				form.Kind = append(form.Kind, choice)
			}
		}
		c.sheet(w, r, "Mute", page.MuteSheet(form))
	}
	return nil
}

// takers are the people who can take an alert on, without the viewer.
func (c *Console) takers(r *http.Request) ([]page.Choice, error) {
	list, err := c.colleagues(r, web.AlertsWork)
	me := web.From(r.Context())
	return slices.DeleteFunc(list, func(have page.Choice) bool { return have.Code == me.Subject }), err
}

// alertDeed is what a person does to an alert.
type alertDeed struct {
	said  text.Message                                            // what the note afterwards says
	body  func(r *http.Request, zone *time.Location) (any, error) // what notification is asked
	moves bool                                                    // it may leave the list that is shown
	back  func(now page.Alert) (name, owner string)               // what takes it back
}

var alertDeeds = map[string]alertDeed{
	"acknowledge": {said: "You see to it", body: nothing, back: whole},
	"resolve":     {said: "Settled", body: because, back: whole},
	"hand-over":   {said: "Handed over. They are told now", body: handedTo, moves: true, back: whole},
	"mute":        {said: "Muted for you. Others are told as before", body: mutedFor, moves: true, back: unmute},
}

func nothing(*http.Request, *time.Location) (any, error) { return struct{}{}, nil }

func whole(page.Alert) (string, string) { return page.OfAlert, "" }

func unmute(now page.Alert) (string, string) {
	if now.Muted == nil {
		return "", ""
	}
	return page.Unmute, now.Muted.ID.String()
}

func because(r *http.Request, _ *time.Location) (any, error) {
	return map[string]string{"reason": cmp.Or(r.FormValue("reason"), "handled")}, nil
}

func handedTo(r *http.Request, _ *time.Location) (any, error) {
	to := r.FormValue("to")
	if to == "person" {
		to = r.FormValue("person")
	}
	if to == "" {
		return nil, refuse(fault.Invalid, "Say to whom.")
	}
	return map[string]string{"to": to, "reason": r.FormValue("reason")}, nil
}

func mutedFor(r *http.Request, zone *time.Location) (any, error) {
	scope, code, _ := strings.Cut(r.FormValue("for"), " ")
	for _, end := range board.MuteEnds(r.Context(), time.Now(), zone) {
		if end.Code == code {
			return map[string]any{"scope": scope, "until": end.At, "reason": r.FormValue("reason")}, nil
		}
	}
	return nil, refuse(fault.Invalid, "Say until when.")
}

// alertAct does what a button says. Of two who take one on, the second is told who was first.
func (c *Console) alertAct(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "alert")
	if err != nil {
		return err
	}
	name := r.PathValue("action")
	deed, ok := alertDeeds[name]
	if !ok {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	row, _, err := c.oneAlert(r)
	if err != nil {
		return err
	}
	in, err := deed.body(r, row.Of.Zone)
	if err != nil {
		return err
	}
	toast, status := page.Toast{Text: say(ctx, deed.said) + ".", Of: id.String()}, http.StatusOK
	var now page.Alert
	err = c.call(ctx, http.MethodPost, "notification", "/alerts/"+id.String()+"/"+name, in, &now)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Conflict || kind == fault.Stale:
		toast, status = page.Toast{Text: say(ctx, "This alert is settled already. Here is how it is now."), Bad: true, Of: id.String()}, http.StatusConflict
		if err := c.call(ctx, http.MethodGet, "notification", "/alerts/"+id.String(), nil, &now); err != nil {
			return err
		}
	default:
		return err
	}
	rows, err := c.alertRows(ctx, []page.Alert{now}, nil)
	if err != nil {
		return err
	}
	if by := now.AcknowledgedBy; name == "acknowledge" && status == http.StatusOK && by != web.From(ctx).Subject {
		toast.Text, toast.Bad = say(ctx, "%s took this on a moment before you. It is in good hands.", cmp.Or(rows[0].Staff[by], by)), true
	}
	if !toast.Bad {
		if toast.Turn, err = c.didTo(ctx, deed, now); err != nil {
			return err
		}
	}
	return c.alertAnswer(w, r, rows[0], toast, status, deed.moves)
}

// didTo notes what was done to an alert, so that it can be taken back.
func (c *Console) didTo(ctx context.Context, deed alertDeed, now page.Alert) (turn string, err error) {
	did, _, _ := strings.Cut(say(ctx, deed.said), ".") // what follows is for the moment
	d := store.Deed{Turn: events.NewID(), Encounter: now.Encounter, Task: now.ID, Said: did + ": " + board.AlertKind(ctx, now.Kind), Version: now.Version}
	if d.Encounter.IsZero() {
		d.Encounter = now.ID
	}
	if d.Back, d.Owner = deed.back(now); d.Back == "" {
		return "", nil
	}
	me := web.From(ctx)
	return d.Turn.String(), c.Store.Did(ctx, me.Org, me.Subject, []store.Deed{d})
}

// alertAnswer shows an alert as it is now, and the whole list where it may have left it.
func (c *Console) alertAnswer(w http.ResponseWriter, r *http.Request, row page.AlertRow, toast page.Toast, status int, moves bool) error {
	if !fragment(r) {
		http.Redirect(w, r, "/alerts", http.StatusSeeOther)
		return nil
	}
	from, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if !moves || err != nil || from.Path != "/alerts" {
		c.render(w, r, status, page.AlertAnswer(c.page(r, ""), row, toast))
		return nil
	}
	l, err := c.alertList(r.Context(), page.AlertViewOf(from.Query()), nil)
	if err != nil {
		return err
	}
	c.render(w, r, status, page.AlertListAnswer(c.page(r, ""), l, toast))
	return nil
}

// undoAlert takes back what was done to an alert, while nothing else has happened to it.
func (c *Console) undoAlert(w http.ResponseWriter, r *http.Request, d store.Deed) error {
	ctx, me := r.Context(), web.From(r.Context())
	of := "/alerts/" + d.Task.String()
	var err error
	if d.Back == page.Unmute {
		err = c.call(ctx, http.MethodPost, "notification", "/mutes/"+d.Owner+"/lift", struct{}{}, nil)
	} else {
		err = c.call(ctx, http.MethodPost, "notification", of+"/take-back", struct{}{}, nil, "If-Match", strconv.Quote(strconv.Itoa(d.Version)))
	}
	toast, status := page.Toast{Text: say(ctx, "Taken back: %s", d.Said), Of: d.Task.String()}, http.StatusOK
	switch kind := fault.KindOf(err); {
	case err == nil:
		if err := c.Store.Undone(ctx, me.Org, me.Subject, d.Turn, []events.ID{d.Task}); err != nil {
			return err
		}
	case kind == fault.Conflict || kind == fault.Stale || kind == fault.Unknown:
		toast, status = page.Toast{Text: say(ctx, "Something has happened to this alert since. It stays as it is now."), Bad: true, Of: d.Task.String()}, http.StatusConflict
	default:
		return err
	}
	var now page.Alert
	if err := c.call(ctx, http.MethodGet, "notification", of, nil, &now); err != nil {
		return err
	}
	rows, err := c.alertRows(ctx, []page.Alert{now}, nil)
	if err != nil {
		return err
	}
	return c.alertAnswer(w, r, rows[0], toast, status, true)
}

// lift ends a mute.
func (c *Console) lift(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "mute")
	if err != nil {
		return err
	}
	if err := c.call(r.Context(), http.MethodPost, "notification", "/mutes/"+id.String()+"/lift", struct{}{}, nil); err != nil {
		return err
	}
	return c.alertAnswer(w, r, page.AlertRow{}, page.Toast{Text: say(r.Context(), "You hear of it again.")}, http.StatusOK, true)
}

// alertStory says why somebody sees an alert and who else was told. That it was opened is noted.
func (c *Console) alertStory(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	row, told, err := c.oneAlert(r)
	if err != nil {
		return err
	}
	me := web.From(ctx)
	if web.Allow(me, web.AlertsWork) {
		if err := c.call(ctx, http.MethodPost, "notification", "/alerts/"+row.ID.String()+"/seen", struct{}{}, nil); err != nil {
			return err
		}
	}
	s := page.Story{Told: told, Row: row, Mine: []string{me.Subject}, Reasons: row.Reasons}
	for _, role := range me.Roles {
		s.Mine = append(s.Mine, "role:"+string(role))
	}
	c.sheet(w, r, "Why am I seeing this?", page.StorySheet(s))
	return nil
}
