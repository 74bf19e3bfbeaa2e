package web

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/handoff-care/handoff/pkg/fault"
)

var statuses = map[fault.Kind]int{
	fault.Invalid: 422, fault.Malformed: 400, fault.Unknown: 404, fault.Unauthorized: 401, fault.Forbidden: 403,
	fault.Conflict: 409, fault.Gone: 410, fault.Stale: 412, fault.Required: 428, fault.TooLarge: 413, fault.TooMany: 429,
	fault.Unavailable: 503, fault.Internal: 500,
}

// Problem is an RFC 9457 problem document; a fault's Fields are its extension members.
type Problem struct {
	Title  string
	Status int
	Detail string
	Kind   fault.Kind
	Errors []string
	More   map[string]any
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// MarshalJSON writes the members of RFC 9457, kind and the extension members.
func (p *Problem) MarshalJSON() ([]byte, error) {
	m := map[string]any{"title": p.Title, "status": p.Status, "detail": p.Detail}
	if p.Kind != "" {
		m["kind"] = p.Kind
	}
	if len(p.Errors) > 0 {
		m["errors"] = p.Errors
	}
	maps.Copy(m, p.More)
	return json.Marshal(m)
}

// WriteProblem answers with err as a problem document.
func WriteProblem(w http.ResponseWriter, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = asProblem(asFault(err))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func asFault(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return fault.Wrap(fault.Internal, err, "%s", fault.Public(err))
}

func asProblem(f *fault.Error) *Problem {
	status := statuses[f.Kind]
	if status == 0 {
		status = 500
	}
	return &Problem{Title: http.StatusText(status), Status: status, Detail: f.Text, Kind: f.Kind, More: f.Fields}
}

// problem is how huma's own findings (a wrong type, a missing field) become problems.
func problem(status int, detail string, errs ...error) huma.StatusError {
	p := &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
	for _, e := range errs {
		if e != nil {
			p.Errors = append(p.Errors, e.Error())
		}
	}
	return p
}
