package discharge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// protocolRoutes are how people look at protocols, try changes of them, and put them
// in force.
func (a *api) protocolRoutes(r *web.Router) {
	web.Handle(r, web.TransitionsRead, "GET", "/protocols", "The protocols in force", a.protocols)
	web.Handle(r, web.TransitionsRead, "GET", "/protocols/sets", "Stored sets of protocols, newest first, and where they are in force", a.protocolSets)
	web.Handle(r, web.TransitionsRead, "GET", "/protocols/sets/{id}", "One stored set, with its files", a.oneProtocolSet)
	web.Handle(r, web.TransitionsRead, "GET", "/protocols/shipped", "The files of the set that this version of the product ships with", a.shippedProtocols)
	web.Handle(r, web.TransitionsRead, "GET", "/protocols/acts", "Who decided when which set is in force, newest first", a.protocolActs)
	web.Handle(r, web.ProtocolsTry, "POST", "/protocols/check", "Say what is wrong with protocols, and what they change", a.checkProtocols)
	web.Handle(r, web.ProtocolsTry, "POST", "/protocols/test", "Run the cases beside protocols", a.testProtocols)
	web.Handle(r, web.ProtocolsWrite, "POST", "/protocols/sets", "Store a set of protocols; it is in force when it is activated", a.storeProtocols)
	web.Handle(r, web.ProtocolsWrite, "POST", "/protocols/activate", "Put a set in force", a.activateProtocols)
	web.Handle(r, web.ProtocolsWrite, "POST", "/protocols/shadow", "Try a set beside the one in force: its plans are kept and nothing comes of them", a.shadowProtocols)
	web.Handle(r, web.ProtocolsTry, "GET", "/protocols/shadow", "What the set that is tried would have done so far", a.listShadows)
	web.Handle(r, web.ProtocolsTry, "GET", "/protocols/previews", "What previews said, newest first", a.listPreviews)
	web.Handle(r, web.ProtocolsTry, "GET", "/protocols/previews/{id}", "What one preview said", a.onePreview)
	r.Raw(web.ProtocolsTry, "POST", "/protocols/preview", a.streamPreview)
	web.Handle(r, web.TransitionsRead, "GET", "/protocols/replans", "How far planning again after a decision is", a.listReplans)
	web.Handle(r, web.ProtocolsWrite, "POST", "/protocols/rollback", "Go back to the set that was in force before", a.rollBackProtocols)
}

// protocolView is a version of a protocol as the API shows it.
type protocolView struct {
	Protocol string   `json:"protocol" doc:"code@version"`
	Title    string   `json:"title"`
	Kind     string   `json:"kind" enum:"base,addon,emergency"`
	When     string   `json:"when" doc:"the condition, in CEL"`
	From     string   `json:"from" doc:"first local day of discharge"`
	Until    string   `json:"until" doc:"last local day of discharge; empty: no end"`
	Tasks    []string `json:"tasks" doc:"task codes"`
	File     string   `json:"file"`
}

func viewProtocols(set *protocol.Set) []protocolView {
	var out []protocolView
	for _, e := range set.Entries() {
		v := protocolView{Protocol: e.Ref, Title: e.Title, Kind: e.Kind, When: e.When, From: e.From.String(), Tasks: e.Tasks, File: e.File}
		if !e.Until.IsZero() {
			v.Until = e.Until.String()
		}
		out = append(out, v)
	}
	return out
}

type protocolsIn struct {
	Facility string    `query:"facility" doc:"a facility's code (MSH-4); without it the organization's"`
	At       time.Time `query:"at" doc:"for a discharge at this time; without it now"`
}

type protocolsOut struct {
	ETag string `header:"ETag" doc:"version of the organization's book: decide with If-Match"`
	Body struct {
		Items []protocolView `json:"items"`
		Next  *string        `json:"next"`
		Set   events.ID      `json:"set_id" doc:"empty: the shipped set"`
		Since *time.Time     `json:"since" doc:"when the set took effect; null: it was always there"`
		Book  int64          `json:"version" doc:"version of the organization's book"`
	}
}

func (a *api) protocols(ctx context.Context, in *protocolsIn) (*protocolsOut, error) {
	if in.At.IsZero() {
		in.At = a.service.clock()
	}
	book := a.service.shelf.look().book(web.From(ctx).Org)
	act := book.Act(in.Facility, in.At)
	out := &protocolsOut{ETag: etag(int(book.Version()))}
	out.Body.Items, out.Body.Set, out.Body.Book = viewProtocols(book.Set(act.Set)), act.Set, book.Version()
	if act.Version > 0 {
		out.Body.Since = utc(&act.From)
	}
	return out, nil
}

// setView is a stored set as the API shows it.
type setView struct {
	ID     events.ID `json:"id"`
	Number int       `json:"number" doc:"1, 2, 3... of the organization"`
	Title  string    `json:"title"`
	Digest string    `json:"digest" doc:"of its files"`
	MadeBy string    `json:"made_by"`
	MadeAt time.Time `json:"made_at"`
	Live   []string  `json:"live" doc:"where it is in force now: facilities, or all"`
	Coming []string  `json:"coming" doc:"where it will be"`
	Shadow []string  `json:"shadow" doc:"where it is tried beside the set in force"`
	Wrong  string    `json:"wrong" doc:"why this build cannot use it; empty: it can"`
}

// everywhere is how the API names the scope of an act without a facility.
const everywhere = "all"

func scope(facility string) string {
	if facility == "" {
		return everywhere
	}
	return facility
}

func (a *api) viewSet(s store.ProtocolSet, book *protocol.Book) setView {
	v := setView{
		ID: s.ID, Number: s.Number, Title: s.Title, Digest: s.Digest, MadeBy: s.MadeBy, MadeAt: s.MadeAt.UTC(),
		Live: []string{}, Coming: []string{}, Shadow: []string{}, Wrong: a.service.shelf.broken(s.ID),
	}
	now := a.service.clock()
	for _, facility := range book.Facilities() {
		if in := book.Act(facility, now); in.Set == s.ID && in.Version > 0 && in.Facility == facility {
			v.Live = append(v.Live, scope(facility))
		}
		if newest, _ := book.Newest(facility); newest.Set == s.ID && newest.From.After(now) && !newest.Inherit {
			v.Coming = append(v.Coming, scope(facility))
		}
	}
	for facility, act := range book.Shadows() {
		if act.Set == s.ID {
			v.Shadow = append(v.Shadow, scope(facility))
		}
	}
	slices.Sort(v.Shadow)
	return v
}

func (a *api) protocolSets(ctx context.Context, _ *struct{}) (*web.Listed[setView], error) {
	org := web.From(ctx).Org
	book := a.service.shelf.look().book(org)
	var list []setView
	err := a.db.Tx(ctx, org, func(tx pgx.Tx) error {
		sets, err := store.ProtocolSets(ctx, tx, org)
		for _, s := range sets {
			list = append(list, a.viewSet(s, book))
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

type setOut struct {
	Body struct {
		setView
		Files map[string]string `json:"files" doc:"name -> text"`
	}
}

func (a *api) oneProtocolSet(ctx context.Context, in *byID) (*setOut, error) {
	org := web.From(ctx).Org
	out := &setOut{}
	err := a.db.Tx(ctx, org, func(tx pgx.Tx) error {
		sets, err := store.ProtocolSets(ctx, tx, org)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(sets, func(s store.ProtocolSet) bool { return s.ID == in.ID })
		if i < 0 {
			return errNoSet
		}
		files, err := store.ProtocolFiles(ctx, tx, []events.ID{in.ID})
		out.Body.setView, out.Body.Files = a.viewSet(sets[i], a.service.shelf.look().book(org)), files[in.ID]
		return err
	})
	return out, err
}

type shippedOut struct {
	Body struct {
		Digest string            `json:"digest"`
		Files  map[string]string `json:"files" doc:"name -> text"`
	}
}

func (a *api) shippedProtocols(context.Context, *struct{}) (*shippedOut, error) {
	out := &shippedOut{}
	files := protocol.ShippedFiles()
	out.Body.Digest, out.Body.Files = files.Digest(), files
	return out, nil
}

var errNoSet = fault.New(fault.Unknown, "there is no such set of protocols; `protocols/sets` lists them")

// actView is a decision as the API shows it.
type actView struct {
	Version  int64     `json:"version"`
	Kind     string    `json:"kind" enum:"activate,roll-back,shadow,end-shadow"`
	Facility string    `json:"facility" doc:"empty: each that has no decision of its own"`
	Set      events.ID `json:"set_id" doc:"empty: the shipped set"`
	Inherit  bool      `json:"inherit" doc:"the facility follows the organization again"`
	From     time.Time `json:"from" doc:"for stays discharged from then on"`
	Replan   bool      `json:"replan" doc:"open transitions of those stays are planned again"`
	Preview  events.ID `json:"preview_id"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

func viewAct(a store.ProtocolAct) actView {
	return actView{
		Version: a.Version, Kind: a.Kind, Facility: a.Facility, Set: a.Set, Inherit: a.Inherit, From: a.From.UTC(), Replan: a.Replan,
		Preview: a.Preview, Reason: a.Reason, By: a.By, At: a.At.UTC(),
	}
}

func (a *api) protocolActs(ctx context.Context, _ *struct{}) (*web.Listed[actView], error) {
	org := web.From(ctx).Org
	var list []actView
	err := a.db.Tx(ctx, org, func(tx pgx.Tx) error {
		acts, err := store.ProtocolActs(ctx, tx, org)
		for _, act := range acts {
			list = append(list, viewAct(act))
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

// candidateBody names protocols that are not in force, or not yet: files, a stored
// set, or what is shipped.
type candidateBody struct {
	Files   map[string]string `json:"files,omitempty" doc:"name -> text: *.yaml; what is not there is taken from the shipped files"`
	Alone   bool              `json:"alone,omitempty" doc:"the files are the whole set"`
	Set     events.ID         `json:"set_id,omitempty" doc:"a stored set"`
	Shipped bool              `json:"shipped,omitempty" doc:"the shipped set"`
}

// candidate is what a candidateBody names.
type candidate struct {
	id    events.ID // zero: the shipped set, or not stored
	files protocol.Files
	set   *protocol.Set
}

// candidate reads what is named. problems are for the author; err is for anything else.
func (a *api) candidate(ctx context.Context, in candidateBody) (c candidate, problems []string, err error) {
	named := 0
	for _, is := range []bool{len(in.Files) > 0, !in.Set.IsZero(), in.Shipped} {
		if is {
			named++
		}
	}
	switch {
	case named != 1:
		return c, nil, fault.New(fault.Invalid, "name exactly one of files, set_id and shipped")
	case in.Shipped:
		return candidate{files: protocol.ShippedFiles(), set: a.service.shelf.shipped}, nil, nil
	case !in.Set.IsZero():
		return a.storedSet(ctx, in.Set)
	}
	c.files = in.Files
	if !in.Alone {
		c.files = c.files.Over(protocol.ShippedFiles())
	}
	if c.set, err = c.files.Load(a.service.table(web.From(ctx).Org)); err != nil {
		return c, strings.Split(err.Error(), "\n"), nil
	}
	return c, nil, nil
}

func (a *api) storedSet(ctx context.Context, id events.ID) (c candidate, problems []string, err error) {
	c.id = id
	err = a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		files, err := store.ProtocolFiles(ctx, tx, []events.ID{id})
		c.files = files[id]
		return err
	})
	switch {
	case err != nil:
		return c, nil, err
	case c.files == nil:
		return c, nil, errNoSet
	}
	if c.set, err = c.files.Restore(a.service.table(web.From(ctx).Org)); err != nil {
		return c, strings.Split(err.Error(), "\n"), nil
	}
	return c, nil, nil
}

// sound is a candidate that can be planned by, or a fault that says why not.
func (a *api) sound(ctx context.Context, in candidateBody) (candidate, error) {
	c, problems, err := a.candidate(ctx, in)
	if err == nil && len(problems) > 0 {
		return c, refused("these protocols cannot be used", problems)
	}
	return c, err
}

func refused(text string, problems []string) error {
	list := make([]any, len(problems))
	for i, p := range problems {
		list[i] = p
	}
	return fault.New(fault.Invalid, "%s", text).With("errors", list)
}

// reused are the names (code@version) that a set gives to something else than another
// set does: a plan made by one would look as if it were made by the other.
func (a *api) reused(ctx context.Context, tx pgx.Tx, org events.ID, set *protocol.Set) ([]string, error) {
	stored, err := store.ProtocolSets(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	others := []store.ProtocolSet{{Prints: a.service.shelf.shipped.Prints()}}
	var out []string
	for _, other := range append(others, stored...) {
		name := "the shipped set"
		if other.Number > 0 {
			name = fmt.Sprintf("set %d", other.Number)
		}
		for _, ref := range differing(set.Prints(), other.Prints) {
			out = append(out, fmt.Sprintf("%s does something else here than in %s: give it a new version", ref, name))
		}
	}
	return out, nil
}

func differing(a, b map[string]string) []string {
	var out []string
	for ref, print := range a {
		if other, both := b[ref]; both && other != print {
			out = append(out, ref)
		}
	}
	slices.Sort(out)
	return out
}

type candidateIn struct {
	Body candidateBody
}

type checkOut struct {
	Body checkView
}

type checkView struct {
	OK        bool           `json:"ok"`
	Digest    string         `json:"digest"`
	Problems  []string       `json:"problems"`
	Protocols []protocolView `json:"protocols"`
	Added     []string       `json:"added" doc:"code@version that the set in force does not have"`
	Removed   []string       `json:"removed" doc:"code@version that only the set in force has"`
}

func (a *api) checkProtocols(ctx context.Context, in *candidateIn) (*checkOut, error) {
	c, problems, err := a.candidate(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	out := &checkOut{Body: checkView{Digest: c.files.Digest(), Problems: present(problems), Protocols: []protocolView{}, Added: []string{}, Removed: []string{}}}
	if c.set == nil {
		return out, nil
	}
	org := web.From(ctx).Org
	if c.id.IsZero() && !in.Body.Shipped {
		err := a.db.Tx(ctx, org, func(tx pgx.Tx) error {
			reused, err := a.reused(ctx, tx, org, c.set)
			out.Body.Problems = append(out.Body.Problems, reused...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	live := a.service.shelf.look().book(org).At("", a.service.clock())
	out.Body.OK, out.Body.Protocols = len(out.Body.Problems) == 0, viewProtocols(c.set)
	out.Body.Added, out.Body.Removed = missing(c.set, live), missing(live, c.set)
	return out, nil
}

// missing are the protocols of a set that another has not, in their order.
func missing(set, from *protocol.Set) []string {
	have := from.Prints()
	out := []string{}
	for _, p := range set.Protocols() {
		if _, there := have[p[0]]; !there {
			out = append(out, p[0])
		}
	}
	return out
}

type testOut struct {
	Body protocol.Report
}

func (a *api) testProtocols(ctx context.Context, in *candidateIn) (*testOut, error) {
	c, err := a.sound(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return &testOut{Body: c.set.Test()}, nil
}
