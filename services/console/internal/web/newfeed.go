package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

func (c *Console) connect(w http.ResponseWriter, r *http.Request) error {
	var out page.Connect
	var err error
	if out.Feeds, err = c.feedList(r.Context()); err != nil {
		return err
	}
	if web.Allow(web.From(r.Context()), web.FeedsWrite) {
		if out.Hospitals, err = c.hospitals(r.Context()); err != nil {
			return err
		}
	}
	c.render(w, r, http.StatusOK, page.ConnectPage(c.page(r, "Connect a feed"), out))
	return nil
}

func (c *Console) hospitals(ctx context.Context) ([]page.Hospital, error) {
	var list web.List[page.Hospital]
	err := c.call(ctx, http.MethodGet, "admission", "/facilities", nil, &list)
	return list.Items, err
}

// wanted is a feed as a person asks for it.
type wanted struct {
	Name         string   `json:"name"`
	Facilities   []string `json:"facilities"`
	Certificates []string `json:"certificates,omitempty"`
}

// newFeed makes a feed, and its hospital where that is not known yet, as the person who asks.
func (c *Console) newFeed(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in := wanted{Name: strings.TrimSpace(r.FormValue("name"))}
	if in.Name == "" {
		return refuse(fault.Invalid, "Say what the feed is called.")
	}
	if r.FormValue("by") == "certificate" {
		if in.Certificates = page.Lines(r.FormValue("certificates")); len(in.Certificates) == 0 {
			return refuse(fault.Invalid, "Name the sender’s certificate, or choose a key.")
		}
	}
	code, err := c.hospitalOf(r)
	if err != nil {
		return err
	}
	in.Facilities = []string{code}
	made := page.Made{Base: "https://" + r.Host}
	if !c.Secure {
		made.Base = "http://" + r.Host
	}
	if err := c.call(ctx, http.MethodPost, "admission", "/feeds", in, &made); err != nil {
		return err
	}
	if !fragment(r) {
		c.render(w, r, http.StatusOK, page.MadePage(c.page(r, "The feed is made"), made))
		return nil
	}
	c.render(w, r, http.StatusOK, page.MadePart(c.page(r, ""), made))
	return nil
}

// hospitalOf is the code of the hospital that was chosen; a new one is added first. One that is there is
// never changed here.
func (c *Console) hospitalOf(r *http.Request) (string, error) {
	if code := r.FormValue("hospital"); code != "" {
		return code, nil
	}
	code, name := strings.TrimSpace(r.FormValue("code")), strings.TrimSpace(r.FormValue("called"))
	if code == "" {
		return "", refuse(fault.Invalid, "Choose the hospital, or say its code as MSH-4 says it.")
	}
	list, err := c.hospitals(r.Context())
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(list, func(h page.Hospital) bool { return h.Code == code }) {
		return "", refuse(fault.Conflict, "A hospital of this code is here already: choose it from the list.")
	}
	body := map[string]string{"code": code, "zone": r.FormValue("zone")}
	if name != "" {
		body["name"] = name
	}
	return code, c.call(r.Context(), http.MethodPost, "admission", "/facilities", body, nil)
}

// firstMessage says when a feed's first message has come; until then, nothing.
func (c *Console) firstMessage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "feed")
	if err != nil {
		return err
	}
	f, err := c.feed(r.Context(), id)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.FirstPart(c.page(r, ""), f))
	return nil
}

func (c *Console) feed(ctx context.Context, id events.ID) (f page.Feed, err error) {
	err = c.call(ctx, http.MethodGet, "admission", "/feeds/"+id.String(), nil, &f)
	return f, err
}
