package notification

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// demoPeople are development's people, the same that its sign-in page offers: made up, with addresses
// that exist nowhere (RFC 2606).
var demoPeople = []routing.Person{
	{ID: "maria.santos", Name: "Maria Santos", Roles: []string{"liaison"}, Email: "maria.santos@example.org", EmailFrom: notice.Urgent, Active: true},
	{ID: "james.okafor", Name: "James Okafor", Roles: []string{"liaison"}, EmailFrom: notice.Urgent, Active: true},
	{ID: "priya.nair", Name: "Priya Nair", Roles: []string{"liaison"}, EmailFrom: notice.Urgent, Active: true},
	{ID: "ruth.abramson", Name: "Ruth Abramson", Roles: []string{"lead"}, Email: "ruth.abramson@example.org", EmailFrom: notice.Urgent, Active: true},
	{ID: "sam.whitfield", Name: "Sam Whitfield", Roles: []string{"operations"}, Email: "sam.whitfield@example.org", EmailFrom: notice.Urgent, Active: true},
}

// demoRosters are of the simulated hospitals: units where a person answers together with the role.
var demoRosters = []routing.Roster{
	{Facility: "MERCYWEST", Unit: "ICU", Members: []string{"role:liaison", "maria.santos"}},
	{Facility: "MERCYWEST", Unit: "5CARD", Members: []string{"role:liaison", "james.okafor"}},
	{Facility: "OAKHAVEN", Unit: "", Members: []string{"role:liaison", "priya.nair"}},
}

// demo gives the organization "demo" people and a roster, the first time.
func (s *service) demo(ctx context.Context) error {
	org := events.Derive("org", "demo")
	return s.db.SystemTx(ctx, func(tx pgx.Tx) error {
		fresh, err := store.FirstUse(ctx, tx, org)
		if err != nil || !fresh {
			return err
		}
		if err := store.PutPeople(ctx, tx, org, demoPeople); err != nil {
			return err
		}
		return store.PutRosters(ctx, tx, org, demoRosters)
	})
}
