package web

import (
	"bytes"
	"context"
	"hash/fnv"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// lull is how often a view that asks other services is drawn anew at most, however much happens.
const lull = 400 * time.Millisecond

// redraw keeps a view up to date: it is drawn anew after whatever may have changed it, and sent where it
// says something else than before.
func (c *Console) redraw(w http.ResponseWriter, r *http.Request, perm web.Permission, draw func(context.Context) (templ.Component, error)) error {
	var at time.Time
	var last uint64
	return c.follow(w, r, perm, func(ctx context.Context, s *stream, _ map[events.ID]live.News) error {
		if !pause(ctx, time.Until(at.Add(lull))) {
			return ctx.Err()
		}
		at = time.Now()
		t, err := draw(ctx)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Render(ctx, &b); err != nil {
			return err
		}
		h := fnv.New64a()
		_, _ = h.Write(b.Bytes())
		if sum := h.Sum64(); sum != last {
			last = sum
			return s.send("", b.Bytes())
		}
		return nil
	})
}

// about is a stay as another service names it.
type about struct {
	Encounter, Patient events.ID
	Facility, Unit     string
	Class, Disposition string
	Left               *time.Time
	Sensitive          bool
}

// heads says of each stay whom it is about, as the viewer may know it: in one question to the read model
// and one to admission.
func (c *Console) heads(ctx context.Context, stays []about, known *memory) ([]board.Row, error) {
	org := web.From(ctx).Org
	ids := make([]events.ID, len(stays))
	for i, s := range stays {
		ids[i] = s.Encounter
	}
	episodes, err := c.Store.Transitions(ctx, org, ids)
	if err != nil {
		return nil, err
	}
	places, err := c.Store.Places(ctx, org)
	if err != nil {
		return nil, err
	}
	works := make([]board.Work, len(stays))
	for i, s := range stays {
		w := board.Work{Episode: episodes[s.Encounter], Task: events.Task{
			Encounter: s.Encounter, Patient: s.Patient, Facility: s.Facility, Unit: s.Unit, Sensitive: s.Sensitive, OwnerRole: string(web.Liaison), State: "requested",
		}}
		if s.Patient.IsZero() {
			w.Task.Patient = w.Episode.Patient
		}
		if w.Episode.ID.IsZero() {
			w.Episode.Class, w.Episode.Disposition, w.Episode.DischargedAt = s.Class, s.Disposition, s.Left
		}
		place := placeOf(places, s.Facility)
		w.Place, w.Zone = place.Name, place.Zone
		works[i] = w
	}
	return c.rows(ctx, works, known)
}

// written reads a time as a form writes it, in the zone of the place it is for.
func written(said string, zone *time.Location) (time.Time, error) {
	at, err := time.ParseInLocation("2006-01-02T15:04", said, zone)
	if err != nil {
		err = refuse(fault.Invalid, "This is not a time. Choose a day and a time.")
	}
	return at, err
}

// zoneOf is a facility's zone, by its code; UTC where nobody has said.
func (c *Console) zoneOf(ctx context.Context, facility string) *time.Location {
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		return time.UTC
	}
	return board.Zone(placeOf(places, facility).Zone)
}

// placeOf is the place of a code, an empty one where it is not known.
func placeOf(places []store.Place, code string) (none store.Place) {
	for _, p := range places {
		if p.Code == code {
			return p
		}
	}
	return none
}
