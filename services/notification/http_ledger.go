package notification

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

type ledgerIn struct {
	web.PageIn
	Event  events.ID `query:"event" doc:"an event, an alert or an encounter"`
	Person string    `query:"person" doc:"a person id, role:x or endpoint:<id>"`
}

func (s *service) listLedger(ctx context.Context, in *ledgerIn) (*web.Listed[row], error) {
	org := web.From(ctx).Org
	q := store.LedgerQuery{Event: in.Event, Person: in.Person, Limit: in.Limit + 1}
	if _, err := web.DecodeCursor(in.Cursor, &q.After); err != nil {
		return nil, err
	}
	var rows []row
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		if !in.Event.IsZero() {
			var threads []events.ID
			for _, kind := range notice.EncounterKinds {
				threads = append(threads, notice.EncounterThread(in.Event, kind))
			}
			alerts, err := store.Alerts(ctx, tx, org, store.AlertQuery{Threads: threads, Encounter: in.Event, Limit: 1000})
			if err != nil {
				return err
			}
			// A thread without an alert has rows too: why nothing was raised.
			q.Alerts = append(threads, in.Event)
			for _, a := range alerts {
				q.Alerts = append(q.Alerts, a.ID)
			}
		}
		found, err := store.Ledger(ctx, tx, org, q)
		for _, r := range found {
			rows = append(rows, rowView(r))
		}
		return err
	})
	return web.Page(rows, in.Limit, func(r row) any { return r.Seq }), err
}

type verifyIn struct {
	Since time.Time `query:"since" doc:"only what was sealed from then on; the link before it is taken as it is. Without hash."`
	Link  int64     `query:"link" doc:"with hash: a head that was kept outside; it must still be in the chain"`
	Hash  string    `query:"hash" doc:"hexadecimal SHA-256 of that link"`
}

type verifyOut struct {
	Body struct {
		Holds    bool      `json:"holds"`
		Problem  string    `json:"problem"`
		Links    int64     `json:"links"`
		Link     int64     `json:"from_link" doc:"the first link that was recomputed"`
		Rows     int64     `json:"rows" doc:"proved by the links that were recomputed"`
		Unsealed int64     `json:"unsealed" doc:"newest rows, not yet in the chain (about a second)"`
		Hash     string    `json:"hash" doc:"the head: keep it outside to prove later that nothing was cut off"`
		At       time.Time `json:"at"`
	}
}

const linksAtOnce = 200

func (s *service) verifyLedger(ctx context.Context, in *verifyIn) (*verifyOut, error) {
	org, out := web.From(ctx).Org, &verifyOut{}
	start, err := s.startOf(ctx, org, in)
	if err != nil {
		return nil, err
	}
	check, anchored := ledger.NewCheckerAfter(start), in.Hash == ""
	out.Body.Link = start.Number + 1
	for out.Body.Problem == "" {
		head, proved := check.Head()
		var links []ledger.Link
		var rows map[int64][]ledger.Row
		err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
			if links, rows, err = store.Links(ctx, tx, org, head.Number, linksAtOnce); err == nil && len(links) == 0 {
				var upTo int64
				if upTo, out.Body.Unsealed, err = store.Around(ctx, tx, org, start.To, head.To); err == nil && upTo != proved {
					out.Body.Problem = "rows were put in that no link covers"
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(links) == 0 {
			break
		}
		for _, l := range links {
			if err := check.Check(l, rows[l.Number]); err != nil {
				out.Body.Problem = err.Error()
				break
			}
			anchored = anchored || l.Number == in.Link && hex.EncodeToString(l.Hash[:]) == strings.ToLower(in.Hash)
		}
	}
	head, proved := check.Head()
	if out.Body.Problem == "" && !anchored {
		out.Body.Problem = "the head that was kept outside is not in the chain: rows were cut off or the chain was rewritten"
	}
	out.Body.Holds, out.Body.Links, out.Body.Rows, out.Body.At = out.Body.Problem == "", head.Number, proved, moment()
	out.Body.Hash = hex.EncodeToString(head.Hash[:])
	return out, nil
}

// startOf is the link to begin after: none, or the last one from before a time. A head that was kept
// outside is looked for in the whole chain.
func (s *service) startOf(ctx context.Context, org events.ID, in *verifyIn) (start ledger.Link, err error) {
	start.Org = org
	if in.Since.IsZero() || in.Hash != "" {
		return start, nil
	}
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		start, err = store.LinkBefore(ctx, tx, org, in.Since)
		return err
	})
	return start, err
}
