package setup

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

type none struct{}

// Door is the door to an organization's directory. Safe for concurrent use.
type Door struct{ DB *postgres.DB }

// Routes adds the routes.
func (s Door) Routes(r *web.Router) {
	web.Handle(r, web.PeopleRead, "GET", "/people", "People who can be told; addresses for administrators only", s.listPeople)
	web.Handle(r, web.DirectoryWrite, "PUT", "/people", "Create or replace people", s.putPeople)
	web.Handle(r, web.PeopleRead, "GET", "/rosters", "Who answers for which unit or facility", s.listRosters)
	web.Handle(r, web.DirectoryWrite, "PUT", "/rosters", "Create, replace or (without members and shifts) remove rosters", s.putRosters)
	web.Handle(r, web.PeopleRead, "GET", "/rules", "Where alerts of each kind go, and when they go further", s.listRules)
	web.Handle(r, web.DirectoryWrite, "PUT", "/rules", "Set routing rules and escalation policies", s.putRules)
	web.Handle(r, web.PeopleRead, "GET", "/routing", "Who would be told of an alert, and why", s.would)
	web.Handle(r, web.DirectoryWrite, "GET", "/endpoints", "Webhook receivers", s.listEndpoints)
	web.Handle(r, web.DirectoryWrite, "POST", "/endpoints", "Add a webhook receiver; the secret is shown once", s.addEndpoint)
	web.Handle(r, web.DirectoryWrite, "POST", "/endpoints/{id}/enable", "Switch a webhook receiver on", s.enableEndpoint)
	web.Handle(r, web.DirectoryWrite, "POST", "/endpoints/{id}/disable", "Switch a webhook receiver off", s.disableEndpoint)
	web.Handle(r, web.DirectoryWrite, "POST", "/endpoints/{id}/rotate", "A new secret; the one before signs beside it", s.rotateEndpoint)
}

// Person is somebody who can be told. The address is shown to administrators only.
type Person struct {
	ID        string   `json:"id" minLength:"1" maxLength:"200" doc:"the subject of the person's tokens"`
	Name      string   `json:"name" maxLength:"200"`
	Roles     []string `json:"roles"`
	Email     string   `json:"email,omitempty" maxLength:"254"`
	EmailFrom string   `json:"email_from,omitempty" enum:"routine,urgent,critical" doc:"mildest severity worth an email; default urgent"`
	Active    *bool    `json:"active,omitempty" doc:"default true"`
}

type peopleIn struct {
	Body struct {
		People []Person `json:"people" maxItems:"1000"`
	}
}

func (s Door) directory(ctx context.Context) (data routing.Data, err error) {
	org := web.From(ctx).Org
	err = s.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		data, err = store.Directory(ctx, tx, org)
		return err
	})
	return data, err
}

func (s Door) listPeople(ctx context.Context, _ *none) (*web.Listed[Person], error) {
	data, err := s.directory(ctx)
	addresses := web.Allow(web.From(ctx), web.DirectoryWrite)
	list := []Person{}
	for _, p := range data.People {
		v := Person{ID: p.ID, Name: p.Name, Roles: p.Roles, EmailFrom: string(p.EmailFrom), Active: &p.Active}
		if addresses {
			v.Email = p.Email
		}
		list = append(list, v)
	}
	return web.Page(list, len(list), nil), err
}

func (s Door) putPeople(ctx context.Context, in *peopleIn) (*web.Listed[Person], error) {
	people := make([]routing.Person, 0, len(in.Body.People))
	for _, v := range in.Body.People {
		p, err := v.person()
		if err != nil {
			return nil, err
		}
		people = append(people, p)
	}
	org := web.From(ctx).Org
	if err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error { return store.PutPeople(ctx, tx, org, people) }); err != nil {
		return nil, err
	}
	return s.listPeople(ctx, nil)
}

func (v Person) person() (routing.Person, error) {
	p := routing.Person{ID: v.ID, Name: v.Name, Roles: v.Roles, Email: v.Email, EmailFrom: notice.Severity(v.EmailFrom), Active: v.Active == nil || *v.Active}
	if p.EmailFrom == "" {
		p.EmailFrom = notice.Urgent
	}
	if p.Roles == nil {
		p.Roles = []string{}
	}
	if strings.ContainsAny(p.ID, "\n\r") || strings.HasPrefix(p.ID, "role:") || strings.HasPrefix(p.ID, "endpoint:") {
		return p, fault.New(fault.Invalid, "%q cannot be a person's id", p.ID)
	}
	for _, r := range p.Roles {
		if !slices.Contains(web.Roles, web.Role(r)) {
			return p, fault.New(fault.Invalid, "there is no role %q", r)
		}
	}
	if p.Email != "" {
		if _, err := mail.ParseAddress(p.Email); err != nil {
			return p, fault.New(fault.Invalid, "the email address of %s cannot be read", p.ID)
		}
	}
	return p, nil
}

// Roster is who answers for a unit, or for a facility: its members at any time, and whoever is on call.
type Roster struct {
	Facility string   `json:"facility" minLength:"1" doc:"facility code"`
	Unit     string   `json:"unit,omitempty" doc:"empty: the whole facility"`
	Members  []string `json:"members" doc:"person ids or role:x: told at any time"`
	Shifts   *[]Shift `json:"shifts,omitempty" maxItems:"200" doc:"who is on call when; left out: as they are"`
	Zone     string   `json:"zone,omitempty" doc:"the facility's IANA zone, in which shifts begin; what the facility itself says comes first"`
	OnCall   []OnCall `json:"on_call,omitempty" readOnly:"true" doc:"the next 7 days, without a gap: who is on call until when; nobody may be"`
	Gaps     []OnCall `json:"gaps,omitempty" readOnly:"true" doc:"when the roster would tell nobody in the next 7 days"`
}

type rostersIn struct {
	Body struct {
		Rosters []Roster `json:"rosters" maxItems:"1000"`
	}
}

func (s Door) listRosters(ctx context.Context, _ *none) (*web.Listed[Roster], error) {
	data, err := s.directory(ctx)
	dir, list, now := routing.NewDirectory(data), []Roster{}, time.Now().UTC().Truncate(time.Microsecond)
	for _, r := range data.Rosters {
		list = append(list, viewRoster(dir, r, now))
	}
	return web.Page(list, len(list), nil), err
}

func (s Door) putRosters(ctx context.Context, in *rostersIn) (*web.Listed[Roster], error) {
	rosters := make([]routing.Roster, 0, len(in.Body.Rosters))
	var places []store.Facility
	org := web.From(ctx).Org
	for _, v := range in.Body.Rosters {
		for _, m := range v.Members {
			if err := checkTarget(m); err != nil {
				return nil, err
			}
		}
		shifts, err := v.shifts()
		if err != nil {
			return nil, err
		}
		rosters = append(rosters, routing.Roster{Facility: v.Facility, Unit: v.Unit, Members: append([]string{}, v.Members...), Shifts: shifts})
		if v.Zone != "" {
			places = append(places, store.Facility{Org: org, Code: v.Facility, Zone: v.Zone})
		}
	}
	err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		data, err := store.Directory(ctx, tx, org)
		if err == nil {
			err = known(in.Body.Rosters, data.Zones)
		}
		if err == nil && len(places) > 0 {
			err = store.PutFacilities(ctx, tx, places)
		}
		if err != nil {
			return err
		}
		return store.PutRosters(ctx, tx, org, rosters)
	})
	if err != nil {
		return nil, err
	}
	return s.listRosters(ctx, nil)
}

// checkTarget refuses what could never name anyone.
func checkTarget(t string) error {
	if role, ok := strings.CutPrefix(t, "role:"); ok && !slices.Contains(web.Roles, web.Role(role)) {
		return fault.New(fault.Invalid, "there is no role %q", role)
	}
	if strings.TrimSpace(t) == "" || strings.ContainsAny(t, "\n\r") {
		return fault.New(fault.Invalid, "%q names nobody", t)
	}
	return nil
}

// Rule says where alerts of a kind go.
type Rule struct {
	Kind    string   `json:"kind"`
	Targets []string `json:"targets" doc:"tried in turn until one names somebody: owner, owners (told besides), unit, facility, owner-role, role:x or a person id; none: the default again"`
	Own     bool     `json:"own,omitempty" readOnly:"true" doc:"the organization's; else as shipped"`
}

// Step is one step of an escalation.
type Step struct {
	After  string `json:"after" doc:"how long to wait for an acknowledgement, for example 30m"`
	Target string `json:"target" doc:"who is told then: role:x or a person id"`
}

// Policy is the escalation of alerts of a severity.
type Policy struct {
	Severity string `json:"severity" enum:"routine,urgent,critical"`
	Steps    []Step `json:"steps"`
}

type rulesBody struct {
	Rules    []Rule   `json:"rules"`
	Policies []Policy `json:"policies"`
}

type rulesIn struct{ Body rulesBody }
type rulesOut struct{ Body rulesBody }

// listRules shows what applies: the organization's own, else the defaults.
func (s Door) listRules(ctx context.Context, _ *none) (*rulesOut, error) {
	data, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	out := &rulesOut{}
	for _, kind := range notice.Kinds {
		targets, own := data.Rules[kind]
		if !own {
			targets = routing.DefaultRules[kind]
		}
		out.Body.Rules = append(out.Body.Rules, Rule{kind, targets, own})
	}
	for _, severity := range []notice.Severity{notice.Routine, notice.Urgent, notice.Critical} {
		steps, own := data.Steps[severity]
		if !own {
			steps = routing.DefaultSteps[severity]
		}
		p := Policy{Severity: string(severity), Steps: []Step{}}
		for _, st := range steps {
			p.Steps = append(p.Steps, Step{st.Wait.String(), st.Target})
		}
		out.Body.Policies = append(out.Body.Policies, p)
	}
	return out, nil
}

func (s Door) putRules(ctx context.Context, in *rulesIn) (*rulesOut, error) {
	policies := map[notice.Severity][]routing.Step{}
	for _, p := range in.Body.Policies {
		steps := []routing.Step{}
		for _, v := range p.Steps {
			wait, err := time.ParseDuration(v.After)
			if err != nil || wait < time.Second || wait > 30*24*time.Hour {
				return nil, fault.New(fault.Invalid, "%q is no wait between a second and 30 days", v.After)
			}
			if err := checkTarget(v.Target); err != nil {
				return nil, err
			}
			steps = append(steps, routing.Step{Wait: wait, Target: v.Target})
		}
		policies[notice.Severity(p.Severity)] = steps
	}
	for _, r := range in.Body.Rules {
		if !slices.Contains(notice.Kinds, r.Kind) {
			return nil, fault.New(fault.Invalid, "there is no alert of kind %q", r.Kind)
		}
		for _, t := range r.Targets {
			if err := checkTarget(t); err != nil {
				return nil, err
			}
		}
	}
	org := web.From(ctx).Org
	err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		for _, r := range in.Body.Rules {
			if err := store.PutRule(ctx, tx, org, r.Kind, r.Targets); err != nil {
				return err
			}
		}
		for severity, steps := range policies {
			if err := store.PutPolicy(ctx, tx, org, severity, steps); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.listRules(ctx, nil)
}

// Endpoint is a webhook receiver.
type Endpoint struct {
	ID         events.ID `json:"id"`
	URL        string    `json:"url"`
	Kinds      []string  `json:"kinds"`
	Facilities []string  `json:"facilities"`
	Active     bool      `json:"active"`
	Disabled   string    `json:"disabled" doc:"why it is switched off"`
	CreatedAt  time.Time `json:"created_at"`
	Secret     string    `json:"secret,omitempty" doc:"shown once"`
}

type endpointIn struct {
	Body struct {
		URL        string   `json:"url" maxLength:"2000"`
		Kinds      []string `json:"kinds,omitempty" doc:"none: all"`
		Facilities []string `json:"facilities,omitempty" doc:"facility codes; none: all"`
	}
}

type endpointOut struct{ Body Endpoint }

type endpointID struct {
	ID events.ID `path:"id"`
}

func (s Door) listEndpoints(ctx context.Context, _ *none) (*web.Listed[Endpoint], error) {
	org, list := web.From(ctx).Org, []Endpoint{}
	err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		found, err := store.Endpoints(ctx, tx, org)
		for _, e := range found {
			list = append(list, Endpoint{e.ID, e.URL, e.Kinds, e.Facilities, e.Active, e.Disabled, e.CreatedAt, ""})
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

func (s Door) addEndpoint(ctx context.Context, in *endpointIn) (*endpointOut, error) {
	if err := channel.CheckURL(in.Body.URL); err != nil {
		return nil, fault.New(fault.Invalid, "%s", err)
	}
	e := store.Endpoint{ID: events.NewID(), URL: in.Body.URL, Kinds: in.Body.Kinds, Facilities: in.Body.Facilities, Active: true, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	if e.Kinds == nil {
		e.Kinds = []string{}
	}
	if e.Facilities == nil {
		e.Facilities = []string{}
	}
	for _, kind := range e.Kinds {
		if !slices.Contains(notice.Kinds, kind) {
			return nil, fault.New(fault.Invalid, "there is no alert of kind %q", kind)
		}
	}
	org, secret := web.From(ctx).Org, channel.NewSecret()
	request := "add endpoint " + strings.Join(append(append([]string{e.URL}, e.Kinds...), e.Facilities...), "\n")
	var out *endpointOut
	err := s.DB.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		out, err = web.Once(ctx, tx, request, func() (*endpointOut, error) {
			return &endpointOut{Endpoint{e.ID, e.URL, e.Kinds, e.Facilities, true, "", e.CreatedAt, secret}}, store.AddEndpoint(ctx, tx, org, e, secret)
		})
		return err
	})
	return out, err
}

func (s Door) enableEndpoint(ctx context.Context, in *endpointID) (*web.Listed[Endpoint], error) {
	return s.setEndpoint(ctx, in.ID, true, "")
}

func (s Door) disableEndpoint(ctx context.Context, in *endpointID) (*web.Listed[Endpoint], error) {
	return s.setEndpoint(ctx, in.ID, false, "switched off by "+web.From(ctx).Subject)
}

func (s Door) setEndpoint(ctx context.Context, id events.ID, active bool, why string) (*web.Listed[Endpoint], error) {
	org := web.From(ctx).Org
	if err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error { return store.SetEndpoint(ctx, tx, org, id, active, why) }); err != nil {
		return nil, err
	}
	return s.listEndpoints(ctx, nil)
}

type secretOut struct {
	Body struct {
		ID     events.ID `json:"id"`
		Secret string    `json:"secret" doc:"shown once"`
	}
}

func (s Door) rotateEndpoint(ctx context.Context, in *endpointID) (*secretOut, error) {
	org, out := web.From(ctx).Org, &secretOut{}
	out.Body.ID, out.Body.Secret = in.ID, channel.NewSecret()
	err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error { return store.RotateSecret(ctx, tx, org, in.ID, out.Body.Secret) })
	return out, err
}
