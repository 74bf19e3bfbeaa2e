package contract

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/handoff-care/handoff/pkg/web"
)

// OpenAPI is the document of a service's routes. Those that read and write HTTP themselves - HL7,
// CSV, streams - are named with their permission; what they carry is in words elsewhere.
func OpenAPI(r *web.Router) *huma.OpenAPI {
	doc := r.OpenAPI()
	for _, route := range r.Routes() {
		path := strings.TrimPrefix(route.Path, "/api/"+r.Service)
		item := doc.Paths[path]
		if item == nil {
			item = &huma.PathItem{}
			if doc.Paths == nil {
				doc.Paths = map[string]*huma.PathItem{}
			}
			doc.Paths[path] = item
		}
		at := operation(item, route.Method)
		if at == nil || *at != nil {
			continue
		}
		*at = &huma.Operation{
			Summary: "Not JSON: see docs", Security: []map[string][]string{{"bearer": {}}},
			Extensions: map[string]any{"x-permission": string(route.Permission)},
			Responses:  map[string]*huma.Response{"default": {Description: "what the route is for, or a problem document (RFC 9457)"}},
		}
	}
	return doc
}

// operation is where a path's operation of a method is kept; nil for methods we do not use.
func operation(item *huma.PathItem, method string) **huma.Operation {
	switch method {
	case http.MethodGet:
		return &item.Get
	case http.MethodPost:
		return &item.Post
	case http.MethodPut:
		return &item.Put
	case http.MethodDelete:
		return &item.Delete
	}
	return nil
}
