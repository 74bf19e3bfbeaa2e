package rig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

// Rest waits until nothing moves any more, for as long as there is progress and at most for d.
func (r *Rig) Rest(d time.Duration) {
	r.t.Helper()
	r.rest(d, false)
}

// Noticed is Rest, and waits for the stays that nobody ended to be noticed: admission looks for them
// every half minute.
func (r *Rig) Noticed(d time.Duration) {
	r.t.Helper()
	r.rest(d, true)
}

func (r *Rig) rest(d time.Duration, hanging bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var before int64 = -1
	for {
		busy, moved, err := r.moving(ctx, hanging)
		if err == nil && busy == "" && moved == before {
			return
		}
		if before = moved; busy != "" {
			before = -1
		}
		select {
		case <-ctx.Done():
			r.t.Fatalf("not at rest after %s: %s %v", d, busy, errors.Join(err))
		case <-tick.C:
		}
	}
}

// moving says what still moves, and how many facts were ever told and handled.
func (r *Rig) moving(ctx context.Context, hanging bool) (busy string, moved int64, err error) {
	tables, err := r.tables(ctx)
	if err != nil {
		return "", 0, err
	}
	count := func(query string) (n int64, err error) {
		err = r.DB.QueryRow(ctx, query).Scan(&n)
		return n, err
	}
	if hanging {
		n, err := count(`SELECT count(*) FROM admission.encounter WHERE check_at <= now() AND into_id IS NULL`)
		if err != nil {
			return "", 0, err
		}
		if n > 0 {
			busy = fmt.Sprintf("admission: %d stays to be looked at; ", n)
		}
	}
	for _, s := range Services {
		waits := []struct{ table, query, what string }{
			{"message_open", `SELECT count(*) FROM ` + s + `.message_open`, "messages to be applied"},
			{"linkage_due", `SELECT count(*) FROM ` + s + `.linkage_due`, "patients to be compared"},
			{"outbox", `SELECT count(*) FROM ` + s + `.outbox`, "events to be published"},
			{"timer", `SELECT count(*) FROM ` + s + `.timer WHERE due_at <= now()`, "timers to fire"},
			{"delivery", `SELECT count(*) FROM ` + s + `.delivery WHERE state = 'pending' AND next_at <= now()`, "messages to be sent out"},
			{"linkage_due", `SELECT count(*) FROM ` + s + `.linkage_due`, "patients to be compared"},
			{"parked", `SELECT count(*) FROM ` + s + `.parked`, "events parked"},
		}
		for _, w := range waits {
			if !slices.Contains(tables[s], w.table) {
				continue
			}
			n, err := count(w.query)
			if err != nil {
				return "", 0, err
			}
			if n > 0 {
				busy += fmt.Sprintf("%s: %d %s; ", s, n, w.what)
			}
		}
		if slices.Contains(tables[s], "event_log") {
			n, err := count(`SELECT coalesce(max(sequence), 0) FROM ` + s + `.event_log`)
			if err != nil {
				return "", 0, err
			}
			moved += n
		}
		if slices.Contains(tables[s], "subscription") {
			n, err := count(`SELECT coalesce(sum(handled), 0) FROM ` + s + `.subscription`)
			if err != nil {
				return "", 0, err
			}
			moved += n
			pending, err := r.pending(ctx, s)
			if err != nil {
				return "", 0, err
			}
			if pending > 0 {
				busy += fmt.Sprintf("%s: %d events to be handled; ", s, pending)
			}
		}
	}
	return busy, moved, nil
}

func (r *Rig) tables(ctx context.Context) (map[string][]string, error) {
	rows, err := r.DB.Query(ctx, `SELECT schemaname::text, tablename::text FROM pg_tables WHERE schemaname = ANY($1)`, Services)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	var schema, table string
	_, err = pgx.ForEachRow(rows, []any{&schema, &table}, func() error {
		out[schema] = append(out[schema], table)
		return nil
	})
	return out, err
}

// pending is how many events a service has before it on all streams it hears.
func (r *Rig) pending(ctx context.Context, service string) (n uint64, err error) {
	rows, err := r.DB.Query(ctx, `SELECT stream FROM `+service+`.subscription`)
	if err != nil {
		return 0, err
	}
	streams, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, err
	}
	js, err := jetstream.New(r.nats[service])
	if err != nil {
		return 0, err
	}
	for _, stream := range streams {
		c, err := js.Consumer(ctx, outbox.StreamName(stream), service)
		if err != nil {
			return 0, fmt.Errorf("%s on %s: %w", service, stream, err)
		}
		info := c.CachedInfo()
		n += info.NumPending + uint64(info.NumAckPending)
	}
	return n, nil
}
