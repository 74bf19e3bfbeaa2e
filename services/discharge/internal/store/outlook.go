package store

import (
	"encoding/json"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// outlook is the column of that name: how a transition may go on.
type outlook struct {
	Risks []events.Risk `json:"risks,omitempty"`
}

// outlookOf is a transition's outlook as it is kept; nil where there is none.
func outlookOf(t *transition.Transition) (*string, error) {
	if len(t.Risks) == 0 {
		return nil, nil
	}
	return asJSON(outlook{Risks: t.Risks})
}

func readOutlook(text *string, t *transition.Transition) error {
	if text == nil {
		return nil
	}
	var o outlook
	if err := json.Unmarshal([]byte(*text), &o); err != nil {
		return err
	}
	t.Risks = o.Risks
	return nil
}
