package admission

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// announceFacility tells of a facility's settings, in the transaction that writes them.
func (s *service) announceFacility(ctx context.Context, tx pgx.Tx, f *adt.Facility) error {
	now := time.Now().UTC()
	return s.outbox.Announce(ctx, tx, events.Event{Org: f.Org, Occurred: now, Received: now, Fact: events.FacilityChanged{
		ID: f.ID, Code: f.Code, Name: f.Name, Zone: f.Zone, Verified: f.Verified, Closures: f.Closures, Kind: f.Kind,
	}})
}

// resolveKey finds who an API key belongs to.
func (s *service) resolveKey(_ context.Context, credential string) (web.Principal, bool) {
	feed := s.directory.Setup().Key(credential, time.Now())
	if feed == nil {
		return web.Principal{}, false
	}
	return web.Principal{Subject: feedSubject + feed.ID.String(), Name: feed.Name, Org: feed.Org, Roles: []web.Role{web.Feed}}, true
}

// feedSubject begins the subject of a feed's own principal.
const feedSubject = "feed:"
