package admission

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

func (s *service) setupRoutes(r *web.Router) {
	web.Handle(r, web.EncountersRead, "GET", "/organizations", "The caller's organization", s.organizations)
	web.Handle(r, web.DirectoryWrite, "POST", "/organizations", "Name the caller's organization", s.nameOrganization)
	web.Handle(r, web.MessagesShred, "POST", "/organizations/shred", "Destroy the keys of the messages of the caller's organization: what they said is gone", s.shred)
	web.Handle(r, web.OperationsRead, "GET", "/sealing", "How the messages of the caller's organization are sealed", s.sealing)
	web.Handle(r, web.EncountersRead, "GET", "/facilities", "Facilities", s.facilities)
	web.Handle(r, web.DirectoryWrite, "POST", "/facilities", "Add a facility, or change what is stated of it", s.putFacility)
	web.Handle(r, web.FeedsRead, "GET", "/feeds", "Feeds", s.feeds)
	web.Handle(r, web.FeedsRead, "GET", "/feeds/{id}", "One feed", s.oneFeed)
	web.Handle(r, web.FeedsRead, "GET", "/feeds/{id}/quality", "How a feed did: how fast it was answered, what its messages lacked, its rhythm", s.qualityOf)
	web.Handle(r, web.FeedsWrite, "POST", "/feeds", "Add a feed; without certificates it gets an API key, shown this once", s.addFeed)
	web.Handle(r, web.FeedsWrite, "PUT", "/feeds/{id}", "Change a feed", s.changeFeed)
	web.Handle(r, web.FeedsRead, "GET", "/feeds/{id}/keys", "A feed's API keys, without their secrets", s.keys)
	web.Handle(r, web.FeedsWrite, "POST", "/feeds/{id}/keys", "Add an API key; it is shown this once", s.addKey)
	web.Handle(r, web.FeedsWrite, "DELETE", "/feeds/{id}/keys/{key}", "Revoke an API key", s.revokeKey)
}

func (s *service) organizations(ctx context.Context, _ *struct{}) (*web.Listed[store.OrganizationRow], error) {
	var list []store.OrganizationRow
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		list, err = s.store.Organizations(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(list, len(list), nil), nil
}

type organizationIn struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"40"`
		Name string `json:"name" minLength:"1" maxLength:"200"`
	}
}

type organizationOut struct{ Body store.OrganizationRow }

// nameOrganization names the organization of the caller's token: an administrator sets up their own.
func (s *service) nameOrganization(ctx context.Context, in *organizationIn) (*organizationOut, error) {
	o := store.OrganizationRow{ID: web.From(ctx).Org, Code: in.Body.Code, Name: in.Body.Name}
	err := s.db.Tx(ctx, o.ID, func(tx pgx.Tx) error { return s.store.NameOrganization(ctx, tx, o) })
	return &organizationOut{o}, err
}

// facilityView is a facility.
type facilityView struct {
	ID             events.ID       `json:"id"`
	Code           string          `json:"code"`
	Name           string          `json:"name"`
	Zone           string          `json:"zone"`
	Kind           string          `json:"type" enum:",hospital,skilled-nursing,rehabilitation,long-term-acute,hospice,home-health,psychiatric" doc:"empty: nobody has said"`
	Verified       bool            `json:"verified" doc:"somebody has stated its settings; false if a development feed made it"`
	Aliases        []string        `json:"aliases"`
	Closures       []string        `json:"closures"`
	SensitiveUnits []string        `json:"sensitive_units"`
	Units          []store.UnitRow `json:"units"`
}

func (s *service) facilities(ctx context.Context, _ *struct{}) (*web.Listed[facilityView], error) {
	if err := s.directory.Refresh(ctx); err != nil {
		return nil, err
	}
	org := web.From(ctx).Org
	var units map[events.ID][]store.UnitRow
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		units, err = s.store.Units(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var views []facilityView
	for _, f := range s.directory.Setup().Facilities {
		if f.Org == org {
			views = append(views, viewFacility(f, units[f.ID]))
		}
	}
	slices.SortFunc(views, func(a, b facilityView) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	})
	return web.Page(views, len(views), nil), nil
}

func viewFacility(f *adt.Facility, units []store.UnitRow) facilityView {
	return facilityView{
		ID: f.ID, Code: f.Code, Name: f.Name, Zone: f.Zone, Kind: f.Kind, Verified: f.Verified, Aliases: list(f.Aliases), Closures: list(f.Closures),
		SensitiveUnits: list(f.SensitiveUnits), Units: list(units),
	}
}

type facilityIn struct {
	Body struct {
		Code           string          `json:"code" minLength:"1" maxLength:"100" doc:"MSH-4"`
		Name           *string         `json:"name,omitempty"`
		Zone           *string         `json:"zone,omitempty" doc:"IANA time zone"`
		Kind           *string         `json:"type,omitempty" enum:"hospital,skilled-nursing,rehabilitation,long-term-acute,hospice,home-health,psychiatric" doc:"a stay at one that gives no acute care is never a readmission"`
		Aliases        []string        `json:"aliases,omitempty" doc:"other names and universal ids that MSH-4 may have"`
		Closures       []string        `json:"closures,omitempty" doc:"closed days, YYYY-MM-DD"`
		SensitiveUnits []string        `json:"sensitive_units,omitempty" doc:"units (PV1-3) whose stays are restricted"`
		Units          []store.UnitRow `json:"units,omitempty"`
	}
}

type facilityOut struct{ Body facilityView }

func (s *service) putFacility(ctx context.Context, in *facilityIn) (*facilityOut, error) {
	b := in.Body
	if b.Zone != nil {
		if _, err := time.LoadLocation(*b.Zone); err != nil || *b.Zone == "" || *b.Zone == "Local" {
			return nil, fault.New(fault.Invalid, "the zone is not an IANA time zone such as America/Chicago")
		}
	}
	for _, d := range b.Closures {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			return nil, fault.New(fault.Invalid, "a closure is not a day YYYY-MM-DD")
		}
	}
	org := web.From(ctx).Org
	err := s.outbox.Tx(ctx, org, func(tx pgx.Tx) error {
		f, err := s.store.PutFacility(ctx, tx, org, store.FacilityChange{
			Code: b.Code, Name: b.Name, Zone: b.Zone, Kind: b.Kind, Aliases: b.Aliases, Closures: b.Closures, SensitiveUnits: b.SensitiveUnits, Units: b.Units,
		})
		if err != nil {
			return err
		}
		return s.announceFacility(ctx, tx, f)
	})
	if err == nil {
		err = s.directory.Refresh(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &facilityOut{viewFacility(s.directory.Setup().Facility(org, b.Code), b.Units)}, nil
}

// feedView is a feed.
type feedView struct {
	ID           events.ID   `json:"id"`
	Name         string      `json:"name"`
	Facilities   []string    `json:"facilities" doc:"codes of the facilities it may speak for"`
	Development  bool        `json:"development"`
	Loopback     bool        `json:"loopback" doc:"plain connections on loopback belong to it"`
	Enabled      bool        `json:"enabled"`
	Dialect      adt.Dialect `json:"dialect"`
	Certificates []string    `json:"certificates"`
	Version      int         `json:"version"`
	LastReceived *time.Time  `json:"last_received_at"`
	Health       string      `json:"health" enum:"off,never,learning,ok,slow,silent" doc:"against the feed's own rhythm at this hour"`
	UsualGap     float64     `json:"usual_gap_s" doc:"usual seconds between two signs of life at this hour; 0: not known yet"`
	APIKey       string      `json:"api_key,omitempty" doc:"only in the answer that makes it"`
}

func viewFeed(f store.FeedRow) feedView {
	health, usual := rhythm(&f, time.Now())
	return feedView{
		Health: health, UsualGap: usual.Seconds(),
		ID: f.ID, Name: f.Name, Facilities: list(f.Facilities), Development: f.Development, Loopback: f.Loopback, Enabled: f.Enabled,
		Dialect: f.Dialect, Certificates: list(f.Certificates), Version: f.Version, LastReceived: utc(f.LastReceived),
	}
}

type feedsIn struct{ web.PageIn }

func (s *service) feeds(ctx context.Context, in *feedsIn) (*web.Listed[feedView], error) {
	views, err := s.readFeeds(ctx, events.ID{})
	if err != nil {
		return nil, err
	}
	return web.Page(views, len(views), nil), nil
}

func (s *service) readFeeds(ctx context.Context, id events.ID) (views []feedView, err error) {
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := s.store.Feeds(ctx, tx, id)
		for _, f := range rows {
			views = append(views, viewFeed(f))
		}
		return err
	})
	return views, err
}

type feedOut struct {
	ETag string `header:"ETag"`
	Body feedView
}

func showFeed(v feedView) *feedOut { return &feedOut{strconv.Quote(strconv.Itoa(v.Version)), v} }

func (s *service) oneFeed(ctx context.Context, in *byID) (*feedOut, error) {
	views, err := s.readFeeds(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if len(views) == 0 {
		return nil, fault.New(fault.Unknown, "there is no such feed")
	}
	return showFeed(views[0]), nil
}

// feedBody is what is set of a feed.
type feedBody struct {
	Name         string      `json:"name" minLength:"1" maxLength:"100"`
	Facilities   []string    `json:"facilities"`
	Enabled      *bool       `json:"enabled,omitempty"`
	Dialect      adt.Dialect `json:"dialect,omitempty"`
	Certificates []string    `json:"certificates,omitempty" doc:"SHA-256 fingerprints (hexadecimal) or names (SAN) of client certificates"`
}

var (
	classWords = regexp.MustCompile(`^(inpatient|observation|emergency|outpatient|recurring|preadmit|obstetrics|newborn|other)$`)
	twoDigits  = regexp.MustCompile(`^[0-9]{2}$`)
)

// check refuses settings that would only be found wrong when a message comes.
func (b feedBody) check() error {
	d := b.Dialect
	if d.Zone != "" {
		if _, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "Local" {
			return fault.New(fault.Invalid, "the zone is not an IANA time zone such as America/Chicago")
		}
	}
	for _, m := range []map[string]string{d.Classes, d.PatientTypes} {
		for _, class := range m {
			if !classWords.MatchString(class) {
				return fault.New(fault.Invalid, "a class map leads to a class that is none")
			}
		}
	}
	for _, code := range d.Dispositions {
		if !twoDigits.MatchString(code) {
			return fault.New(fault.Invalid, "a disposition map leads to a code that is not two digits")
		}
	}
	return adt.CheckVisitKey(d.VisitKey)
}

type addFeedIn struct{ Body feedBody }

func (s *service) addFeed(ctx context.Context, in *addFeedIn) (*feedOut, error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	org := web.From(ctx).Org
	f := in.Body.row()
	key := ""
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		if err := s.store.PutFeed(ctx, tx, org, &f); err != nil || len(f.Certificates) > 0 {
			return err
		}
		key, _, err = s.store.AddKey(ctx, tx, org, f.ID, nil)
		return err
	})
	if err == nil {
		err = s.directory.Refresh(ctx)
	}
	if err != nil {
		return nil, err
	}
	v := viewFeed(f)
	v.APIKey = key
	return showFeed(v), nil
}

func (b feedBody) row() store.FeedRow {
	return store.FeedRow{
		Name: b.Name, Facilities: b.Facilities, Enabled: b.Enabled == nil || *b.Enabled, Dialect: b.Dialect, Certificates: b.Certificates,
	}
}

type changeFeedIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match"`
	Body    feedBody
}

func (s *service) changeFeed(ctx context.Context, in *changeFeedIn) (*feedOut, error) {
	version, err := web.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	org := web.From(ctx).Org
	f := in.Body.row()
	f.ID, f.Version = in.ID, version
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		old, err := s.store.Feeds(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			return fault.New(fault.Unknown, "there is no such feed")
		}
		f.Loopback = old[0].Loopback
		if f.Development = old[0].Development; f.Development {
			f.Facilities = nil // it speaks for all
		}
		return s.store.PutFeed(ctx, tx, org, &f)
	})
	if err == nil {
		err = s.directory.Refresh(ctx)
	}
	if err != nil {
		return nil, err
	}
	return showFeed(viewFeed(f)), nil
}

func (s *service) keys(ctx context.Context, in *byID) (*web.Listed[store.KeyRow], error) {
	var rows []store.KeyRow
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		rows, err = s.store.Keys(ctx, tx, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(rows, len(rows), nil), nil
}

type addKeyIn struct {
	ID   events.ID `path:"id"`
	Body struct {
		Expires *time.Time `json:"expires_at,omitempty"`
	}
}

type keyOut struct {
	Body struct {
		store.KeyRow
		Key string `json:"key" doc:"shown this once"`
	}
}

func (s *service) addKey(ctx context.Context, in *addKeyIn) (*keyOut, error) {
	out := &keyOut{}
	org := web.From(ctx).Org
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		out.Body.Key, out.Body.KeyRow, err = s.store.AddKey(ctx, tx, org, in.ID, in.Body.Expires)
		return err
	})
	if err == nil {
		err = s.directory.Refresh(ctx)
	}
	return out, err
}

type revokeKeyIn struct {
	ID  events.ID `path:"id"`
	Key events.ID `path:"key"`
}

func (s *service) revokeKey(ctx context.Context, in *revokeKeyIn) (*struct{}, error) {
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error { return s.store.RevokeKey(ctx, tx, in.ID, in.Key) })
	if err == nil {
		err = s.directory.Refresh(ctx)
	}
	return nil, err
}
