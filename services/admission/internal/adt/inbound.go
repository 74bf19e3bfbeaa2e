package adt

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
)

// Inbound is one message at the door: what came, from whom, and what is answered.
type Inbound struct {
	ID       events.ID // UUIDv7 in the order of reception
	Feed     *Feed
	Facility *Facility    // nil where none was found: then it is rejected
	Message  *hl7.Message // nil where it could not be parsed
	Event    *JSONEvent   // instead of Message, for a JSON event
	Raw      []byte
	Hash     [sha256.Size]byte
	Control  string // MSH-10; "" is missing
	Trigger  string
	Sent     *time.Time
	Received time.Time
	Charset  string // of the transport, where it overrules MSH-18
	State    string // Kept or Rejected
	Reason   string // of a rejection
	Code     hl7.Code
	Span     trace.SpanContext
	Lost     string // why there is no Raw to read it from again; "" there is

	// Set by whoever keeps it.
	Duplicate bool      // the same bytes under the same id came before: Code is what was answered then
	Stored    events.ID // the message it is kept as: ID, or that of the first copy
	Reused    bool      // the id came before with other bytes

	done chan error
}

// The reasons for rejecting a message.
const (
	NotHL7          = "not-hl7"
	NoType          = "no-message-type"
	NotADT          = "not-adt"
	Processing      = "processing-not-allowed"
	UnknownFacility = "facility-not-allowed"
	Oversize        = "frame-too-large"
)

var faults = map[string]hl7.Fault{
	NotHL7:          {At: hl7.Path{Segment: "MSH"}, Code: 100, Text: "The content is not one HL7 v2 message"},
	NoType:          {At: hl7.Path{Segment: "MSH", Field: 9}, Code: 101, Text: "The message type is missing"},
	NotADT:          {At: hl7.Path{Segment: "MSH", Field: 9}, Code: 200, Text: "Only ADT messages are accepted"},
	Processing:      {At: hl7.Path{Segment: "MSH", Field: 11}, Code: 202, Text: "The processing id is not allowed on this feed"},
	UnknownFacility: {At: hl7.Path{Segment: "MSH", Field: 4}, Code: 103, Text: "The facility is not one of this feed's"},
	Oversize:        {At: hl7.Path{Segment: "MSH"}, Code: 104, Text: "The frame is longer than the limit"},
}

// The reasons for setting a kept message aside whose bytes cannot be read again.
const (
	Destroyed = "bytes-destroyed"
	Damaged   = "bytes-damaged"
)

// Directory finds feeds as they are set up now, and makes facilities.
type Directory interface {
	// Current is the feed with its settings of now; nil if it is switched off.
	Current(feed *Feed) *Feed
	// EnsureFacility creates, unverified, the facility that a message of a development feed names.
	EnsureFacility(ctx context.Context, feed *Feed, code string) (*Facility, error)
}

// Receive judges the bytes of one message: to keep, or to reject with a reason. It returns an error
// only when a facility had to be made and could not be.
func Receive(ctx context.Context, dir Directory, feed *Feed, raw []byte, charset string, received time.Time) (*Inbound, error) {
	in := newInbound(feed, raw, received)
	in.Charset = charset
	if charset == "" {
		charset = feed.Dialect.Charset
	}
	m, err := hl7.ParseCharset(raw, charset)
	if err != nil {
		in.Control = clean(string(in.header().ControlID))
		in.reject(parseReason(err), hl7.AE)
		return in, nil
	}
	in.Message = m
	in.Control, in.Trigger = clean(m.ControlID()), clean(m.Trigger())
	in.Sent = sentAt(m, feed)
	msh := m.Segment("MSH")
	switch {
	case m.Type() != "ADT":
		in.reject(NotADT, hl7.AR)
		return in, nil
	case !feed.processing(msh.Value(11)):
		in.reject(Processing, hl7.AR)
		return in, nil
	}
	named := msh.Field(4).HD()
	if in.Facility = feed.Facility(named); in.Facility == nil && feed.Development {
		if in.Facility, err = dir.EnsureFacility(ctx, feed, FacilityCode(named)); err != nil {
			return nil, err
		}
	}
	if in.Facility == nil {
		in.reject(UnknownFacility, hl7.AR)
	}
	return in, nil
}

// ReceiveOversize is the rejection of a frame over the limit, of which only the head was read.
func ReceiveOversize(feed *Feed, head []byte, received time.Time) *Inbound {
	in := newInbound(feed, head, received)
	in.Control = clean(string(in.header().ControlID))
	in.reject(Oversize, hl7.AE)
	return in
}

func newInbound(feed *Feed, raw []byte, received time.Time) *Inbound {
	id := events.NewID()
	if raw == nil {
		raw = []byte{}
	}
	return &Inbound{
		ID: id, Stored: id, Feed: feed, Raw: raw, Hash: sha256.Sum256(raw), Received: received.UTC(),
		State: Kept, Code: hl7.AA, done: make(chan error, 1),
	}
}

func (in *Inbound) reject(reason string, code hl7.Code) {
	in.State, in.Reason, in.Code = Rejected, reason, code
}

func parseReason(err error) string {
	var p *hl7.ParseError
	if errors.As(err, &p) && p.Kind == hl7.NoMessageType {
		return NoType
	}
	return NotHL7
}

// clean makes a text of the header fit to be stored and searched.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

func sentAt(m *hl7.Message, feed *Feed) *time.Time {
	d, err := m.Segment("MSH").Field(7).DTM()
	if err != nil || d.IsZero() {
		return nil
	}
	loc := feed.Location
	if loc == nil && len(feed.Facilities) == 1 {
		loc = feed.Facilities[0].Location
	}
	t := d.In(loc).UTC()
	if t.Year() < 1900 || t.Year() > 9999 {
		return nil
	}
	return &t
}

// Again is a message that was kept before, as it is to be handled. It may have no feed or facility by now.
func Again(id events.ID, feed *Feed, fac *Facility, raw []byte, charset string, received time.Time) *Inbound {
	in := newInbound(feed, raw, received)
	in.ID, in.Stored, in.Facility, in.Charset = id, id, fac, charset
	return in
}

// Parse reads the bytes again, as the door did.
func (in *Inbound) Parse() error {
	if in.Message != nil {
		return nil
	}
	charset := in.Charset
	if charset == "" {
		charset = in.Feed.Dialect.Charset
	}
	m, err := hl7.ParseCharset(in.Raw, charset)
	if err == nil {
		in.Message = m
		in.Control, in.Trigger = clean(m.ControlID()), clean(m.Trigger())
	}
	return err
}

// Finish tells whoever waits that the message is kept (nil) or cannot be.
func (in *Inbound) Finish(err error) { in.done <- err }

// Done gives the result of keeping, once.
func (in *Inbound) Done() <-chan error { return in.done }

// Short is the message's hash as an id.
func (in *Inbound) Short() events.ID { return events.ID(in.Hash[:16]) }

// ReplyIDs makes the ids (MSH-10) of replies, unique for this process and its successors.
type ReplyIDs struct{ last atomic.Int64 }

// NewReplyIDs starts from the clock.
func NewReplyIDs(now time.Time) *ReplyIDs {
	ids := &ReplyIDs{}
	ids.last.Store(now.UnixNano())
	return ids
}

// Next is another id of at most 13 characters.
func (ids *ReplyIDs) Next() string { return strconv.FormatInt(ids.last.Add(1), 36) }

// Reply appends the acknowledgement to dst.
func (in *Inbound) Reply(dst []byte, id string, now time.Time) []byte {
	r := hl7.Reply{Code: in.Code, ID: id, Time: now, Mode: in.Feed.ackMode()}
	if f, ok := faults[in.Reason]; ok && !in.Code.Positive() {
		r.Faults = []hl7.Fault{f}
	}
	return hl7.AppendAck(dst, in.header(), r)
}

// header is what MSH says, also of what could not be parsed.
func (in *Inbound) header() hl7.Header {
	if in.Message != nil {
		return in.Message.Header()
	}
	h, _ := hl7.PeekHeader(in.Raw)
	return h
}
