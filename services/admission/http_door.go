package admission

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// hl7Types are the content types of HL7 v2 over HTTP.
var hl7Types = map[string]bool{
	"application/hl7-v2": true, "application/hl7-v2+er7": true, "x-application/hl7-v2+er7": true, "text/plain": true,
}

// postHL7 takes one HL7 v2 message. Whenever there is an acknowledgement, also a negative one, the
// answer is 200 with it as its body; any other status has no acknowledgement.
func (s *service) postHL7(w http.ResponseWriter, r *http.Request) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !hl7Types[kind] {
		transport(w, http.StatusUnsupportedMediaType, "send Content-Type application/hl7-v2, application/hl7-v2+er7, x-application/hl7-v2+er7 or text/plain")
		return
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		transport(w, http.StatusUnsupportedMediaType, "send the content as it is, not compressed")
		return
	}
	feed, err := s.callersFeed(r)
	if err != nil {
		transport(w, http.StatusForbidden, fault.Public(err))
		return
	}
	raw, err := s.body(w, r)
	if err != nil {
		transport(w, http.StatusRequestEntityTooLarge, "the message is longer than the limit")
		return
	}
	ctx, span := s.tracer.Start(r.Context(), "http message", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	in, err := adt.Receive(ctx, s.directory, feed, raw, params["charset"], time.Now())
	if err == nil {
		in.Span = span.SpanContext()
		err = s.keep(ctx, in)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "message not kept", "feed", feed.Name, "error", err)
		w.Header().Set("Retry-After", "5")
		transport(w, http.StatusServiceUnavailable, "the message cannot be stored now; send it again")
		return
	}
	now := time.Now()
	s.doors.Answered(in, now)
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	_, _ = w.Write(in.Reply(nil, s.replies.Next(), now))
}

// transport is an answer about the transport, without an acknowledgement.
func transport(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

func (s *service) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := int64(s.config.MaxFrame)
	if limit <= 0 {
		limit = 2 << 20
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// keep hands a message to the keeper and waits until it is stored.
func (s *service) keep(ctx context.Context, in *adt.Inbound) error {
	ctx, cancel := context.WithTimeout(ctx, adt.KeepWithin)
	defer cancel()
	if err := s.keeper.Submit(ctx, in); err != nil {
		return err
	}
	select {
	case err := <-in.Done():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errNoFeed = fault.New(fault.Forbidden, "say which feed this is: ?feed= and its id")

// callersFeed is the feed of an API key; or of a person who may send, by ?feed=, or the only one
// of the organization, or that of development.
func (s *service) callersFeed(r *http.Request) (*adt.Feed, error) {
	who, setup := web.From(r.Context()), s.directory.Setup()
	named := r.URL.Query().Get("feed")
	if own, ok := strings.CutPrefix(who.Subject, feedSubject); ok && who.Is(web.Feed) {
		named = own
	}
	id, err := events.ParseID(named)
	if err != nil {
		return nil, errNoFeed
	}
	var found []*adt.Feed
	for _, f := range setup.Feeds {
		if f.Org != who.Org || !f.Enabled || !id.IsZero() && f.ID != id {
			continue
		}
		if id.IsZero() && f.Development {
			return f, nil
		}
		found = append(found, f)
	}
	if len(found) != 1 {
		return nil, errNoFeed
	}
	return found[0], nil
}

// acceptedView is the answer to an event: it is stored.
type acceptedView struct {
	ID        events.ID `json:"id"`
	State     string    `json:"state"`
	Duplicate bool      `json:"duplicate" doc:"the same event came before; nothing happens again"`
}

// postEvent takes one JSON event: 202 once it is stored, 409 if its id came before with other content.
func (s *service) postEvent(w http.ResponseWriter, r *http.Request) {
	in, err := s.takeEvent(w, r)
	if err != nil {
		web.WriteProblem(w, err)
		return
	}
	s.doors.Answered(in, time.Now())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(acceptedView{ID: in.Stored, State: adt.Kept, Duplicate: in.Duplicate})
}

func (s *service) takeEvent(w http.ResponseWriter, r *http.Request) (*adt.Inbound, error) {
	ctx := r.Context()
	feed, err := s.callersFeed(r)
	if err != nil {
		return nil, err
	}
	body, err := s.body(w, r)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, fault.New(fault.TooLarge, "the event is longer than the limit")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Malformed, err, "the event could not be read to its end")
	}
	e, err := adt.ReadEvent(body)
	if err != nil {
		return nil, err
	}
	fac := s.directory.Setup().Facility(feed.Org, e.Facility)
	switch {
	case feed.Development && fac == nil && e.Facility != "":
		if fac, err = s.directory.EnsureFacility(ctx, feed, e.Facility); err != nil {
			return nil, err
		}
	case fac == nil || !feed.Speaks(fac):
		s.log.WarnContext(ctx, "event for a facility that is not the feed's", "feed", feed.Name, "event", "security")
		return nil, fault.New(fault.Forbidden, "the facility is not one of this feed's")
	}
	ctx, span := s.tracer.Start(ctx, "http event", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	in := adt.NewEventInbound(feed, fac, e, body, time.Now())
	in.Span = span.SpanContext()
	used, same, err := s.store.Copied(ctx, feed.ID, in.Control, in.Hash[:])
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the event cannot be stored now; send it again")
	}
	if used && !same {
		return nil, fault.New(fault.Conflict, "this id came before with other content")
	}
	if err := s.keep(ctx, in); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the event cannot be stored now; send it again")
	}
	return in, nil
}
