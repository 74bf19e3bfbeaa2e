package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Fact is something that happened. Implementations are plain structs in this package.
type Fact interface {
	// Type is the CloudEvents type, for example "care.encounter.discharged.v1".
	Type() string
	// Key is what the fact is about and what orders it: the encounter for everything that belongs
	// to a stay, else the patient, the feed or the facility.
	Key() ID
}

// Event is a fact with everything a consumer may need to know about how it came to be known.
type Event struct {
	ID          ID        // UUIDv7, unique for ever
	Source      string    // the producing service's name
	Org         ID        // the organization (tenant) whose fact this is
	Version     int64     // 1..n for this Key at this producer
	Sequence    int64     // place in the producer's event log; unique, roughly in order of time
	Occurred    time.Time // when it happened in the world
	Received    time.Time // when the frame or request that led to it was received
	Recorded    time.Time // when the producer wrote it down
	Cause       ID        // the message or event that led to it; zero for a person's own act
	Traceparent string    // W3C trace context, or ""
	Fact        Fact
}

// wire is the CloudEvents 1.0 structured-mode document without its two last members.
type wire struct {
	SpecVersion string    `json:"specversion"`
	ID          ID        `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     ID        `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Org         ID        `json:"organization"`
	Received    time.Time `json:"receivedtime"`
	Recorded    time.Time `json:"recordedtime"`
	Cause       string    `json:"causeid,omitempty"`
	Traceparent string    `json:"traceparent,omitempty"`
	Data        any       `json:"data"`
}

// wireIn is the whole document, with its fact as F.
type wireIn[F any] struct {
	wire
	Data     F      `json:"data"`
	Version  int64  `json:"aggregateversion"`
	Sequence string `json:"sequence"`
}

// Head returns the document up to and including `"aggregateversion":`. The producer's database
// finishes it (see Tail), because only the committed row knows its version and place in the log.
func (e Event) Head() ([]byte, error) { return e.AppendHead(make([]byte, 0, 2048)) }

// AppendHead appends the Head to b.
func (e *Event) AppendHead(b []byte) ([]byte, error) {
	if head, ok := e.appendHead(b); ok {
		return head, nil
	}
	head, err := e.marshalHead()
	return append(b, head...), err
}

// marshalHead is what Head is, by definition.
func (e *Event) marshalHead() ([]byte, error) {
	cause := ""
	if !e.Cause.IsZero() {
		cause = e.Cause.String()
	}
	b, err := json.Marshal(wire{
		SpecVersion: "1.0", ID: e.ID, Source: "/" + e.Source, Type: e.Fact.Type(), Subject: e.Fact.Key(),
		Time: e.Occurred.UTC(), ContentType: "application/json", Org: e.Org,
		Received: e.Received.UTC(), Recorded: e.Recorded.UTC(), Cause: cause, Traceparent: e.Traceparent, Data: e.Fact,
	})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Fact.Type(), err)
	}
	return append(b[:len(b)-1], `,"aggregateversion":`...), nil
}

// Tail finishes a Head: version, then `,"sequence":"`, sequence and `"}`.
func Tail(head []byte, version, sequence int64) []byte {
	b := strconv.AppendInt(bytes.Clone(head), version, 10)
	b = append(b, `,"sequence":"`...)
	b = strconv.AppendInt(b, sequence, 10)
	return append(b, `"}`...)
}

// Decode reads a document as it is on the stream. A type this build does not know gives an event
// whose Fact is Other, so that consumers can pass over what is new to them.
func Decode(doc []byte) (Event, error) {
	if e, ok := decodeFast(doc); ok {
		return e, nil
	}
	return unmarshal(doc)
}

// unmarshal is what Decode is, by definition.
func unmarshal(doc []byte) (Event, error) {
	read := readers[peekType(doc)]
	if read == nil {
		read = other
	}
	e, err := read(doc)
	if err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}

// peekType finds the type without reading the document: Head writes it before anything that could
// hold the same member.
func peekType(doc []byte) string {
	const member = `"type":"`
	at := bytes.Index(doc, []byte(member))
	if at < 0 {
		return ""
	}
	rest := doc[at+len(member):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return ""
	}
	return string(rest[:end])
}

// read decodes a document whose fact is an F, in one pass.
func read[F Fact](doc []byte) (Event, error) {
	var w wireIn[F]
	if err := json.Unmarshal(doc, &w); err != nil {
		return Event{}, err
	}
	return w.event(w.Data, w.Version, w.Sequence)
}

func other(doc []byte) (Event, error) {
	var w wireIn[json.RawMessage]
	if err := json.Unmarshal(doc, &w); err != nil {
		return Event{}, err
	}
	if w.Type == "" || w.Subject.IsZero() {
		return Event{}, errors.New("not a CloudEvents document: type and subject are required")
	}
	return w.event(Other{Name: w.Type, Subject: w.Subject, Data: w.Data}, w.Version, w.Sequence)
}

func (w wire) event(f Fact, version int64, sequence string) (Event, error) {
	seq, err := strconv.ParseInt(sequence, 10, 64)
	if err != nil {
		return Event{}, fmt.Errorf("%s: sequence: %w", w.ID, err)
	}
	cause, err := ParseID(w.Cause)
	if err != nil {
		return Event{}, fmt.Errorf("%s: cause: %w", w.ID, err)
	}
	e := Event{
		ID: w.ID, Org: w.Org, Version: version, Sequence: seq, Occurred: w.Time, Received: w.Received,
		Recorded: w.Recorded, Cause: cause, Traceparent: w.Traceparent, Fact: f,
	}
	if len(w.Source) > 1 {
		e.Source = w.Source[1:]
	}
	return e, nil
}

// Other is a fact of a type this build does not know.
type Other struct {
	Name    string
	Subject ID
	Data    json.RawMessage
}

// Type returns the name on the wire.
func (o Other) Type() string { return o.Name }

// Key returns the subject on the wire.
func (o Other) Key() ID { return o.Subject }

// Caused starts an event that follows from another: same organization, same frame, same trace.
func (e Event) Caused(f Fact, occurred time.Time) Event {
	return Event{Org: e.Org, Occurred: occurred, Received: e.Received, Cause: e.ID, Traceparent: e.Traceparent, Fact: f}
}

// Subject is the NATS subject of an event of this type from this service: "<service>.<type>".
func Subject(service, typ string) string { return service + "." + typ }
