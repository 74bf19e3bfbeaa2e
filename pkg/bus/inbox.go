package bus

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

const (
	chunkBits  = 2048
	cachedMost = 64
)

type chunk [chunkBits / 8]byte

// inbox knows which events of one stream were handled: a bit for each sequence of the producer's
// log. It keeps the newest chunks in memory, which is right for as long as this process is the
// stream's only consumer - the same transaction that writes the bits checks that it still is.
type inbox struct {
	stream string
	cache  map[int64]*chunk
}

// admit returns the events of a batch that were not handled before, in order, each once, and the
// chunks as they will be when these are.
func (in *inbox) admit(ctx context.Context, tx pgx.Tx, batch []events.Event) ([]events.Event, map[int64]*chunk, error) {
	if err := in.load(ctx, tx, batch); err != nil {
		return nil, nil, err
	}
	next := map[int64]*chunk{}
	fresh := make([]events.Event, 0, len(batch))
	for _, e := range batch {
		at, bit := e.Sequence/chunkBits, e.Sequence%chunkBits
		c := next[at]
		if c == nil {
			copied := *in.cache[at]
			c = &copied
		}
		if mask := byte(1) << (bit % 8); c[bit/8]&mask == 0 {
			c[bit/8] |= mask
			next[at] = c
			fresh = append(fresh, e)
		}
	}
	return fresh, next, nil
}

// load brings the chunks of a batch into the cache.
func (in *inbox) load(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
	if len(in.cache) > cachedMost {
		clear(in.cache)
	}
	var missing []int64
	for _, e := range batch {
		at := e.Sequence / chunkBits
		if in.cache[at] == nil {
			in.cache[at] = &chunk{}
			missing = append(missing, at)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT chunk, bits FROM inbox WHERE stream = $1 AND chunk = ANY($2)`, in.stream, missing)
	if err != nil {
		return err
	}
	var at int64
	var bits []byte
	_, err = pgx.ForEachRow(rows, []any{&at, &bits}, func() error {
		copy(in.cache[at][:], bits)
		return nil
	})
	return err
}

// queue adds the statements that record chunks.
func (in *inbox) queue(b *pgx.Batch, chunks map[int64]*chunk) {
	for at, c := range chunks {
		b.Queue(`INSERT INTO inbox (stream, chunk, bits) VALUES ($1, $2, $3)
			ON CONFLICT (stream, chunk) DO UPDATE SET bits = excluded.bits`, in.stream, at, c[:])
	}
}

// keep makes chunks the truth after their transaction committed.
func (in *inbox) keep(chunks map[int64]*chunk) {
	for at, c := range chunks {
		in.cache[at] = c
	}
}

// forget drops what may not be true any more.
func (in *inbox) forget() { in.cache = map[int64]*chunk{} }
