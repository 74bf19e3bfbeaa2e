package notification

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// demoPeople are development's people: made up, with addresses that exist nowhere (RFC 2606).
var demoPeople = []routing.Person{
	{ID: "demo-liaison-north", Name: "Lena North", Roles: []string{"liaison"}, Email: "lena.north@example.org", EmailFrom: notice.Urgent, Active: true},
	{ID: "demo-lead", Name: "Theo Lindqvist", Roles: []string{"lead"}, Email: "theo.lindqvist@example.org", EmailFrom: notice.Urgent, Active: true},
	{ID: "demo-operations", Name: "Ola Berg", Roles: []string{"operations", "interface"}, Email: "ola.berg@example.org", EmailFrom: notice.Urgent, Active: true},
}

// demoRosters: one unit answers with a role and a person, so that both kinds of member can be seen.
var demoRosters = []routing.Roster{
	{Facility: "DEMO", Unit: "ICU", Members: []string{"role:liaison", "demo-liaison-north"}},
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
