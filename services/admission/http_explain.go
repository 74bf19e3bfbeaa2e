package admission

import (
	"context"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

type explainIn struct {
	Body struct {
		Message string       `json:"message" minLength:"1" doc:"one HL7 v2 message; segments may end with CR, LF or both"`
		Feed    events.ID    `json:"feed_id,omitempty" doc:"with whose settings; none: those of a new feed for all facilities"`
		Dialect *adt.Dialect `json:"dialect,omitempty" doc:"settings to try instead of the feed's"`
	}
}

// messageExplained is how a message would be understood. It holds what the message said: it is for whoever
// sent it, and it is in no table and no log.
type messageExplained struct {
	Body struct {
		Reply    string     `json:"reply" enum:"AA,AE,AR" doc:"what would be answered"`
		State    string     `json:"state" enum:"applied,ignored,quarantined,rejected" doc:"what would become of it"`
		Reason   string     `json:"reason"`
		Trigger  string     `json:"trigger"`
		Feed     string     `json:"feed"`
		Zone     string     `json:"zone" doc:"of times that name none"`
		Facility string     `json:"facility"`
		Fresh    bool       `json:"facility_fresh" doc:"the message would make this facility"`
		Fields   []adt.Line `json:"fields"`
	}
}

// explain reads a message as if it had come over a feed. Nothing is stored, announced, counted or
// written down: not the message, not the facility it names, not that it was asked.
func (s *service) explain(ctx context.Context, in *explainIn) (*messageExplained, error) {
	feed, err := s.feedToTry(ctx, in)
	if err != nil {
		return nil, err
	}
	dry := &dryDirectory{}
	msg, err := adt.Receive(ctx, dry, feed, []byte(in.Body.Message), "", time.Now())
	if err != nil {
		return nil, err
	}
	out := &messageExplained{}
	b := &out.Body
	b.Reply, b.State, b.Reason, b.Trigger, b.Feed = string(msg.Code), msg.State, msg.Reason, msg.Trigger, feed.Name
	var cmd *adt.Command
	if msg.State == adt.Kept {
		it := translate([]*adt.Inbound{msg})[0]
		cmd, b.State, b.Reason = it.cmd, it.verdict.State, it.verdict.Reason
		if b.State == "" {
			b.State = adt.Applied
		}
		b.Facility, b.Fresh, b.Zone = msg.Facility.Code, dry.made, msg.Facility.Zone
		if feed.Dialect.Zone != "" {
			b.Zone = feed.Dialect.Zone
		}
	}
	if b.Fields = adt.Explain(msg, cmd); b.Fields == nil {
		b.Fields = []adt.Line{}
	}
	return out, nil
}

// feedToTry is the feed that a message is read with: the named one, or a new one for every facility of
// the organization; with settings of its own where some are to be tried.
func (s *service) feedToTry(ctx context.Context, in *explainIn) (*adt.Feed, error) {
	org, setup := web.From(ctx).Org, s.directory.Setup()
	feed := &adt.Feed{Org: org, Name: "new feed", Enabled: true, Development: true} // its hospital may be set up later
	for _, f := range setup.Facilities {
		if f.Org == org {
			feed.Facilities = append(feed.Facilities, f)
		}
	}
	if !in.Body.Feed.IsZero() {
		found := setup.Feeds[in.Body.Feed]
		if found == nil || found.Org != org {
			return nil, fault.New(fault.Unknown, "there is no such feed")
		}
		copied := *found
		feed = &copied
	}
	if d := in.Body.Dialect; d != nil {
		if err := (feedBody{Name: "new feed", Dialect: *d}).check(); err != nil {
			return nil, err
		}
		feed.Dialect, feed.Location = *d, nil
		if d.Zone != "" {
			feed.Location, _ = time.LoadLocation(d.Zone) // check has read it
		}
	}
	feed.Secret = nil // no digest of anything is made for a trial
	return feed, nil
}

// dryDirectory makes facilities that are nowhere.
type dryDirectory struct{ made bool }

func (d *dryDirectory) Current(feed *adt.Feed) *adt.Feed { return feed }

func (d *dryDirectory) EnsureFacility(_ context.Context, feed *adt.Feed, code string) (*adt.Facility, error) {
	d.made = true
	zone, err := time.LoadLocation(dryZone)
	return &adt.Facility{ID: events.Derive("dry", code), Org: feed.Org, Code: code, Name: code, Zone: dryZone, Location: zone}, err
}

// dryZone is the zone that a facility has until somebody sets it (contract.md, ordering).
const dryZone = "America/New_York"
