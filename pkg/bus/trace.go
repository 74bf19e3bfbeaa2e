package bus

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/telemetry"
)

// follow continues the trace of each event that has one (only sampled ones do) with a span of this
// handling, and lets what the handler announces continue from there. The returned function ends them.
func (c *Consumer) follow(ctx context.Context, batch []events.Event) func(error) {
	var spans []trace.Span
	for i := range batch {
		e := &batch[i]
		if e.Traceparent == "" {
			continue
		}
		sctx, span := c.tracer.Start(telemetry.Extract(ctx, e.Traceparent), c.service+" hears "+e.Fact.Type(),
			trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
				attribute.String("messaging.system", "nats"), attribute.String("messaging.message.id", e.ID.String()),
				attribute.String("handoff.key", e.Fact.Key().String()), attribute.Int("messaging.batch.message_count", len(batch))))
		e.Traceparent = telemetry.Inject(sctx)
		spans = append(spans, span)
	}
	return func(err error) {
		for _, s := range spans {
			if err != nil {
				s.SetStatus(codes.Error, "the batch failed")
			}
			s.End()
		}
	}
}
