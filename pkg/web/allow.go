package web

import "slices"

// Permission is one thing that may be done. Every route names one.
type Permission string

// The permissions. Anyone and SignedIn are for what has no subject: health, one's own session.
const (
	Anyone          Permission = "anyone"
	SignedIn        Permission = "signed-in"
	EncountersRead  Permission = "encounters.read"
	NamesRead       Permission = "names.read"      // patients' names and identifiers
	IdentityRead    Permission = "identity.read"   // which patients may be one person, and why; without names
	IdentityDecide  Permission = "identity.decide" // that they are, or are not
	PatientsUnmerge Permission = "patients.unmerge"
	MessagesRead    Permission = "messages.read" // what became of messages, without their content
	MessageContent  Permission = "messages.content"
	MessagesReapply Permission = "messages.reapply"
	MessagesTry     Permission = "messages.try"   // see how a message would be understood; nothing is kept of it
	MessagesShred   Permission = "messages.shred" // destroy the keys of all messages of an organization
	MessagesSend    Permission = "messages.send"  // by a feed's credential
	FeedsRead       Permission = "feeds.read"
	FeedsWrite      Permission = "feeds.write"
	DirectoryWrite  Permission = "directory.write" // organizations, facilities, units, people, rosters, routing
	PeopleRead      Permission = "people.read"
	TransitionsRead Permission = "transitions.read"
	ProtocolsTry    Permission = "protocols.try"   // check, test and preview changes: nothing comes of it
	ProtocolsWrite  Permission = "protocols.write" // put protocols in force
	TasksRead       Permission = "tasks.read"
	TasksWork       Permission = "tasks.work"
	TasksAssign     Permission = "tasks.assign" // to somebody else
	RulesMove       Permission = "rules.move"   // open clocks to another version of their rule
	ReferralsRead   Permission = "referrals.read"
	ReferralsWork   Permission = "referrals.work"
	IntakeRead      Permission = "intake.read" // what is asked of the provider one speaks for, and nothing else
	IntakeWork      Permission = "intake.work"
	ProvidersRead   Permission = "providers.read"
	ProvidersWrite  Permission = "providers.write"
	AlertsRead      Permission = "alerts.read"
	AlertsWork      Permission = "alerts.work"
	LedgerRead      Permission = "ledger.read"
	ReconcileRead   Permission = "reconcile.read"
	ParkedRead      Permission = "parked.read"
	ParkedReplay    Permission = "parked.replay"
	OperationsRead  Permission = "operations.read"
	OutboxRead      Permission = "outbox.read" // development's mail sink
)

var (
	care     = []Role{Liaison, Lead}
	everyone = []Role{Liaison, Lead, Interface, Operations, Privacy, Admin, Auditor} // of the house: intake is the receiving side's
	ops      = []Role{Interface, Operations, Admin}
)

func with(base []Role, more ...Role) []Role { return append(slices.Clone(base), more...) }

// grants is the whole of authorization by role: what is not here is denied.
var grants = map[Permission][]Role{
	EncountersRead:  everyone,
	NamesRead:       with(care, Privacy, Interface),
	IdentityRead:    with(care, Interface, Privacy, Auditor),
	IdentityDecide:  {Lead, Interface, Privacy},
	PatientsUnmerge: {Privacy, Operations, Interface},
	MessagesRead:    with(ops, Privacy, Auditor, Liaison, Lead),
	MessageContent:  {Interface, Privacy, Lead, Liaison},
	MessagesReapply: {Interface, Operations},
	MessagesTry:     ops,
	MessagesShred:   {Privacy},
	MessagesSend:    {Feed, Interface},
	FeedsRead:       everyone,
	FeedsWrite:      {Interface, Admin},
	DirectoryWrite:  {Admin},
	PeopleRead:      everyone,
	TransitionsRead: everyone,
	ProtocolsTry:    {Lead, Operations, Admin},
	ProtocolsWrite:  {Lead, Admin},
	TasksRead:       everyone,
	TasksWork:       care,
	TasksAssign:     {Lead},
	RulesMove:       {Lead, Admin},
	ReferralsRead:   everyone,
	ReferralsWork:   care,
	IntakeRead:      {Intake},
	IntakeWork:      {Intake},
	ProvidersRead:   everyone,
	ProvidersWrite:  {Lead, Admin},
	AlertsRead:      with(everyone, Intake), // what is addressed to their role
	AlertsWork:      with(care, Intake, Interface, Operations, Privacy, Admin),
	LedgerRead:      with(care, Operations, Privacy, Admin, Auditor),
	ReconcileRead:   everyone,
	ParkedRead:      with(ops, Auditor),
	ParkedReplay:    {Interface, Operations},
	OperationsRead:  with(ops, Lead, Privacy, Auditor),
	OutboxRead:      with(ops, Lead, Liaison),
}

// Permissions lists every permission that a role can be granted.
func Permissions() []Permission {
	out := make([]Permission, 0, len(grants))
	for p := range grants {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// Allow is the one decision of who may do what. Pure; default deny. It says nothing about which
// organization's rows: the database does.
func Allow(p Principal, perm Permission) bool {
	switch perm {
	case Anyone:
		return true
	case SignedIn:
		return p.Subject != ""
	}
	if p.Subject == "" || p.Org.IsZero() {
		return false
	}
	for _, role := range grants[perm] {
		if p.Is(role) {
			return true
		}
	}
	return false
}
