package discharge

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

type shadowIn struct {
	IfMatch string `header:"If-Match" doc:"version of the book you decided on"`
	Key     string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    struct {
		Set      events.ID `json:"set_id,omitempty" doc:"a stored set"`
		Shipped  bool      `json:"shipped,omitempty" doc:"the shipped set"`
		End      bool      `json:"end,omitempty" doc:"try nothing any more"`
		Facility string    `json:"facility,omitempty" doc:"code (MSH-4); without it every facility that has no decision of its own"`
		Reason   string    `json:"reason" maxLength:"500" doc:"why, for whoever asks later"`
	}
}

// shadowProtocols has a set tried beside the one in force: what it would have planned
// is kept and counted, and nothing comes of it.
func (a *api) shadowProtocols(ctx context.Context, in *shadowIn) (*actOut, error) {
	b := in.Body
	named := 0
	for _, is := range []bool{!b.Set.IsZero(), b.Shipped, b.End} {
		if is {
			named++
		}
	}
	if named != 1 {
		return nil, fault.New(fault.Invalid, "name exactly one of set_id, shipped and end")
	}
	d := decide{kind: protocol.ActShadow, facility: b.Facility, set: b.Set, reason: b.Reason}
	if b.End {
		d.kind = protocol.ActEndShadow
	}
	return a.decideOnProtocols(ctx, in.IfMatch, d)
}

type shadowsIn struct {
	web.PageIn
	Facility string `query:"facility" doc:"a facility's code (MSH-4); without it the organization's"`
}

type shadowsOut struct {
	Body struct {
		Items     []shadowPatient `json:"items" doc:"stays whose tasks would differ"`
		Next      *string         `json:"next"`
		Set       events.ID       `json:"set_id" doc:"the set that is tried; empty: the shipped one"`
		Since     *time.Time      `json:"since" doc:"null: nothing is tried"`
		Stays     int             `json:"stays" doc:"stays that ended since and get tasks by one of the sets"`
		Differing int             `json:"differing" doc:"those whose tasks would differ"`
		Codes     []shadowCode    `json:"codes"`
	}
}

type shadowPatient struct {
	Encounter    events.ID      `json:"encounter_id"`
	Patient      events.ID      `json:"patient_id"`
	Facility     string         `json:"facility"`
	DischargedAt time.Time      `json:"discharged_at"`
	Tasks        []preview.Task `json:"tasks" doc:"those that differ"`
}

type shadowCode struct {
	Code    string `json:"code"`
	Gained  int    `json:"gained"`
	Lost    int    `json:"lost"`
	Moved   int    `json:"moved"`
	Changed int    `json:"changed"`
}

// listShadows answers what the set that is tried would have done so far.
func (a *api) listShadows(ctx context.Context, in *shadowsIn) (*shadowsOut, error) {
	org := web.From(ctx).Org
	out := &shadowsOut{}
	out.Body.Items, out.Body.Codes = []shadowPatient{}, []shadowCode{}
	set, act := a.service.shelf.look().book(org).Shadow(in.Facility)
	if set == nil {
		return out, nil
	}
	out.Body.Set, out.Body.Since = act.Set, utc(&act.From)
	var after events.ID
	if _, err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	err := a.db.Tx(ctx, org, func(tx pgx.Tx) error {
		counts, err := store.CountShadows(ctx, tx, org, act.Version)
		if err != nil {
			return err
		}
		out.Body.Stays, out.Body.Differing = counts.Stays, counts.Differing
		for _, code := range slices.Sorted(maps.Keys(counts.Codes)) {
			n := counts.Codes[code]
			out.Body.Codes = append(out.Body.Codes, shadowCode{code, n[preview.Gained], n[preview.Lost], n[preview.Moved], n[preview.Changed]})
		}
		rows, err := store.Shadows(ctx, tx, org, act.Version, after, in.Limit+1)
		if err != nil {
			return err
		}
		views := make([]shadowPatient, len(rows))
		for i, s := range rows {
			views[i] = shadowPatient{s.Encounter, s.Patient, s.Facility, s.DischargedAt.UTC(), s.Tasks}
		}
		page := web.Page(views, in.Limit, func(p shadowPatient) any { return p.Encounter })
		out.Body.Items, out.Body.Next = page.Body.Items, page.Body.Next
		return nil
	})
	return out, err
}
