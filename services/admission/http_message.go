package admission

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// messageView is a message without its content.
type messageView struct {
	ID         events.ID  `json:"id"`
	FeedID     events.ID  `json:"feed_id"`
	Feed       string     `json:"feed"`
	Facility   string     `json:"facility"`
	ControlID  string     `json:"control_id"`
	Trigger    string     `json:"trigger"`
	State      string     `json:"state" enum:"kept,applied,ignored,quarantined,rejected"`
	Reason     string     `json:"reason"`
	Reply      string     `json:"reply" doc:"what was answered: AA, AE or AR"`
	ReceivedAt time.Time  `json:"received_at"`
	SentAt     *time.Time `json:"sent_at"`
	KeptAt     *time.Time `json:"kept_at" doc:"when its row was written; the reply followed at the commit"`
	Copies     int32      `json:"copies" doc:"how often the same bytes came under the same id"`
	Flags      []string   `json:"flags" doc:"id-reused, id-missing"`
	Hash       string     `json:"hash" doc:"SHA-256 of the bytes, hexadecimal"`
	Size       int32      `json:"size"`
	Format     string     `json:"format" enum:"hl7v2,json"`
	Lost       string     `json:"lost,omitempty" enum:"bytes-destroyed,bytes-damaged" doc:"why nobody can read any more what it said; in the answer to one message only"`
	Encounter  events.ID  `json:"encounter_id" doc:"the stay it is about; in the answer to one message only"`
}

func (s *service) viewMessage(m store.MessageRow) messageView {
	v := messageView{
		ID: m.ID, FeedID: m.Feed, Facility: m.Facility, ControlID: m.Control, Trigger: m.Trigger, State: m.State, Reason: m.Reason, Reply: m.Reply,
		ReceivedAt: m.Received.UTC(), SentAt: utc(m.Sent), KeptAt: utc(m.Kept), Copies: m.Copies, Flags: store.FlagNames(m.Flags), Hash: hex.EncodeToString(m.Hash),
		Size: m.Size, Format: "hl7v2",
	}
	if m.Format == store.FormatJSON {
		v.Format = "json"
	}
	if f := s.directory.Setup().Feeds[m.Feed]; f != nil {
		v.Feed = f.Name
	}
	return v
}

type listMessagesIn struct {
	web.PageIn
	State    string    `query:"state" enum:"kept,applied,ignored,quarantined,rejected"`
	Feed     events.ID `query:"feed"`
	Facility string    `query:"facility" doc:"the facility's code (MSH-4)"`
}

func (s *service) listMessages(ctx context.Context, in *listMessagesIn) (*web.Listed[messageView], error) {
	return s.messages(ctx, store.MessageQuery{State: in.State, Feed: in.Feed, Facility: in.Facility}, in.PageIn)
}

type searchMessagesIn struct {
	Body struct {
		ControlID string `json:"control_id" minLength:"1"`
		Limit     int    `json:"limit,omitempty" minimum:"0" maximum:"500"`
		Cursor    string `json:"cursor,omitempty"`
	}
}

func (s *service) searchMessages(ctx context.Context, in *searchMessagesIn) (*web.Listed[messageView], error) {
	page := web.PageIn{Limit: in.Body.Limit, Cursor: in.Body.Cursor}
	if page.Limit == 0 {
		page.Limit = 100
	}
	return s.messages(ctx, store.MessageQuery{Control: in.Body.ControlID}, page)
}

func (s *service) messages(ctx context.Context, q store.MessageQuery, page web.PageIn) (*web.Listed[messageView], error) {
	if _, err := web.DecodeCursor(page.Cursor, &q.Before); err != nil {
		return nil, err
	}
	q.Limit = page.Limit + 1
	var views []messageView
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := s.store.Messages(ctx, tx, q)
		for _, m := range rows {
			views = append(views, s.viewMessage(m))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(views, page.Limit, func(v messageView) any { return v.ID }), nil
}

type messageOut struct{ Body messageView }

// oneMessage shows what became of a message. Whoever looks at a quarantined one has been told of it:
// the next of its kind is told again.
func (s *service) oneMessage(ctx context.Context, in *byID) (*messageOut, error) {
	out := &messageOut{}
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		m, body, err := s.findMessage(ctx, tx, in.ID)
		lost := readable(err)
		if err != nil && lost == "" {
			return err
		}
		out.Body, err = s.viewMessage(m), nil
		out.Body.Lost = lost
		if out.Body.Lost == "" {
			out.Body.Encounter, _, err = s.stayOf(ctx, tx, m, body)
		}
		if err != nil || m.State != adt.Quarantined {
			return err
		}
		return s.store.Looked(ctx, tx, m.Feed, m.Reason)
	})
	return out, err
}

func (s *service) findMessage(ctx context.Context, tx pgx.Tx, id events.ID) (store.MessageRow, []byte, error) {
	list, err := s.store.Messages(ctx, tx, store.MessageQuery{ID: id, Limit: 1})
	if err != nil {
		return store.MessageRow{}, nil, err
	}
	if len(list) == 0 {
		return store.MessageRow{}, nil, fault.New(fault.Unknown, "there is no such message")
	}
	body, err := s.content(ctx, tx, id)
	return list[0], body, err
}

// stayOf finds the stay that a message is about, by reading its visit key again, and whether the stay is restricted.
func (s *service) stayOf(ctx context.Context, tx pgx.Tx, m store.MessageRow, body []byte) (events.ID, bool, error) {
	list := s.rebuild([]store.Open{{ID: m.ID, Feed: m.Feed, Facility: m.Facility, Charset: m.Charset, Format: m.Format, Received: m.Received, Body: body}})
	if len(list) == 0 || m.State == adt.Rejected {
		return events.ID{}, false, nil
	}
	it := translate(list)[0]
	if it.verdict.State != "" || it.cmd.Visit.Key == "" {
		return events.ID{}, false, nil
	}
	return s.store.Visit(ctx, tx, it.in.Facility.ID, it.cmd.Visit.Key)
}

// messageContent gives a message's bytes as received. That of a restricted stay is for those who guard it.
func (s *service) messageContent(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id, err := events.ParseID(chi.URLParam(r, "id"))
	if err != nil {
		web.WriteProblem(w, fault.New(fault.Malformed, "this is no message id"))
		return
	}
	var content []byte
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		m, body, err := s.findMessage(ctx, tx, id)
		if err != nil {
			return err
		}
		stay, restricted, err := s.stayOf(ctx, tx, m, body)
		if err != nil {
			return err
		}
		if restricted && !web.From(ctx).Is(web.Privacy) {
			return fault.New(fault.Forbidden, "the stay is restricted")
		}
		var patients []events.ID
		if !stay.IsZero() {
			row, err := s.findEncounter(ctx, tx, stay)
			if err != nil {
				return err
			}
			patients = append(patients, row.Patient)
		}
		content = body
		return s.looked(ctx, tx, "messages.content", purposeIn{r.Header.Get("Purpose-Of-Use")}.purpose(), id, patients)
	})
	if err != nil {
		web.WriteProblem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(content)
}

// reapply: load, decide, save; the applier does the rest, with the feed's settings as they are now.
func (s *service) reapply(ctx context.Context, in *byID) (*messageOut, error) {
	out := &messageOut{}
	err := s.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		m, err := s.store.Reopen(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if _, err := s.content(ctx, tx, in.ID); err != nil {
			return err // there is nothing to apply
		}
		out.Body = s.viewMessage(m)
		return s.looked(ctx, tx, "messages.reapply", in.purpose(), in.ID, nil)
	})
	if err == nil {
		s.applier.sweepLater()
	}
	return out, err
}
