package web

import (
	"context"
	"slices"

	"github.com/handoff-care/handoff/pkg/events"
)

// OrgID is an organization.
type OrgID = events.ID

// Role is what a person or program is here to do (contract.md, "Tenancy and permission").
type Role string

// The roles.
const (
	Liaison    Role = "liaison"
	Lead       Role = "lead"
	Intake     Role = "intake"
	Interface  Role = "interface"
	Operations Role = "operations"
	Privacy    Role = "privacy"
	Admin      Role = "admin"
	Auditor    Role = "auditor"
	Feed       Role = "feed" // a facility's credential: may send, nothing else
)

// Roles are the roles people may have.
var Roles = []Role{Liaison, Lead, Intake, Interface, Operations, Privacy, Admin, Auditor}

// Principal is who is asking. Subject names a person (or program) for ever: it is what tasks and
// ledgers record.
type Principal struct {
	Subject string
	Name    string // how others see them
	Org     OrgID
	Roles   []Role
	Dev     bool // a development token: generous limits
}

// Is reports whether the principal has the role.
func (p Principal) Is(r Role) bool { return slices.Contains(p.Roles, r) }

type principalKey struct{}

// WithPrincipal returns a context of a request made by p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns who is asking; the zero Principal may do nothing.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
