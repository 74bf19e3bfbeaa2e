package timer

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/outbox"
)

const (
	look  = time.Second
	batch = 200
	retry = 30 * time.Second
)

// Loop fires timers. Any number of replicas may run one: each timer is fired by whoever locks it.
type Loop struct {
	Outbox   *outbox.Outbox
	Handlers map[string]Handler
	Log      *slog.Logger
	Fired    func(late time.Duration) // told of each timer; may be nil
}

// Run looks every second, and at once again while it finds something, until ctx is done.
func (l Loop) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := l.runOnce(ctx)
		if err != nil && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "timers paused; trying again", "error", err)
		}
		if n < batch || err != nil {
			pause(ctx, look)
		}
	}
	return nil
}

func (l Loop) runOnce(ctx context.Context) (n int, err error) {
	var failed []Timer
	err = l.Outbox.SystemTx(ctx, func(tx pgx.Tx) error {
		due, now, err := take(ctx, tx)
		if err != nil {
			return err
		}
		n = len(due)
		for name, list := range byName(due) {
			handle := l.Handlers[name]
			if handle == nil {
				failed = append(failed, list...)
				return fmt.Errorf("no handler for timer %q", name)
			}
			if err := guard(func() error { return handle(ctx, tx, now, list) }); err != nil {
				failed = list
				return fmt.Errorf("timer %q: %w", name, err)
			}
			if l.Fired != nil {
				for _, t := range list {
					l.Fired(now.Sub(t.Due))
				}
			}
		}
		return nil
	})
	if err != nil && len(failed) > 0 && ctx.Err() == nil {
		err = l.single(ctx, failed, err)
	}
	return n, err
}

// single fires timers of a failed batch one at a time; one that fails alone is put off, so that it
// stops nobody else.
func (l Loop) single(ctx context.Context, list []Timer, cause error) error {
	l.Log.WarnContext(ctx, "a batch of timers failed; firing them one by one", "timers", len(list), "error", cause)
	for _, t := range list {
		err := l.Outbox.SystemTx(ctx, func(tx pgx.Tx) error {
			var now time.Time
			err := tx.QueryRow(ctx, `DELETE FROM timer WHERE name = $1 AND key = $2 AND due_at = $3 RETURNING clock_timestamp()`, t.Name, t.Key, t.Due).Scan(&now)
			if err == pgx.ErrNoRows {
				return nil
			}
			if err != nil {
				return err
			}
			handle := l.Handlers[t.Name]
			if handle == nil {
				return fmt.Errorf("no handler for timer %q", t.Name)
			}
			return guard(func() error { return handle(ctx, tx, now, []Timer{t}) })
		})
		if err == nil {
			continue
		}
		l.Log.ErrorContext(ctx, "a timer failed; it is put off", "timer", t.Name, "key", t.Key, "error", err)
		if err := l.Outbox.System(ctx, `UPDATE timer SET due_at = clock_timestamp() + $3 WHERE name = $1 AND key = $2`, t.Name, t.Key, retry); err != nil {
			return err
		}
	}
	return nil
}

func take(ctx context.Context, tx pgx.Tx) (due []Timer, now time.Time, err error) {
	rows, err := tx.Query(ctx, `WITH d AS (
			SELECT name, key FROM timer WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
		) DELETE FROM timer t USING d WHERE t.name = d.name AND t.key = d.key RETURNING t.name, t.key, t.org_id, t.due_at, clock_timestamp()`, batch)
	if err != nil {
		return nil, now, err
	}
	var t Timer
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &t.Key, &t.Org, &t.Due, &now}, func() error {
		due = append(due, t)
		return nil
	})
	return due, now, err
}

func byName(due []Timer) map[string][]Timer {
	m := map[string][]Timer{}
	for _, t := range due {
		m[t.Name] = append(m[t.Name], t)
	}
	return m
}

func guard(handle func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return handle()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
