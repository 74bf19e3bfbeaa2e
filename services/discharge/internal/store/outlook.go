package store

import (
	"encoding/json"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// outlook is the column of that name: how a transition may go on.
type outlook struct {
	Risks   []events.Risk        `json:"risks,omitempty"`
	Flags   []events.Flag        `json:"patient_flags,omitempty"`
	Returns []events.Readmission `json:"returns,omitempty"`
	Before  []readmission.Before `json:"before,omitempty"`
}

// outlookOf is a transition's outlook as it is kept; nil where there is none.
func outlookOf(t *transition.Transition) (*string, error) {
	if len(t.Risks)+len(t.PatientFlags)+len(t.Returns)+len(t.Before) == 0 {
		return nil, nil
	}
	return asJSON(outlook{Risks: t.Risks, Flags: t.PatientFlags, Returns: t.Returns, Before: t.Before})
}

func readOutlook(text *string, t *transition.Transition) error {
	if text == nil {
		return nil
	}
	var o outlook
	if err := json.Unmarshal([]byte(*text), &o); err != nil {
		return err
	}
	t.Risks, t.PatientFlags, t.Returns, t.Before = o.Risks, o.Flags, o.Returns, o.Before
	return nil
}
