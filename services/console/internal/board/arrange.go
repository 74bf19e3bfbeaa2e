package board

import (
	"context"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Item is one line of a list: a row, or the heading above rows.
type Item struct {
	ID   string // of its element
	Head *Head  // nil: a row
	Row  Row
}

// Head is a heading: a stretch of time, or a patient.
type Head struct {
	Text    string
	Patient *Row // any row of the patient's, or nil
}

// ItemID is the id of a row's element.
func ItemID(r Row) string { return "t-" + r.ID.String() }

// Arrange puts headings above rows, which come in the order of the list. How says what they say: "due",
// "patient", or "" for none. Rows of one stay have to stand together for "patient".
func Arrange(ctx context.Context, rows []Row, how string, now time.Time) []Item {
	items := make([]Item, 0, len(rows)+8)
	last := ""
	for i := range rows {
		r := rows[i]
		switch how {
		case "due":
			if key, words := stretch(r.Due, now); key != last {
				last = key
				items = append(items, Item{ID: "g-" + key, Head: &Head{Text: say(ctx, words)}})
			}
		case "patient":
			if key := r.Encounter.String(); key != last {
				last = key
				items = append(items, Item{ID: "p-" + key, Head: &Head{Patient: &rows[i]}})
			}
		}
		items = append(items, Item{ID: ItemID(r), Row: r})
	}
	return items
}

// stretch is when something is due, seen from now: lengths of time, not days, so that the order of due
// times is the order of stretches in every zone.
func stretch(due *time.Time, now time.Time) (key string, words text.Message) {
	if due == nil {
		return "none", "No due time"
	}
	switch left := due.Sub(now); {
	case left <= 0:
		return "overdue", "Overdue"
	case left <= 4*time.Hour:
		return "soon", "Within 4 hours"
	case left <= 24*time.Hour:
		return "day", "Within a day"
	case left <= 3*24*time.Hour:
		return "days", "Within 3 days"
	case left <= 7*24*time.Hour:
		return "week", "Within a week"
	}
	return "later", "Later"
}
