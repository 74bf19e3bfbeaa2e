package notification

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

// line is one server-sent event as a client reads it.
type line struct {
	ID    int64
	Event string
	Data  map[string]string
}

// console is a client of the stream over real HTTP.
type console struct {
	t      *testing.T
	lines  chan line
	cancel context.CancelFunc
}

// watch opens a stream as who; last is the Last-Event-ID, or "". It returns when the stream is open.
func (b *bench) watch(who web.Principal, last, query string) *console {
	b.t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.router.ServeHTTP(w, r.WithContext(web.WithPrincipal(r.Context(), who)))
	}))
	ctx, cancel := context.WithCancel(b.ctx)
	b.t.Cleanup(func() { cancel(); srv.Close() })
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/stream"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("stream: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	c := &console{t: b.t, lines: make(chan line, 1000), cancel: cancel}
	go func() {
		defer res.Body.Close()
		defer close(c.lines)
		c.read(bufio.NewScanner(res.Body))
	}()
	return c
}

func (c *console) read(in *bufio.Scanner) {
	var l line
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), ": ")
		switch name {
		case "id":
			l.ID, _ = strconv.ParseInt(value, 10, 64)
		case "event":
			l.Event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &l.Data); err != nil {
				c.t.Errorf("data %q: %v", value, err)
			}
		case "":
			if l.Event != "" {
				c.lines <- l
			}
			l = line{}
		}
	}
}

// next waits for the next event.
func (c *console) next() line {
	c.t.Helper()
	select {
	case l, ok := <-c.lines:
		if !ok {
			c.t.Fatal("the stream ended")
		}
		return l
	case <-time.After(10 * time.Second):
		c.t.Fatal("nothing on the stream")
	}
	return line{}
}

func TestTheStreamCarriesAlertsInOrderAndResumes(t *testing.T) {
	b := newBench(t, run.Config{})
	b.listen()
	c := b.watch(b.as(web.Liaison), "", "")
	e := b.told(opened(stay("a")))[0]
	first := c.next()
	want := map[string]string{
		"id": events.Derive("alert", stay("a").Encounter.String(), "transition-opened").String(), "kind": "transition-opened",
		"encounter_id": stay("a").Encounter.String(), "transition_id": stay("a").ID.String(), "task_id": "", "state": "raised", "severity": "routine",
		"cause": e.ID.String(), "occurred_at": e.Occurred.Format(time.RFC3339Nano), "received_at": e.Received.Format(time.RFC3339Nano),
		"raised_at": first.Data["raised_at"],
	}
	if diff := cmp.Diff(want, first.Data); diff != "" || first.Event != "alert" {
		t.Errorf("event %q: %s", first.Event, diff)
	}
	c.cancel()
	b.told(opened(stay("b")), opened(stay("c")))
	b.told(opened(stay("d")))
	again := b.watch(b.as(web.Liaison), strconv.FormatInt(first.ID, 10), "")
	last := first.ID
	for _, name := range []string{"b", "c", "d"} {
		l := again.next()
		if l.Data["encounter_id"] != stay(name).Encounter.String() || l.ID <= last {
			t.Fatalf("after %d came %+v, want encounter %s", last, l, name)
		}
		last = l.ID
	}
	b.told(opened(stay("e")))
	if l := again.next(); l.Data["encounter_id"] != stay("e").Encounter.String() {
		t.Errorf("live after resuming: %+v", l)
	}
}

func TestTheStreamShowsEachListenerOnlyTheirOwn(t *testing.T) {
	b := newBench(t, run.Config{})
	b.listen()
	stranger := b.as(web.Liaison)
	stranger.Org = events.Derive("org", "other")
	others, liaison, operations, auditor := b.watch(stranger, "", ""), b.watch(b.as(web.Liaison), "", ""), b.watch(b.as(web.Operations), "", ""), b.watch(b.as(web.Auditor), "", "")
	b.told(opened(stay("a")))
	b.told(events.MessageQuarantined{Feed: events.NewID(), FeedName: "feed", Message: events.NewID(), Reason: "no-patient-id"})
	if l := liaison.next(); l.Data["kind"] != "transition-opened" {
		t.Errorf("liaison got %+v", l)
	}
	seen := []string{operations.next().Event, operations.next().Event}
	if diff := cmp.Diff([]string{"alert", "feed"}, seen); diff != "" {
		t.Errorf("operations: %s", diff)
	}
	for range 3 {
		auditor.next()
	}
	if n := len(others.lines) + len(liaison.lines); n != 0 {
		t.Errorf("%d events reached who they are not for", n)
	}
}

func TestEveryReplicaStreamsWhatAnotherOneWrote(t *testing.T) {
	writer := newBench(t, run.Config{})
	reader := newBenchOn(t, run.Config{}, writer.db)
	reader.listen()
	c := reader.watch(reader.as(web.Liaison), "", "")
	writer.told(opened(stay("a")))
	first := c.next()
	if first.Data["encounter_id"] != stay("a").Encounter.String() {
		t.Errorf("%+v", first)
	}
	writer.told(opened(stay("b")))
	writer.listen()
	moved := writer.watch(writer.as(web.Liaison), strconv.FormatInt(first.ID, 10), "") // to another replica
	if l := moved.next(); l.Data["encounter_id"] != stay("b").Encounter.String() {
		t.Errorf("after moving to another replica: %+v", l)
	}
}

func TestAStreamEndsWhenTheProgramStops(t *testing.T) {
	b := newBench(t, run.Config{})
	closing, stop := context.WithCancel(b.ctx)
	b.closing = closing
	b.listen()
	c := b.watch(b.as(web.Liaison), "", "")
	stop()
	select {
	case _, open := <-c.lines:
		if open {
			t.Error("an event came instead of the end")
		}
	case <-time.After(10 * time.Second):
		t.Error("the stream stayed open")
	}
}

func TestATraceReachesFromTheFactToThePush(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdk.NewTracerProvider(sdk.WithSyncer(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	b := newBench(t, run.Config{})
	b.listen()
	c := b.watch(b.as(web.Liaison), "", "")
	now := time.Now()
	b.tell(events.Event{ID: events.NewID(), Org: b.org, Occurred: now, Received: now, Fact: opened(stay("a")),
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	c.next()
	list := spans.GetSpans()
	if len(list) != 1 || list[0].Name != "notification pushes alert" || list[0].SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("spans %+v", list)
	}
}
