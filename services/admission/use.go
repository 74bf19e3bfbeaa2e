package admission

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// cannotApply is the reason of a message that could not be applied for a fault of ours.
const cannotApply = "cannot-apply"

// translate reads what each message says. A message that was kept and cannot be read any more (its
// feed's settings have changed) is quarantined.
func translate(batch []*adt.Inbound) []*item {
	items := make([]*item, 0, len(batch))
	for _, in := range batch {
		it := &item{in: in, span: in.Span}
		switch {
		case in.Lost != "":
			it.cmd, it.verdict = &adt.Command{}, adt.Verdict{State: adt.Quarantined, Reason: in.Lost}
		case in.Facility == nil:
			it.cmd, it.verdict = &adt.Command{}, adt.Verdict{State: adt.Quarantined, Reason: adt.UnknownFacility}
		case in.Event != nil:
			it.cmd, it.verdict = in.Event.Translate(in.Feed, in.Facility, in.Short(), in.Received)
		case in.Parse() != nil:
			it.cmd, it.verdict = &adt.Command{}, adt.Verdict{State: adt.Quarantined, Reason: adt.NotHL7}
		default:
			it.cmd, it.verdict = adt.Translate(in.Message, in.Feed, in.Facility, in.Short(), in.Received)
		}
		items = append(items, it)
	}
	return items
}

// Apply handles kept messages, in order, in one transaction: load, decide, save, announce.
func (s *service) Apply(ctx context.Context, batch []*adt.Inbound) error {
	items := translate(batch)
	defer s.trace(ctx, items)()
	var done *work
	err := s.outbox.SystemTx(ctx, func(tx pgx.Tx) error {
		w, err := s.gather(ctx, tx, items)
		if err != nil {
			return err
		}
		if err := w.guarded(func() {
			for _, it := range items {
				if w.Mine[it.in.ID] {
					w.decide(it)
				}
			}
		}); err != nil {
			return err
		}
		if err := s.settleLater(ctx, tx, w, items); err != nil {
			return err
		}
		done = w
		return s.finish(ctx, tx, w)
	})
	if err == nil {
		s.store.Remember(done.changes.Encounters)
		if len(done.changes.Patients) > 0 {
			s.linker.ring()
		}
		s.metrics.handled(items, done)
		s.quality.handled(items, done.Mine)
	}
	return err
}

// trace opens a span for each message whose frame is traced, and returns what ends them.
func (s *service) trace(ctx context.Context, items []*item) func() {
	var open []trace.Span
	for _, it := range items {
		if it.in.Span.IsSampled() {
			_, span := s.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, it.in.Span), "apply message")
			it.span = span.SpanContext()
			open = append(open, span)
		}
	}
	return func() {
		for _, span := range open {
			span.End()
		}
	}
}

// guarded turns a panic into an error: then the messages come one at a time, and the one that causes it
// is quarantined.
func (w *work) guarded(decide func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("deciding: %v\n%s", p, debug.Stack())
		}
	}()
	decide()
	return nil
}

// settleLater looks again at the later stays of persons whose past is other than it was. They are
// nearly always none: what is told is mostly the newest.
func (s *service) settleLater(ctx context.Context, tx pgx.Tx, w *work, items []*item) error {
	if len(w.stirred) == 0 {
		return nil
	}
	if ids := w.later(); len(ids) > 0 {
		if err := s.complete(ctx, tx, w, items, store.More{Stays: ids}); err != nil {
			return err
		}
	}
	return w.guarded(w.settleLater)
}

// finish saves and announces.
func (s *service) finish(ctx context.Context, tx pgx.Tx, w *work) error {
	if err := s.store.Save(ctx, tx, w.changes); err != nil {
		return err
	}
	if err := s.regroup(ctx, tx, w); err != nil {
		return err
	}
	if err := s.notice(ctx, tx, w); err != nil {
		return err
	}
	return s.outbox.Announce(ctx, tx, w.announce...)
}

// noticed is what operations hear of once: that messages of a feed are quarantined for a reason.
type noticed struct {
	org, feed events.ID
	reason    string
}

// notice announces the first quarantined message of each feed and reason. All of a batch may have
// the same: the table is asked once.
func (s *service) notice(ctx context.Context, tx pgx.Tx, w *work) error {
	if len(w.notices) == 0 {
		return nil
	}
	asked := map[noticed]bool{}
	for _, n := range w.notices {
		f := n.Fact.(events.MessageQuarantined)
		key := noticed{n.Org, f.Feed, f.Reason}
		if asked[key] {
			continue
		}
		asked[key] = true
		first, err := s.store.Notice(ctx, tx, n.Org, f.Feed, f.Reason)
		if err != nil {
			return err
		}
		if first {
			w.announce = append(w.announce, n)
		}
	}
	return nil
}

// regroup moves the linked patients that this batch did not load, and tells of them.
func (s *service) regroup(ctx context.Context, tx pgx.Tx, w *work) error {
	if len(w.regroup) == 0 {
		return nil
	}
	var from, to []events.ID
	for old, keep := range w.regroup {
		from, to = append(from, old), append(to, keep)
	}
	list, err := s.store.Regroup(ctx, tx, from, to)
	if err != nil {
		return err
	}
	links := map[events.ID]events.Event{} // by person: what was told of whoever brought them together
	for _, e := range w.announce {
		if f, ok := e.Fact.(events.PatientLinked); ok {
			links[f.Patient.Person] = e
		}
	}
	for _, p := range list {
		if e, ok := links[p.Person]; ok && e.Org == p.Org {
			e.ID, e.Fact = events.ID{}, events.PatientLinked{Patient: tellPatient(p, &p.Record), Other: p.Person, Reason: e.Fact.(events.PatientLinked).Reason}
			w.announce = append(w.announce, e)
		}
	}
	return nil
}

// quarantine sets one message aside for a fault of ours, so that it holds nobody up.
func (s *service) quarantine(ctx context.Context, in *adt.Inbound, reason string) error {
	it := &item{in: in, cmd: &adt.Command{}, verdict: adt.Verdict{State: adt.Quarantined, Reason: reason}}
	return s.outbox.SystemTx(ctx, func(tx pgx.Tx) error {
		loaded, err := s.store.Load(ctx, tx, wanted([]*item{it}))
		if err != nil || !loaded.Mine[in.ID] {
			return err
		}
		w := newWork(loaded, nil)
		w.setAside(it)
		return s.finish(ctx, tx, w)
	})
}

// passing reports whether an error is the database's trouble, or another process's turn, and not the message's.
func passing(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "57"), strings.HasPrefix(pg.Code, "58"):
			return true // connection, resources, shutdown, storage
		case strings.HasPrefix(pg.Code, "40"), pg.Code == "55P03", pg.Code == "25006":
			return true // serialization, deadlock, lock timeout, read-only standby
		}
		return false
	}
	var ne net.Error
	return errors.As(err, &ne) || pgconn.SafeToRetry(err) || errors.Is(err, context.DeadlineExceeded) ||
		strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed")
}

// race reports whether somebody else made the same patient or stay just now: trying again finds it.
func race(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

func traceparent(c trace.SpanContext) string {
	if !c.IsValid() {
		return ""
	}
	return "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + c.TraceFlags().String()
}

// rebuild makes messages of what the table holds of them.
func (s *service) rebuild(list []store.Open) []*adt.Inbound {
	setup := s.directory.Setup()
	out := make([]*adt.Inbound, 0, len(list))
	for _, o := range list {
		feed := setup.Feeds[o.Feed]
		if feed == nil {
			continue // cannot be: feeds are never deleted
		}
		in := adt.Again(o.ID, feed, setup.Facility(feed.Org, o.Facility), o.Body, o.Charset, o.Received)
		if in.Lost = o.Lost; in.Lost == adt.Damaged {
			s.log.Error("the bytes of a kept message are not those that were kept", "message", o.ID.String(), "event", "security")
		}
		if o.Format == store.FormatJSON {
			in.Event, _ = adt.ReadEvent(o.Body)
		}
		out = append(out, in)
	}
	return out
}
