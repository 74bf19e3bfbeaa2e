package notification

import (
	"slices"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// outside reports whether somebody is not of the house: people of a receiving facility have alerts of their
// own, and no others exist for them.
func outside(p web.Principal) bool { return !web.Allow(p, web.TransitionsRead) }

// concerns reports whether an alert exists for somebody.
func concerns(p web.Principal, a *notice.Alert) bool {
	return !outside(p) || slices.ContainsFunc(inboxes(p), func(box string) bool { return slices.Contains(a.Audience, box) })
}
