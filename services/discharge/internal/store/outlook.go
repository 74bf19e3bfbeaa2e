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

// outlook is a transition's outlook as it is kept; nil where there is none. It is written
// member by member, for the codec knows what each list is of.
func (w *writer) outlook(t *transition.Transition) (*string, error) {
	if len(t.Risks)+len(t.PatientFlags)+len(t.Returns)+len(t.Before) == 0 {
		return nil, nil
	}
	b, err := appendPart(append(w.room[:0], '{'), `"risks":`, t.Risks)
	if err == nil {
		b, err = appendPart(b, `"patient_flags":`, t.PatientFlags)
	}
	if err == nil {
		b, err = appendPart(b, `"returns":`, t.Returns)
	}
	if err == nil {
		b, err = appendPart(b, `"before":`, t.Before)
	}
	return w.keep(append(b, '}')), err
}

// appendPart appends a member of an object where its list holds something.
func appendPart[T any](b []byte, name string, list []T) ([]byte, error) {
	if len(list) == 0 {
		return b, nil
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(b, name...), '[')
	var err error
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = events.AppendJSON(b, &list[i]); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
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
