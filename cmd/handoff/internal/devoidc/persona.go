package devoidc

import (
	"slices"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// DemoOrg is the organization of a development instance.
const DemoOrg = "demo"

// Persona is somebody to sign in as.
type Persona struct {
	Subject, Name, About string
	Role                 web.Role
	Org                  string // name or id
}

// Personas are the people of the demo organization. No person in it exists.
var Personas = []Persona{
	{"maria.santos", "Maria Santos", "nurse liaison, days", web.Liaison, DemoOrg},
	{"james.okafor", "James Okafor", "social worker, evenings", web.Liaison, DemoOrg},
	{"priya.nair", "Priya Nair", "nurse liaison, nights and weekends", web.Liaison, DemoOrg},
	{"ruth.abramson", "Ruth Abramson", "leads the liaisons", web.Lead, DemoOrg},
	{"linda.park", "Linda Park", "intake nurse at a skilled nursing facility", web.Intake, DemoOrg},
	{"carlos.mendes", "Carlos Mendes", "intake at a home health agency", web.Intake, DemoOrg},
	{"daniel.weiss", "Daniel Weiss", "interface engineer: feeds and messages", web.Interface, DemoOrg},
	{"sam.whitfield", "Sam Whitfield", "keeps the system running", web.Operations, DemoOrg},
	{"grace.lindqvist", "Grace Lindqvist", "privacy officer", web.Privacy, DemoOrg},
	{"omar.haddad", "Omar Haddad", "administrator: people, rosters, facilities", web.Admin, DemoOrg},
	{"helen.ito", "Helen Ito", "auditor: reads everything but names, writes nothing", web.Auditor, DemoOrg},
}

// PersonaFor is the first persona of a role, or a namesake of another organization.
func PersonaFor(role web.Role, org string) Persona {
	i := slices.IndexFunc(Personas, func(p Persona) bool { return p.Role == role })
	if i < 0 {
		return Persona{Subject: string(role), Name: string(role), Role: role, Org: org}
	}
	p := Personas[i]
	if org != DemoOrg {
		p.Subject, p.Org = p.Subject+"@"+org, org
	}
	return p
}

// Claims are what a token of the persona says.
func (p Persona) Claims() devkey.Claims {
	return devkey.Claims{Subject: p.Subject, Name: p.Name, Org: OrgID(p.Org), Roles: []web.Role{p.Role}}
}

// OrgID is the id of an organization given by name or id. An organization's id follows from its name.
func OrgID(org string) events.ID {
	if id, err := events.ParseID(org); err == nil {
		return id
	}
	return events.Derive("org", org)
}
