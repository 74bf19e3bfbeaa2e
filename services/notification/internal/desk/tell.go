package desk

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// data is the stream's data, as contract.md fixes it: no names.
type data struct {
	ID         events.ID       `json:"id"`
	Kind       string          `json:"kind"`
	Encounter  events.ID       `json:"encounter_id"`
	Transition events.ID       `json:"transition_id"`
	Task       events.ID       `json:"task_id"`
	State      string          `json:"state"`
	Severity   notice.Severity `json:"severity"`
	Cause      events.ID       `json:"cause"`
	OccurredAt time.Time       `json:"occurred_at"`
	ReceivedAt time.Time       `json:"received_at"`
	RaisedAt   time.Time       `json:"raised_at"`
}

// json writes the data as its fields' tags say, by hand: every change of an alert makes one.
func (v *data) json() ([]byte, error) {
	o := events.NewObject(make([]byte, 0, 512))
	o.ID("id", v.ID)
	o.Text("kind", v.Kind)
	o.ID("encounter_id", v.Encounter)
	o.ID("transition_id", v.Transition)
	o.ID("task_id", v.Task)
	o.Text("state", v.State)
	o.Text("severity", string(v.Severity))
	o.ID("cause", v.Cause)
	o.Time("occurred_at", v.OccurredAt)
	o.Time("received_at", v.ReceivedAt)
	o.Time("raised_at", v.RaisedAt)
	return o.Close()
}

func (d *Desk) line(c *notice.Change) {
	name := "alert-update"
	if c.Act == notice.Raise {
		name = "alert"
	}
	a := &c.Alert
	audience := a.Audience
	for _, who := range c.Before { // their screens have to let it go
		if !slices.Contains(audience, who) {
			audience = append(slices.Clip(audience), who)
		}
	}
	d.send(&c.Event, name, audience, data{
		ID: a.ID, Kind: a.Kind, Encounter: a.Encounter, Transition: a.Transition, Task: a.Task, State: string(a.State), Severity: a.Severity,
		Cause: a.Cause, OccurredAt: a.OccurredAt, ReceivedAt: a.ReceivedAt, RaisedAt: a.RaisedAt,
	})
}

// Signal puts a line on the stream that is no alert.
func (d *Desk) Signal(g *notice.Signal) {
	d.send(&g.Event, g.Name, g.Audience, data{
		ID: g.ID, Kind: g.Kind, Encounter: g.Encounter, Transition: g.Transition, Task: g.Task, State: g.State, Severity: g.Severity,
		Cause: g.Event.ID, OccurredAt: g.Event.Occurred, ReceivedAt: g.Event.Received, RaisedAt: d.now,
	})
}

func (d *Desk) send(e *events.Event, name string, audience []string, v data) {
	for _, at := range []*time.Time{&v.OccurredAt, &v.ReceivedAt, &v.RaisedAt} {
		*at = at.UTC().Truncate(time.Microsecond)
	}
	b, err := v.json()
	if err != nil {
		panic(err) // ids, codes and times always encode
	}
	d.Work.Lines = append(d.Work.Lines, store.Line{
		Org: e.Org, Received: v.ReceivedAt, Name: name, Audience: audience, Data: b, Trace: e.Traceparent,
	})
}

// announce tells other services.
func (d *Desk) announce(c *notice.Change) {
	n := events.Notice{Alert: Published(&c.Alert)}
	n.Alert.By = c.By
	var f events.Fact
	switch c.Act {
	case notice.Raise:
		f = events.AlertRaised{Notice: n}
	case notice.Acknowledge:
		f = events.AlertAcknowledged{Notice: n}
	case notice.HandOver:
		f = events.AlertHandedOver{Notice: n}
	case notice.Escalate:
		f = events.AlertEscalated{Notice: n}
	case notice.Resolve:
		f = events.AlertResolved{Notice: n}
	default:
		f = events.AlertCorrected{Notice: n}
	}
	occurred := d.now
	if c.Act == notice.Raise {
		occurred = c.Event.Occurred
	}
	d.Facts = append(d.Facts, c.Event.Caused(f, occurred))
}

// Published is an alert as other services see it.
func Published(a *notice.Alert) events.Alert {
	return events.Alert{
		ID: a.ID, Encounter: a.Encounter, Transition: a.Transition, Task: a.Task, Facility: a.Facility, Unit: a.Unit,
		Kind: a.Kind, Cause: a.Cause, State: string(a.State), Severity: string(a.Severity), Reason: a.Reason, Version: a.Version,
		Recipients: a.Audience, OccurredAt: a.OccurredAt.UTC(), ReceivedAt: a.ReceivedAt.UTC(), RaisedAt: a.RaisedAt.UTC(), By: a.AcknowledgedBy,
	}
}
