package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// onCall shows who is on call where, and when nobody is.
func (c *Console) onCall(w http.ResponseWriter, r *http.Request) error {
	a, err := c.adminOf(r)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.OnCallView(c.page(r, "On call"), page.OnCallPage{Admin: a, Now: time.Now()}))
	return nil
}

// putShift puts somebody on call for a place, or takes a shift away.
func (c *Console) putShift(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return refuse(fault.Malformed, "This could not be read. Please try again.")
	}
	roster, there, err := c.oneRoster(ctx, r.FormValue("facility"), strings.TrimSpace(r.FormValue("unit")))
	if err != nil {
		return err
	}
	if was := r.FormValue("was"); was != "" && was != roster.Print() {
		return refuse(fault.Stale, "Somebody changed these shifts while you were looking. Go back, look at them as they are now, and decide again.")
	}
	said := "oncall"
	if r.FormValue("do") == "remove" {
		n, err := strconv.Atoi(r.FormValue("n"))
		if err != nil || !there || n < 0 || n >= len(roster.Shifts) {
			return refuse(fault.Unknown, "This shift is not there any more.")
		}
		roster.Shifts, said = slices.Delete(roster.Shifts, n, n+1), "offcall"
	} else {
		s, err := shiftOf(r, board.Zone(roster.Zone))
		if err != nil {
			return err
		}
		roster.Shifts = append(roster.Shifts, s)
	}
	now := time.Now() // what is over is kept by nobody
	roster.Shifts = slices.DeleteFunc(roster.Shifts, func(s page.Shift) bool { return s.Over(now) })
	if err := c.saveRoster(ctx, roster); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/oncall?saved="+said, http.StatusSeeOther)
	return nil
}

// oneRoster is the roster of a place, or an empty one.
func (c *Console) oneRoster(ctx context.Context, facility, unit string) (roster page.Roster, there bool, err error) {
	if facility == "" {
		return roster, false, refuse(fault.Invalid, "Say which hospital.")
	}
	var rosters web.List[page.Roster]
	if err := c.call(ctx, http.MethodGet, "notification", "/rosters", nil, &rosters); err != nil {
		return roster, false, err
	}
	at := slices.IndexFunc(rosters.Items, func(x page.Roster) bool { return x.Facility == facility && x.Unit == unit })
	roster = page.Roster{Facility: facility, Unit: unit, Members: []string{}}
	if at >= 0 {
		roster = rosters.Items[at]
	}
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	roster.Zone = cmp.Or(placeOf(places, facility).Zone, roster.Zone) // what the hospital says of itself comes first
	return roster, at >= 0, err
}

// saveRoster saves a roster; nil shifts stay as they are.
func (c *Console) saveRoster(ctx context.Context, roster page.Roster) error {
	in := map[string]any{"facility": roster.Facility, "unit": roster.Unit, "members": roster.Members}
	if roster.Shifts != nil {
		in["shifts"] = roster.Shifts
	}
	if len(roster.Shifts) > 0 {
		in["zone"] = board.Zone(roster.Zone).String()
	}
	return c.call(ctx, http.MethodPut, "notification", "/rosters", map[string]any{"rosters": []any{in}}, nil)
}

// shiftOf reads a shift as somebody has written it, in the hospital's time.
func shiftOf(r *http.Request, zone *time.Location) (s page.Shift, err error) {
	s.Members = r.Form["member"]
	if len(s.Members) == 0 {
		return s, refuse(fault.Invalid, "Choose at least one person or role to be on call.")
	}
	if r.FormValue("do") == "weekly" {
		s.Days, s.Start, s.End = r.Form["day"], r.FormValue("start"), r.FormValue("end")
		if len(s.Days) == 0 {
			return s, refuse(fault.Invalid, "Choose the days of the week on which it begins.")
		}
		if s.Start == "" || s.End == "" {
			return s, refuse(fault.Invalid, "Say from when until when.")
		}
		return s, nil
	}
	from, err := written(r.FormValue("from"), zone)
	until, wrong := written(r.FormValue("until"), zone)
	switch {
	case err != nil || wrong != nil:
		return s, refuse(fault.Invalid, "Say from when until when.")
	case !until.After(from):
		return s, refuse(fault.Invalid, "It ends before it begins. Look at both times once more.")
	case !until.After(time.Now()):
		return s, refuse(fault.Invalid, "That is over already. Say a time that is still to come.")
	}
	s.From, s.Until = &from, &until
	return s, nil
}
