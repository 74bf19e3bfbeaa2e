package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

type storeIn struct {
	Key  string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body struct {
		Title string            `json:"title" maxLength:"200" doc:"what is new about it"`
		Files map[string]string `json:"files" doc:"name -> text: *.yaml; what is not there is taken from the shipped files"`
		Alone bool              `json:"alone,omitempty" doc:"the files are the whole set"`
	}
}

type storedOut struct {
	Body setView
}

// storeProtocols keeps a set whole, as it is now: a later version of the product does
// not change it. The same files again are the same set.
func (a *api) storeProtocols(ctx context.Context, in *storeIn) (*storedOut, error) {
	c, err := a.sound(ctx, candidateBody{Files: in.Body.Files, Alone: in.Body.Alone})
	if err != nil {
		return nil, err
	}
	if report := c.set.Test(); report.Failed > 0 {
		var wrong []string
		for _, r := range report.Results {
			for _, w := range r.Wrong {
				wrong = append(wrong, r.File+": "+r.Name+": "+w)
			}
		}
		return nil, refused("not every case passes", wrong)
	}
	who := web.From(ctx)
	digest := c.files.Digest()
	set := store.ProtocolSet{
		ID: store.SetID(who.Org, digest), Org: who.Org, Digest: digest, Title: in.Body.Title, Files: c.files, Prints: c.set.Prints(),
		MadeBy: who.Subject, MadeAt: a.service.now(),
	}
	out := &storedOut{}
	err = a.db.Tx(ctx, who.Org, func(tx pgx.Tx) error {
		if _, err := store.LockBook(ctx, tx, who.Org); err != nil {
			return err
		}
		have, err := store.ProtocolSets(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		book := a.service.shelf.look().book(who.Org)
		for _, s := range have {
			if s.ID == set.ID {
				out.Body = a.viewSet(s, book)
				return nil
			}
		}
		reused, err := a.reused(ctx, tx, who.Org, c.set)
		if err != nil {
			return err
		}
		if len(reused) > 0 {
			return refused("a changed protocol needs a new version", reused)
		}
		if set.Number, err = store.AddProtocolSet(ctx, tx, set); err != nil {
			return err
		}
		out.Body = a.viewSet(set, book)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// now is the present, as rows keep it.
func (s *service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

type activateBody struct {
	Set      events.ID  `json:"set_id,omitempty" doc:"a stored set"`
	Shipped  bool       `json:"shipped,omitempty" doc:"the shipped set"`
	Inherit  bool       `json:"inherit,omitempty" doc:"the facility follows the organization again"`
	Facility string     `json:"facility,omitempty" doc:"code (MSH-4); without it every facility that has no decision of its own"`
	From     *time.Time `json:"from,omitempty" doc:"for stays discharged from then on; without it from now on"`
	Replan   bool       `json:"replan,omitempty" doc:"plan open transitions of those stays again; needed where from has passed"`
	Reason   string     `json:"reason" maxLength:"500" doc:"why, for whoever asks later"`
}

type activateIn struct {
	IfMatch string `header:"If-Match" doc:"version of the book you decided on"`
	Key     string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    activateBody
}

type actOut struct {
	ETag string `header:"ETag" json:"-"`
	Body actView
}

// activateProtocols puts a set in force, for stays discharged from a time on. Open
// transitions keep the plan they have, unless it is asked for that they be planned again.
func (a *api) activateProtocols(ctx context.Context, in *activateIn) (*actOut, error) {
	b := in.Body
	named := 0
	for _, is := range []bool{!b.Set.IsZero(), b.Shipped, b.Inherit} {
		if is {
			named++
		}
	}
	switch {
	case named != 1:
		return nil, fault.New(fault.Invalid, "name exactly one of set_id, shipped and inherit")
	case b.Inherit && b.Facility == "":
		return nil, fault.New(fault.Invalid, "only a facility can follow the organization: name one")
	}
	d := decide{kind: protocol.ActActivate, facility: b.Facility, set: b.Set, inherit: b.Inherit, replan: b.Replan, reason: b.Reason}
	if b.From != nil {
		d.from = b.From.UTC().Truncate(time.Microsecond)
	}
	return a.decideOnProtocols(ctx, in.IfMatch, d)
}

type rollBackIn struct {
	IfMatch string `header:"If-Match" doc:"version of the book you decided on"`
	Key     string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    struct {
		Facility string `json:"facility,omitempty" doc:"code (MSH-4); without it the organization"`
		Replan   bool   `json:"replan,omitempty" doc:"also plan again what was planned since the set took effect"`
		Reason   string `json:"reason" maxLength:"500" doc:"why, for whoever asks later"`
	}
}

// rollBackProtocols puts in force again what was before the newest decision. It needs
// no preview, since the set has been in force, unless it reaches back.
func (a *api) rollBackProtocols(ctx context.Context, in *rollBackIn) (*actOut, error) {
	return a.decideOnProtocols(ctx, in.IfMatch, decide{
		kind: protocol.ActRollBack, facility: in.Body.Facility, replan: in.Body.Replan, reason: in.Body.Reason,
	})
}

// decide is a decision on protocols in the making.
type decide struct {
	kind     string
	facility string
	set      events.ID
	inherit  bool
	from     time.Time // zero: from now on
	replan   bool
	reason   string
}

// decideOnProtocols adds a decision to the organization's book. Decisions come one
// after the other; who decided on an older book is told so.
func (a *api) decideOnProtocols(ctx context.Context, ifMatch string, d decide) (*actOut, error) {
	version, err := web.IfMatch(ifMatch)
	if err != nil {
		return nil, err
	}
	if d.reason == "" {
		return nil, fault.New(fault.Invalid, "say why: reason is empty")
	}
	who := web.From(ctx)
	said, err := json.Marshal(fmt.Sprintf("%+v", d))
	if err != nil {
		return nil, err
	}
	if err := a.service.shelf.refresh(ctx); err != nil {
		return nil, err
	}
	var out *actOut
	err = a.db.Tx(ctx, who.Org, func(tx pgx.Tx) (err error) {
		out, err = web.Once(ctx, tx, fmt.Sprintf("decide %d %s", version, said), func() (*actOut, error) {
			return a.addAct(ctx, tx, version, d)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.service.shelf.refresh(ctx); err != nil { // so that who decided sees it; the others will within a second
		return nil, err
	}
	out.ETag = etag(int(out.Body.Version))
	return out, nil
}

func (a *api) addAct(ctx context.Context, tx pgx.Tx, version int, d decide) (*actOut, error) {
	who := web.From(ctx)
	is, err := store.LockBook(ctx, tx, who.Org)
	if err != nil {
		return nil, err
	}
	if is != int64(version) {
		return nil, fault.New(fault.Stale, "somebody has decided since you looked: the book is at version %d", is).With("version", is)
	}
	if d.facility != "" {
		known, err := store.FacilityKnown(ctx, tx, who.Org, d.facility)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, fault.New(fault.Invalid, "there is no facility %s", d.facility)
		}
	}
	now := a.service.now()
	act := store.ProtocolAct{
		Act: protocol.Act{Version: is + 1, Kind: d.kind, Facility: d.facility, Set: d.set, Inherit: d.inherit, From: d.from},
		Org: who.Org, Replan: d.replan, Reason: d.reason, By: who.Subject, At: now,
	}
	book := a.service.shelf.look().book(who.Org)
	if d.kind == protocol.ActRollBack {
		if err := goBack(&act, book, now); err != nil {
			return nil, err
		}
	}
	set, err := a.usable(ctx, tx, act.Set)
	if err != nil {
		return nil, err
	}
	if err := settleTime(&act, now); err != nil {
		return nil, err
	}
	back := act.From.Before(now)
	act.Replan = back
	if (d.kind == protocol.ActActivate || back) && !act.Inherit {
		if err := seen(ctx, tx, &act, set, back); err != nil {
			return nil, err
		}
	}
	if err := store.AddProtocolAct(ctx, tx, act); err != nil {
		return nil, err
	}
	if back {
		if err := startReplan(ctx, tx, act, now); err != nil {
			return nil, err
		}
	}
	return &actOut{Body: viewAct(act)}, nil
}

// goBack makes an act put in force again what was before the newest one.
func goBack(act *store.ProtocolAct, book *protocol.Book, now time.Time) error {
	newest, any := book.Newest(act.Facility)
	former, _ := book.Former(act.Facility, now)
	if !any {
		return fault.New(fault.Conflict, "there is nothing to go back from: nothing was activated here")
	}
	act.Set, act.Inherit = former.Set, former.Inherit
	if act.Replan && newest.From.Before(now) {
		act.From = newest.From
	}
	return nil
}

// usable is a set that is there and that this build can use.
func (a *api) usable(ctx context.Context, tx pgx.Tx, id events.ID) (*protocol.Set, error) {
	if id.IsZero() {
		return a.service.shelf.shipped, nil
	}
	files, err := store.ProtocolFiles(ctx, tx, []events.ID{id})
	if err != nil {
		return nil, err
	}
	if files[id] == nil {
		return nil, errNoSet
	}
	set, err := files[id].Restore(a.service.table(web.From(ctx).Org))
	if err != nil {
		return nil, fault.Wrap(fault.Conflict, err, "this build cannot use the set any more: %v", err)
	}
	return set, nil
}

// previewLasts is how long a preview says what a set does: patients change.
const previewLasts = 7 * 24 * time.Hour

// seen makes sure that a preview of the set was run, not long ago, and where the act
// reaches back, over the stays it reaches.
func seen(ctx context.Context, tx pgx.Tx, act *store.ProtocolAct, set *protocol.Set, back bool) error {
	p, found, err := store.NewestPreview(ctx, tx, act.Org, set.Digest(), act.Facility)
	switch {
	case err != nil:
		return err
	case !found || act.At.Sub(p.At) > previewLasts:
		return fault.New(fault.Conflict, "nobody has looked at what this set would do: run a preview of it first (POST protocols/preview, or handoff protocol preview)")
	case back && p.Since.After(act.From):
		return fault.New(fault.Conflict, "the preview looked back to %s only: run one that reaches back to the time you choose", p.Since.Format(time.DateOnly)).
			With("since", p.Since)
	}
	act.Preview = p.ID
	return nil
}

// settleTime says when an act takes effect: late enough that every replica knows of it
// by then, unless what has been planned since is planned again.
func settleTime(act *store.ProtocolAct, now time.Time) error {
	soonest := now.Add(bookLead)
	switch {
	case act.Kind == protocol.ActShadow || act.Kind == protocol.ActEndShadow:
		act.From = now // nobody's plan depends on it
	case act.From.IsZero():
		act.From = soonest
	case !act.From.Before(now) && act.From.Before(soonest):
		act.From = soonest
	case act.From.Before(now) && !act.Replan:
		return fault.New(fault.Invalid, "that time has passed: open transitions would have to be planned again; say replan if they shall, or choose a time to come")
	}
	return nil
}
