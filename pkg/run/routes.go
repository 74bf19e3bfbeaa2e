package run

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// Describe adds to r the routes that every service answers, for documentation only.
func Describe(r *web.Router) {
	pt := &part{router: r, instance: &Instance{}, service: Service{Name: r.Service}}
	pt.standardRoutes(nil, newSampler(nil))
}

// standardRoutes are what every service answers: its conservation laws, its parked keys, its figures.
func (pt *part) standardRoutes(registry *prometheus.Registry, samples *sampler) {
	type none struct{}
	type parkedIn struct {
		Stream string    `path:"stream"`
		Key    events.ID `path:"key"`
	}
	type replayIn struct {
		Stream string    `path:"stream"`
		Key    events.ID `path:"key"`
		DryRun bool      `query:"dry_run" doc:"handle them, say how it went, change nothing"`
	}
	type replayed struct {
		Body struct {
			bus.Outcome
			DryRun bool `json:"dry_run"`
		}
	}
	desk := bus.Desk{DB: pt.db, Outbox: pt.outbox, Hears: pt.instance.Hears}
	web.Handle(pt.router, web.ReconcileRead, "GET", "/reconcile", "Conservation laws of this service", func(ctx context.Context, _ *none) (*reconciled, error) {
		return pt.reconcile(ctx, web.From(ctx).Org)
	})
	web.Handle(pt.router, web.ParkedRead, "GET", "/parked", "Keys whose events could not be handled", func(ctx context.Context, in *web.PageIn) (*web.Listed[bus.Parked], error) {
		list, err := desk.List(ctx, web.From(ctx).Org, in.Limit)
		if err != nil {
			return nil, err
		}
		return web.Page(list, in.Limit, func(bus.Parked) any { return nil }), nil
	})
	web.Handle(pt.router, web.ParkedRead, "GET", "/parked/{stream}/{key}", "Events of a parked key, in order", func(ctx context.Context, in *parkedIn) (*web.Listed[bus.ParkedEvent], error) {
		list, err := desk.Show(ctx, web.From(ctx).Org, in.Stream, in.Key)
		if err != nil {
			return nil, err
		}
		return web.Page(list, len(list), nil), nil
	})
	web.Handle(pt.router, web.ParkedReplay, "POST", "/parked/{stream}/{key}/replay", "Handle a parked key's events again, in order", func(ctx context.Context, in *replayIn) (*replayed, error) {
		outcome, err := desk.Try(ctx, web.From(ctx).Org, in.Stream, in.Key, in.DryRun)
		if err != nil {
			return nil, err
		}
		out := &replayed{}
		out.Body.Outcome, out.Body.DryRun = outcome, in.DryRun
		return out, nil
	})
	pt.behindRoutes()
	pt.traceRoute()
	pt.router.Raw(web.OperationsRead, http.MethodGet, "/figures", figures(registry, pt.service.Name))
	pt.router.Raw(web.OperationsRead, http.MethodGet, "/figures/series", samples.serve(pt.service.Name))
}

type reconciled struct {
	Body struct {
		Service    string    `json:"service"`
		At         time.Time `json:"at"`
		Laws       []web.Law `json:"laws"`
		Difference int64     `json:"difference"`
	}
}

func (pt *part) reconcile(ctx context.Context, org events.ID) (*reconciled, error) {
	out := &reconciled{}
	out.Body.Service, out.Body.At, out.Body.Laws = pt.service.Name, time.Now().UTC(), []web.Law{}
	if pt.instance.Laws != nil {
		laws, err := pt.instance.Laws(ctx, org)
		if err != nil {
			return nil, err
		}
		out.Body.Laws = append(out.Body.Laws, laws...)
	}
	for _, l := range out.Body.Laws {
		out.Body.Difference += max(l.Difference, -l.Difference)
	}
	return out, nil
}

// flatten makes name{label="value"} -> number of the families of one service. Histograms become
// _count, _sum, and _p50 / _p99 by interpolation within their buckets.
func flatten(families []*dto.MetricFamily, service string) map[string]float64 {
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels, mine := "", false
			for _, l := range m.GetLabel() {
				if l.GetName() == "service" {
					mine = l.GetValue() == service
					continue
				}
				labels += "," + l.GetName() + "=" + l.GetValue()
			}
			if !mine {
				continue
			}
			suffix := ""
			if labels != "" {
				suffix = "{" + strings.TrimPrefix(labels, ",") + "}"
			}
			put(out, f.GetName(), suffix, m)
		}
	}
	return out
}

func put(out map[string]float64, name, suffix string, m *dto.Metric) {
	switch {
	case m.GetHistogram() != nil:
		h := m.GetHistogram()
		out[name+"_count"+suffix] = float64(h.GetSampleCount())
		out[name+"_sum"+suffix] = h.GetSampleSum()
		out[name+"_p50"+suffix] = quantile(h, .5)
		out[name+"_p99"+suffix] = quantile(h, .99)
	case m.GetCounter() != nil:
		out[name+suffix] = m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		out[name+suffix] = m.GetGauge().GetValue()
	}
}

func quantile(h *dto.Histogram, q float64) float64 {
	want := q * float64(h.GetSampleCount())
	var below, lower float64
	for _, b := range h.GetBucket() {
		n, upper := float64(b.GetCumulativeCount()), b.GetUpperBound()
		if n >= want && n > below {
			return lower + (upper-lower)*(want-below)/(n-below)
		}
		below, lower = n, upper
	}
	return lower
}
