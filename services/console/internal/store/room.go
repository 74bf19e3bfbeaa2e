package store

import "github.com/handoff-care/handoff/pkg/events"

// Room says how many things a batch of facts may tell of, so that nothing has to grow while it is
// added up.
type Room struct{ Tasks, Episodes, Referrals, Alerts, Entries int }

// NewChanges returns empty changes with room.
func NewChanges(r Room) *Changes {
	c := &Changes{entries: make([]Entry, 0, r.Entries), touched: make(map[events.ID]Touch, r.Episodes)}
	c.tasks.room(r.Tasks)
	c.episodes.room(r.Episodes)
	c.referrals.room(r.Referrals)
	c.alerts.room(r.Alerts)
	return c
}

func (k *kept[K, V]) room(n int) {
	if n > 0 {
		k.at, k.values = make(map[K]int, n), make([]V, 0, n)
	}
}
