package rig

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/course"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/web"
)

//go:embed providers.csv
var providers []byte

// Tenant is an organization with a feed for each sender, and a directory of providers.
type Tenant struct {
	*Rig
	Org   events.ID
	Name  string
	feeds map[string]events.ID // by facility code
}

// keys are the visit key settings that a sender needs.
func dialect(s *course.Sender) map[string]any {
	d := map[string]any{"zone": s.Zone, "visit_key": []string{s.VisitField}, "processing": []string{"P"}}
	if s.Charset == "" {
		d["charset"] = "UNICODE UTF-8"
	}
	return d
}

// Tenant sets an organization up.
func (r *Rig) Tenant(name string) *Tenant {
	r.t.Helper()
	t := &Tenant{Rig: r, Org: events.Derive("org", name), Name: name, feeds: map[string]events.ID{}}
	admin, engineer := r.Token(t.Org, "admin", web.Admin), r.Token(t.Org, "engineer", web.Interface)
	r.must(admin, "POST", "/admission/organizations", map[string]string{"code": name, "name": name}, nil)
	for i := range course.Senders {
		s := &course.Senders[i]
		r.must(admin, "POST", "/admission/facilities", map[string]any{
			"code": s.Code, "name": s.Name, "zone": s.Zone, "aliases": []string{s.OID}, "sensitive_units": []string{"5SOUTH"},
		}, nil)
		var feed struct {
			ID events.ID `json:"id"`
		}
		r.must(engineer, "POST", "/admission/feeds", map[string]any{"name": s.Code, "facilities": []string{s.Code}, "dialect": dialect(s)}, &feed)
		t.feeds[s.Code] = feed.ID
	}
	r.must(admin, "POST", "/referral/providers/import", providers, nil, "Content-Type", "text/csv")
	r.must(admin, "PUT", "/notification/people", map[string]any{"people": []map[string]any{
		{"id": "reader", "name": "Reader", "roles": []string{"liaison"}, "email": "reader@example.org", "email_from": "routine"},
	}}, nil)
	var rosters []map[string]any
	for i := range course.Senders {
		rosters = append(rosters, map[string]any{"facility": course.Senders[i].Code, "members": []string{"role:liaison", "reader"}})
	}
	r.must(admin, "PUT", "/notification/rosters", map[string]any{"rosters": rosters}, nil)
	return t
}

// Delivery is one message on its way.
type Delivery struct {
	Sender *course.Sender
	Body   []byte
}

const lines = 24 // connections of a tenant

// Play sends lists of deliveries, each list in its order, many lists at a time. Every message must be
// accepted.
func (t *Tenant) Play(ctx context.Context, lists [][]Delivery) error {
	var (
		wg    sync.WaitGroup
		work  = make(chan []Delivery)
		mu    sync.Mutex
		first error
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range lines {
		token := t.Token(t.Org, fmt.Sprintf("line-%d", i), web.Interface)
		wg.Go(func() {
			for list := range work {
				for _, d := range list {
					if err := t.deliver(ctx, token, d); err != nil {
						mu.Lock()
						if first == nil {
							first = err
							cancel()
						}
						mu.Unlock()
					}
				}
			}
		})
	}
	for _, l := range lists {
		work <- l
	}
	close(work)
	wg.Wait()
	return first
}

// deliver sends a message until it has a reply, which must be positive.
func (t *Tenant) deliver(ctx context.Context, token string, d Delivery) error {
	path := "/admission/hl7v2?feed=" + t.feeds[d.Sender.Code].String()
	for {
		var reply []byte
		err := t.Call(ctx, token, "POST", path, d.Body, &reply, "Content-Type", "application/hl7-v2")
		if busy(err) {
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
		m, err := hl7.Parse(reply)
		if err != nil {
			return fmt.Errorf("the reply cannot be read: %w", err)
		}
		if code := m.Get("MSA-1").String(); code != "AA" {
			return fmt.Errorf("answered %s: %q to %q", code, reply, d.Body)
		}
		return nil
	}
}

// Law is a conservation law of one service.
type Law struct {
	Law        string `json:"law"`
	Left       int64  `json:"left"`
	Right      int64  `json:"right"`
	Difference int64  `json:"difference"`
}

// Balanced fails the test where the books of a service do not balance for an organization.
func (r *Rig) Balanced(name string, org events.ID) {
	r.t.Helper()
	token := r.Token(org, "auditor", web.Auditor)
	for _, service := range Services[:4] {
		var out struct {
			Laws       []Law `json:"laws"`
			Difference int64 `json:"difference"`
		}
		if err := r.Call(r.t.Context(), token, "GET", "/"+service+"/reconcile", nil, &out); err != nil {
			r.t.Errorf("%s: %v", service, err)
			continue
		}
		if out.Difference != 0 || len(out.Laws) == 0 {
			r.t.Errorf("%s: %s differs by %d: %+v", name, service, out.Difference, out.Laws)
		}
	}
}
