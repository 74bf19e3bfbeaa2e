package run

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// Recorded is a fact of the service's event log without what it says.
type Recorded struct {
	ID       events.ID `json:"id"`
	Cause    events.ID `json:"cause_id"`
	Type     string    `json:"type"`
	Recorded time.Time `json:"recorded_at"`
}

type traceIn struct {
	Key events.ID `path:"key"`
}

// traceMost is how many facts of a key are looked at: more than any stay has.
const traceMost = 2000

// traceRoute says when the service said what of a stay, and because of what: the way of a message is put
// together from it, long after its spans are gone.
func (pt *part) traceRoute() {
	web.Handle(pt.router, web.MessagesRead, "GET", "/trace/{key}", "When this service said what of a stay, and because of what; without what it said", pt.trace)
}

func (pt *part) trace(ctx context.Context, in *traceIn) (*web.Listed[Recorded], error) {
	var list []Recorded
	err := pt.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, cause, type, recorded_at FROM event_log WHERE key = $1 ORDER BY version LIMIT $2`, in.Key, traceMost)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Recorded])
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(list, traceMost, nil), nil
}
