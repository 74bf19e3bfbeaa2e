package run

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/handoff-care/handoff/pkg/web"
)

// peers are the services of this process, reached without a socket, and those at --peer addresses.
func (p *Program) peers(mux http.Handler, services []Service) web.Peers {
	base := map[string]string{}
	for _, entry := range p.cfg.PeerURLs {
		if name, url, ok := strings.Cut(entry, "="); ok {
			base[name] = strings.TrimSuffix(url, "/")
		}
	}
	for _, s := range services {
		base[s.Name] = "http://" + inProcess
	}
	return web.NewPeers(base, inside{mux, http.DefaultTransport})
}

const inProcess = "in-process.invalid"

// inside sends requests to this process's own handler, others to the network.
type inside struct {
	mux     http.Handler
	network http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != inProcess {
		return i.network.RoundTrip(r)
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return answer(i.mux, in, r), nil
}

func (p *Program) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", p.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.infra.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	for _, pt := range p.parts {
		prefix := "/api/" + pt.service.Name
		mux.Handle(prefix+"/", pt.measured(http.StripPrefix(prefix, pt.router)))
		if pt.instance.Root != nil {
			mux.Handle("/", pt.instance.Root)
		}
	}
	if p.cfg.Dev {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	for path, h := range p.infra.Extra {
		mux.Handle(path, h)
	}
}

func (p *Program) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := p.notReady(ctx)
	if err != nil || !p.ready.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		text := "starting or stopping\n"
		if err != nil {
			text = err.Error() + "\n"
		}
		_, _ = w.Write([]byte(text))
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

func (p *Program) serve(mux http.Handler) {
	p.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 60 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return context.Background() },
	}
	go func() {
		var err error
		if p.cfg.TLSCert != "" {
			err = p.server.ServeTLS(p.listen, p.cfg.TLSCert, p.cfg.TLSKey)
		} else {
			err = p.server.Serve(p.listen)
		}
		if err != http.ErrServerClosed {
			p.fail(err)
		}
	}()
}

// measured records rate, errors and duration of API requests by route pattern, never by path.
func (pt *part) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &statusWriter{ResponseWriter: w, code: 200}
		rctx := chi.NewRouteContext()
		next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, rctx)))
		route := rctx.RoutePattern()
		if route == "" {
			route = "unknown"
		}
		pt.metrics.Requests.WithLabelValues(route, r.Method, http.StatusText(rec.code)).Observe(time.Since(start).Seconds())
	})
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

// WriteHeader remembers the code.
func (s *statusWriter) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// figures answers the service's own metrics as JSON: name{labels} -> value.
func figures(registry *prometheus.Registry, service string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		families, err := registry.Gather()
		if err != nil {
			web.WriteProblem(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"service": service, "at": time.Now().UTC(), "figures": flatten(families, service)})
	}
}
