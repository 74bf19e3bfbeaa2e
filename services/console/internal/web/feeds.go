package web

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/session"
)

// keptSize is how many messages a page holds.
const keptSize = 30

// feedsOf loads the page of feeds: admission knows them, each service what it has parked.
func (c *Console) feedsOf(ctx context.Context, v page.FeedView) (page.Feeds, error) {
	out, viewer := page.Feeds{View: v}, web.From(ctx)
	var err error
	if out.Feeds, err = c.feedList(ctx); err != nil {
		return out, err
	}
	if web.Allow(viewer, web.MessagesRead) {
		q := v.Asks()
		q.Set("limit", strconv.Itoa(keptSize))
		var list web.List[page.Kept]
		if err := c.call(ctx, http.MethodGet, "admission", "/messages?"+q.Encode(), nil, &list); err != nil {
			return out, err
		}
		out.Messages = list.Items
		if list.Next != nil {
			out.More = *list.Next
		}
	}
	if web.Allow(viewer, web.ParkedRead) {
		out.Parked = c.parked(ctx)
	}
	return out, nil
}

func (c *Console) feedList(ctx context.Context) ([]page.Feed, error) {
	var list web.List[page.Feed]
	err := c.call(ctx, http.MethodGet, "admission", "/feeds", nil, &list)
	return list.Items, err
}

// parked asks every service what it has set aside; one that does not answer has nothing to show here.
func (c *Console) parked(ctx context.Context) []page.ParkedAt {
	found := make([][]page.ParkedAt, len(services))
	each(len(services), func(i int) {
		var list web.List[page.Parked]
		if err := c.call(ctx, http.MethodGet, services[i], "/parked?limit=50", nil, &list); err != nil {
			return
		}
		for _, k := range list.Items {
			found[i] = append(found[i], page.ParkedAt{Service: services[i], Parked: k})
		}
	})
	return slices.Concat(found...)
}

func (c *Console) feeds(w http.ResponseWriter, r *http.Request) error {
	f, err := c.feedsOf(r.Context(), page.FeedViewOf(r.URL.Query()))
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.FeedsPage(c.page(r, "Feeds"), f))
	return nil
}

func (c *Console) liveFeeds(w http.ResponseWriter, r *http.Request) error {
	v := page.FeedViewOf(r.URL.Query())
	return c.redraw(w, r, web.FeedsRead, func(ctx context.Context) (templ.Component, error) {
		f, err := c.feedsOf(ctx, v)
		return page.FeedsPush(c.page(r, ""), f), err
	})
}

// kept is one message as admission answers.
func (c *Console) kept(ctx context.Context, id events.ID) (k page.Kept, err error) {
	err = c.call(ctx, http.MethodGet, "admission", "/messages/"+id.String(), nil, &k)
	return k, err
}

// keptMessage shows a message that was not used: why, and to whoever may, what was sent.
func (c *Console) keptMessage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "message")
	if err != nil {
		return err
	}
	k, err := c.kept(ctx, id)
	if err != nil {
		return err
	}
	m := page.Message{ControlID: k.ControlID, Trigger: k.Trigger, ReceivedAt: k.ReceivedAt}
	may := web.Allow(web.From(ctx), web.MessageContent)
	if may && k.Lost == "" {
		if m.Content, err = c.content(ctx, id); err != nil {
			return err
		}
	}
	c.sheet(w, r, "The message", page.KeptSheet(k, m, may))
	return nil
}

// content is a message as it came, to be read by people.
func (c *Console) content(ctx context.Context, id events.ID) (string, error) {
	res, err := c.Peers.Open(ctx, session.Token(ctx), http.MethodGet, "admission", "/messages/"+id.String()+"/content", nil, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", refuse(fault.Forbidden, "What this message says cannot be shown to you.")
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return "", failing(fault.Unavailable, err, "The message could not be read.")
	}
	return segments(b), nil
}

// readingFor is how long a person waits to be told what became of a message; it is read soon anyway.
const readingFor = 4 * time.Second

// reapply has a message read again with the settings of now, and says what became of it.
func (c *Console) reapply(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "message")
	if err != nil {
		return err
	}
	var k page.Kept
	err = c.call(ctx, http.MethodPost, "admission", "/messages/"+id.String()+"/reapply", nil, &k)
	if kind := fault.KindOf(err); err != nil && kind != fault.Conflict {
		return err
	}
	gone := err != nil // somebody else was faster
	for end := time.Now().Add(readingFor); ; {
		if k, err = c.kept(ctx, id); err != nil {
			return err
		}
		if k.State != "kept" || time.Now().After(end) || !pause(ctx, 100*time.Millisecond) {
			break
		}
	}
	if !fragment(r) {
		http.Redirect(w, r, "/feeds", http.StatusSeeOther)
		return nil
	}
	toast, status := page.Reapplied(ctx, k, gone), http.StatusOK
	if gone {
		status = http.StatusConflict
	}
	c.render(w, r, status, page.KeptAnswer(c.page(r, ""), k, toast))
	return nil
}

// explain shows how a pasted message would be understood. It goes to admission and back to the page, and
// nowhere else.
func (c *Console) explain(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.FormValue("message"))
	if text == "" {
		return refuse(fault.Invalid, "Paste a message first: it begins with MSH.")
	}
	in := map[string]any{"message": text}
	if id, err := events.ParseID(r.FormValue("feed")); err == nil && !id.IsZero() {
		in["feed_id"] = id
	}
	var u page.Understanding
	if err := c.call(r.Context(), http.MethodPost, "admission", "/messages/explain", in, &u); err != nil {
		return err
	}
	if !fragment(r) {
		c.render(w, r, http.StatusOK, page.UnderstoodPage(c.page(r, "How it is understood"), u))
		return nil
	}
	c.render(w, r, http.StatusOK, page.UnderstoodPart(u))
	return nil
}
