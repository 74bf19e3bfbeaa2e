package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/handoff-care/handoff/pkg/fault"
)

// Router collects one service's routes below /api/<service>. Build it with NewRouter, add routes
// with Handle and Raw, then mount it.
type Router struct {
	Service string
	log     *slog.Logger
	mux     chi.Router
	api     huma.API
	routes  []Route
}

// Route is one row of the route table: what the permission test walks over.
type Route struct {
	Method, Path string
	Permission   Permission
}

// huma keeps the shape of errors in a variable of its own: it is set before anything can read it.
func init() { huma.NewError = problem }

// NewRouter returns an empty router. authority finds out who asks; it may be nil where only the
// documentation is wanted.
func NewRouter(service string, authority *Authority, log *slog.Logger) *Router {
	mux := chi.NewRouter()
	mux.Use(guard(authority, log))
	cfg := huma.DefaultConfig("handoff "+service, "1")
	cfg.CreateHooks = nil // no $schema links in answers
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.Servers = []*huma.Server{{URL: "/api/" + service}}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	return &Router{Service: service, log: log, mux: mux, api: humachi.New(mux, cfg)}
}

// Handle adds a JSON route: In and Out are huma input and output structs; errors are faults.
func Handle[In, Out any](r *Router, perm Permission, method, path, summary string, h func(context.Context, *In) (*Out, error)) {
	r.add(perm, method, path)
	op := huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: path, Summary: summary,
		Security: []map[string][]string{{"bearer": {}}}, MaxBodyBytes: 1 << 20,
		Extensions: map[string]any{"x-permission": string(perm)},
		Errors:     []int{400, 401, 403, 404, 409, 412, 422, 429},
		// Before the request is read: whoever may not ask learns nothing about what is asked.
		Middlewares: huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
			if !Allow(From(ctx.Context()), perm) {
				_, w := humachi.Unwrap(ctx)
				WriteProblem(w, denied(ctx.Context()))
				return
			}
			next(ctx)
		}},
	}
	huma.Register(r.api, op, func(ctx context.Context, in *In) (*Out, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, r.fail(ctx, err)
		}
		return out, nil
	})
}

// Raw adds a route that reads and writes HTTP itself: HL7, CSV, server-sent events.
func (r *Router) Raw(perm Permission, method, path string, h http.HandlerFunc) {
	r.add(perm, method, path)
	r.mux.MethodFunc(method, path, func(w http.ResponseWriter, req *http.Request) {
		if !Allow(From(req.Context()), perm) {
			WriteProblem(w, denied(req.Context()))
			return
		}
		h(w, req)
	})
}

// Routes returns the route table.
func (r *Router) Routes() []Route { return r.routes }

// OpenAPI returns the document of the JSON routes.
func (r *Router) OpenAPI() *huma.OpenAPI { return r.api.OpenAPI() }

// ServeHTTP serves paths below /api/<service> (the prefix already taken off).
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

func (r *Router) add(perm Permission, method, path string) {
	_, known := grants[perm]
	if !known && perm != Anyone && perm != SignedIn {
		panic(fmt.Sprintf("route %s %s: permission %q is in no table", method, path, perm))
	}
	r.routes = append(r.routes, Route{method, "/api/" + r.Service + path, perm})
}

func (r *Router) fail(ctx context.Context, err error) error {
	var status huma.StatusError
	if errors.As(err, &status) {
		return err
	}
	f := asFault(err)
	if f.Kind == fault.Internal {
		r.log.ErrorContext(ctx, "request failed", "error", err)
	}
	return asProblem(f)
}

func denied(ctx context.Context) error {
	if From(ctx).Subject == "" {
		return asProblem(fault.New(fault.Unauthorized, "sign in, or send a valid bearer token"))
	}
	return asProblem(fault.New(fault.Forbidden, "your role does not allow this"))
}

func operationID(method, path string) string {
	clean := strings.NewReplacer("{", "", "}", "", "/", "-", "_", "-").Replace(strings.Trim(path, "/"))
	return strings.ToLower(method) + "-" + clean
}
