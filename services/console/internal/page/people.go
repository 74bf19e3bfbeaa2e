package page

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// People is the page of who works here, and of what each role may do.
type People struct {
	Admin
	Query string // what was looked for
	Found []Staff
}

// mostPeople is how many people a page shows; more are found by a part of their name.
const mostPeople = 100

// Look keeps those whose name, sign-in name or role holds what was looked for.
func (l *People) Look(ctx context.Context, query string) {
	l.Query = strings.TrimSpace(query)
	for _, s := range l.People {
		if strings.Contains(strings.ToLower(s.Name+"\n"+s.ID+"\n"+staffRoles(ctx, s)), strings.ToLower(l.Query)) {
			l.Found = append(l.Found, s)
		}
	}
}

func (l People) shown() []Staff { return l.Found[:min(len(l.Found), mostPeople)] }

// answers are the places on whose roster somebody stands, or where they are on call.
func (a Admin) answers(ctx context.Context, id string) (out []string) {
	for _, r := range a.Rosters {
		if slices.Contains(r.Members, id) || slices.ContainsFunc(r.Shifts, func(s Shift) bool { return slices.Contains(s.Members, id) }) {
			out = append(out, a.place(ctx, r))
		}
	}
	return out
}

// emails say from when on somebody gets an email.
var emails = []Word{{"routine", "Every alert"}, {"urgent", "What is urgent or critical"}, {"critical", "What is critical only"}}

// from is the mildest severity that is worth an email to somebody.
func (s Staff) from() string { return cmp.Or(s.EmailFrom, "urgent") }

// roleChoices are the roles of people; a feed's is no person's.
func roleChoices(ctx context.Context) (out []Choice) {
	for _, r := range web.Roles {
		if r != web.Feed {
			out = append(out, Choice{string(r), board.Role(ctx, string(r))})
		}
	}
	return out
}

// powers are what a permission allows, in words, in the order of a day's work.
var powers = []struct {
	perm web.Permission
	text text.Message
}{
	{web.TasksRead, "See tasks"}, {web.TasksWork, "Do tasks, and write down what was asked for"}, {web.TasksAssign, "Hand tasks to somebody else"},
	{web.NamesRead, "See patients’ names and numbers"}, {web.TransitionsRead, "See patients’ journeys and reports"}, {web.EncountersRead, "See stays and the census"},
	{web.AlertsRead, "See alerts"}, {web.AlertsWork, "Take alerts on, hand them over, settle them"}, {web.LedgerRead, "See who was told, and why"},
	{web.ReferralsRead, "See searches for the next place of care"}, {web.ReferralsWork, "Ask for places, choose and book them"},
	{web.ProvidersRead, "See the directory of places"}, {web.ProvidersWrite, "Change the directory of places"},
	{web.IntakeRead, "See what is asked of their own place"}, {web.IntakeWork, "Answer what is asked of their own place"},
	{web.IdentityRead, "See which patients may be one person, without names"}, {web.IdentityDecide, "Decide whether two patients are one person"},
	{web.PatientsUnmerge, "Take apart patients who were joined by mistake"},
	{web.PeopleRead, "See who answers for what"}, {web.DirectoryWrite, "Change people, rosters, rules and hospitals"},
	{web.ProtocolsTry, "Try changes of protocols and rules"}, {web.ProtocolsWrite, "Put protocols and rules in force"}, {web.RulesMove, "Move running clocks to another version of their rule"},
	{web.FeedsRead, "See feeds and how they do"}, {web.FeedsWrite, "Connect feeds, and give out their keys"},
	{web.MessagesRead, "See what became of the hospital’s messages"}, {web.MessageContent, "Read the hospital’s messages themselves"},
	{web.MessagesReapply, "Have a message applied again"}, {web.MessagesTry, "Try how a message would be understood"}, {web.MessagesSend, "Send messages as a hospital does"},
	{web.MessagesShred, "Destroy what all messages of the hospitals said"},
	{web.OperationsRead, "See operations"}, {web.ReconcileRead, "See whether the figures balance"}, {web.ParkedRead, "See what could not be handled"},
	{web.ParkedReplay, "Have what was parked handled again"}, {web.OutboxRead, "See what a development system would have mailed"},
}

// Powers are the permissions that the page has words for.
func Powers() (out []web.Permission) {
	for _, p := range powers {
		out = append(out, p.perm)
	}
	return out
}

// allowed is what somebody with a role may do.
func allowed(ctx context.Context, role string, viewer web.Principal) (out []string) {
	as := web.Principal{Subject: "somebody", Org: viewer.Org, Roles: []web.Role{web.Role(role)}}
	for _, p := range powers {
		if web.Allow(as, p.perm) {
			out = append(out, say(ctx, p.text))
		}
	}
	return out
}

// workers is how many people the directory knows in a role.
func (a Admin) workers(role string) (n int) {
	for _, s := range a.People {
		if s.Active && slices.Contains(s.Roles, role) {
			n++
		}
	}
	return n
}
