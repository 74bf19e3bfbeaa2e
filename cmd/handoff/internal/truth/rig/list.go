package rig

import (
	"net/url"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// All reads every page of a list.
func All[T any](r *Rig, token, path string) (list []T) {
	r.t.Helper()
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	for cursor := ""; ; {
		var page struct {
			Items []T     `json:"items"`
			Next  *string `json:"next"`
		}
		r.must(token, "GET", path+mark+"limit=500&cursor="+url.QueryEscape(cursor), nil, &page)
		list = append(list, page.Items...)
		if page.Next == nil {
			return list
		}
		cursor = *page.Next
	}
}

// NothingParked fails the test where events of an organization could not be handled.
func (r *Rig) NothingParked(org events.ID) {
	r.t.Helper()
	token := r.Token(org, "operations", web.Operations)
	for _, service := range Services {
		if service == "console" {
			continue // its API is pages
		}
		for _, p := range All[map[string]any](r, token, "/"+service+"/parked") {
			r.t.Errorf("%s: parked: %v", service, p)
		}
	}
	var n int
	if err := r.DB.QueryRow(r.t.Context(), `SELECT count(*) FROM console.parked WHERE org_id = $1`, org).Scan(&n); err != nil || n > 0 {
		r.t.Errorf("console: %d events parked (%v)", n, err)
	}
}

// Deceased asks whether a patient has died, as far as its newest demographics say.
func (r *Rig) Deceased(token, patient string) bool {
	r.t.Helper()
	var p struct {
		Deceased bool `json:"deceased"`
	}
	r.must(token, "GET", "/admission/patients/"+patient, nil, &p)
	return p.Deceased
}
