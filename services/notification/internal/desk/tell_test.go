package desk

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

func TestTheStreamsDataIsWrittenAsItsTagsSay(t *testing.T) {
	at := time.Date(2026, 11, 22, 14, 2, 3, 4000, time.UTC)
	for _, v := range []data{{}, {
		ID: events.NewID(), Kind: notice.Opened, Encounter: events.NewID(), Transition: events.NewID(), Task: events.NewID(), State: "raised",
		Severity: notice.Urgent, Cause: events.NewID(), OccurredAt: at, ReceivedAt: at.Add(time.Second), RaisedAt: at.Add(time.Minute),
	}} {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.json()
		if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
}
