package telemetry

import (
	"context"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Traces starts exporting spans if OTEL_EXPORTER_OTLP_ENDPOINT (or ..._TRACES_ENDPOINT) says where
// to; without it, tracing costs nothing. extra exporters see every sampled span too. The returned
// function flushes.
func Traces(ctx context.Context, program string, extra ...sdk.SpanExporter) (func(context.Context) error, error) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")+os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		out, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, err
		}
		extra = append(extra, out)
	}
	if len(extra) == 0 {
		return func(context.Context) error { return nil }, nil
	}
	options := []sdk.TracerProviderOption{sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", program)))}
	for _, e := range extra {
		options = append(options, sdk.WithBatcher(e))
	}
	p := sdk.NewTracerProvider(options...) // the sampler is OTEL_TRACES_SAMPLER's; all by default
	otel.SetTracerProvider(p)
	return p.Shutdown, nil
}

// Tracer returns the tracer of a service.
func Tracer(service string) trace.Tracer {
	return otel.Tracer("github.com/handoff-care/handoff/services/" + service)
}

// Inject returns the W3C traceparent of ctx, or "" outside a sampled trace.
func Inject(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsSampled() {
		return ""
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-01"
}

// Extract returns ctx continued from a traceparent.
func Extract(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}
