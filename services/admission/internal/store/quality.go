package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// SlotLength is the time that a row about a feed covers.
const SlotLength = 10 * time.Minute

// slotsFor is how long the rows are kept.
const slotsFor = 9 * 24 * time.Hour

// ackBounds are the upper bounds of the buckets that replies are counted in; the last bucket has none.
var ackBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// AckBucket is the bucket of a reply that took so long.
func AckBucket(took time.Duration) int {
	i, _ := slices.BinarySearch(ackBounds[:], took)
	return i
}

// Quality is how a feed did over some time: counts, so that they add up.
type Quality struct {
	Acks                          [len(ackBounds) + 1]int64
	Handled, Quarantined, Unknown int64
	Discharges, NoDisposition     int64
	Late, NoPCP                   int64
}

// Slot is a stretch of a feed's time.
type Slot struct {
	Feed, Org events.ID
	At        time.Time
}

// SlotRow is a slot as it was written down.
type SlotRow struct {
	At time.Time
	Quality
}

// Add adds another time's counts.
func (q *Quality) Add(o *Quality) {
	for i, n := range o.Acks {
		q.Acks[i] += n
	}
	q.Handled, q.Quarantined, q.Unknown = q.Handled+o.Handled, q.Quarantined+o.Quarantined, q.Unknown+o.Unknown
	q.Discharges, q.NoDisposition, q.Late, q.NoPCP = q.Discharges+o.Discharges, q.NoDisposition+o.NoDisposition, q.Late+o.Late, q.NoPCP+o.NoPCP
}

// Answered is how many replies were counted.
func (q *Quality) Answered() (n int64) {
	for _, c := range q.Acks {
		n += c
	}
	return n
}

// Within is the bound within which a share of the replies was given; 0 without any.
func (q *Quality) Within(share float64) time.Duration {
	total, below := q.Answered(), int64(0)
	if total == 0 {
		return 0
	}
	for i, n := range q.Acks {
		if below += n; float64(below) >= share*float64(total) {
			return ackBounds[min(i, len(ackBounds)-1)]
		}
	}
	return ackBounds[len(ackBounds)-1]
}

// SaveQuality adds counts to the slots of feeds.
func (s *Store) SaveQuality(ctx context.Context, by map[Slot]*Quality) error {
	n := len(by)
	feeds, orgs, at, acks := make([]events.ID, 0, n), make([]events.ID, 0, n), make([]time.Time, 0, n), make([]string, 0, n)
	var handled, quarantined, unknown, discharges, noDisposition, late, noPCP []int64
	for slot, q := range by {
		feeds, orgs, at, acks = append(feeds, slot.Feed), append(orgs, slot.Org), append(at, slot.At), append(acks, array(q.Acks[:]))
		handled, quarantined, unknown = append(handled, q.Handled), append(quarantined, q.Quarantined), append(unknown, q.Unknown)
		discharges, noDisposition = append(discharges, q.Discharges), append(noDisposition, q.NoDisposition)
		late, noPCP = append(late, q.Late), append(noPCP, q.NoPCP)
	}
	_, err := s.DB.System.Exec(ctx, `INSERT INTO feed_slot AS f (feed_id, org_id, at, acks, handled, quarantined, unknown, discharges, no_disposition, late, no_pcp)
		SELECT feed, org, at, acks::bigint[], handled, quarantined, unknown, discharges, no_disposition, late, no_pcp
		FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
			AS u(feed, org, at, acks, handled, quarantined, unknown, discharges, no_disposition, late, no_pcp) ORDER BY feed, at
		ON CONFLICT (feed_id, at) DO UPDATE SET acks = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY i) FROM unnest(f.acks, excluded.acks) WITH ORDINALITY AS x(a, b, i)),
			handled = f.handled + excluded.handled, quarantined = f.quarantined + excluded.quarantined, unknown = f.unknown + excluded.unknown,
			discharges = f.discharges + excluded.discharges, no_disposition = f.no_disposition + excluded.no_disposition,
			late = f.late + excluded.late, no_pcp = f.no_pcp + excluded.no_pcp`,
		feeds, orgs, at, acks, handled, quarantined, unknown, discharges, noDisposition, late, noPCP)
	return err
}

func array(list []int64) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.FormatInt(n, 10)
	}
	return "{" + strings.Join(words, ",") + "}"
}

// Slots reads a feed's slots since a time, oldest first.
func (s *Store) Slots(ctx context.Context, tx pgx.Tx, feed events.ID, since time.Time) ([]SlotRow, error) {
	rows, err := tx.Query(ctx, `SELECT at, acks, handled, quarantined, unknown, discharges, no_disposition, late, no_pcp
		FROM feed_slot WHERE feed_id = $1 AND at >= $2 ORDER BY at`, feed, since)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r SlotRow, err error) {
		var acks []int64
		err = row.Scan(&r.At, &acks, &r.Handled, &r.Quarantined, &r.Unknown, &r.Discharges, &r.NoDisposition, &r.Late, &r.NoPCP)
		copy(r.Acks[:], acks)
		return r, err
	})
}

// PruneSlots forgets slots that are too old to matter.
func (s *Store) PruneSlots(ctx context.Context) error {
	_, err := s.DB.System.Exec(ctx, `DELETE FROM feed_slot WHERE at < $1`, time.Now().Add(-slotsFor))
	return err
}
