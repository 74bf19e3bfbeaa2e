package routing

import (
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// Mute is a person's wish to be left alone by one thread, or (Alert zero) by a kind of alert, for some
// time. It is theirs alone: others are told as before, and what was passed up since is heard again.
type Mute struct {
	ID     events.ID
	Person string
	Alert  events.ID
	Kind   string
	Reason string
	Until  time.Time
	Step   int // escalation steps the thread had taken
}

// Covers reports whether the mute silences an alert at a time.
func (m Mute) Covers(a *notice.Alert, now time.Time) bool {
	return now.Before(m.Until) && a.Step <= m.Step && (m.Alert == a.ID || m.Alert.IsZero() && m.Kind == a.Kind)
}

// Muted finds a person's mute that silences an alert.
func (d *Directory) Muted(person string, a *notice.Alert, now time.Time) (Mute, bool) {
	for _, m := range d.mutes[person] {
		if m.Covers(a, now) {
			return m, true
		}
	}
	return Mute{}, false
}
