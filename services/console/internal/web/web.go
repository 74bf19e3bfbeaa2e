package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/session"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Console serves the pages. Every field but OIDC's secret is required.
type Console struct {
	Store    *store.Store
	Peers    web.Peers
	Auth     *web.Authority
	Sessions *session.Manager
	Hub      *live.Hub
	OIDC     OIDC
	Log      *slog.Logger
	Dev      bool            // show the Outbox
	Secure   bool            // people reach us by https
	Closing  context.Context // done when streams have to end

	// Screen observes the seconds from the reception of a frame until what it led to was pushed to a
	// browser.
	Screen prometheus.Observer

	open   turnstile
	recent latencies
	pushed pushes
	counts cached[events.ID, store.Tally]
	people cached[events.ID, map[string]string]
	facets cached[events.ID, []store.Facet]
	titles cached[events.ID, map[string]string]
	lists  cached[asked, listed]
	said   cached[events.ID, page.Reasons]
	login  provider
}

// Route is one row of the table of pages: what the permission test walks over.
type Route struct {
	Pattern    string // as of http.ServeMux
	Permission web.Permission
	serve      func(*Console, http.ResponseWriter, *http.Request) error
}

// Routes is the table of pages.
func Routes() []Route {
	return []Route{
		{"GET /login", web.Anyone, (*Console).loginPage},
		{"GET /login/start", web.Anyone, (*Console).loginStart},
		{"GET /login/callback", web.Anyone, (*Console).loginCallback},
		{"POST /logout", web.Anyone, (*Console).logout},
		{"POST /session/keep", web.SignedIn, (*Console).keepSession},
		{"GET /offline", web.Anyone, (*Console).offline},
		{"GET /offline/sheets", web.Anyone, (*Console).offlineSheets},
		{"GET /phone", web.AlertsWork, (*Console).phone},
		{"GET /phone/key", web.AlertsWork, (*Console).phoneKey},
		{"POST /phone/{action}", web.AlertsWork, (*Console).phoneAct},
		{"GET /{$}", web.SignedIn, (*Console).home},
		{"GET /worklist/more", web.TasksRead, (*Console).worklistMore},
		{"GET /live/worklist", web.TasksRead, (*Console).liveWorklist},
		{"GET /episodes/{encounter}", web.TransitionsRead, (*Console).episode},
		{"GET /live/episodes/{encounter}", web.TransitionsRead, (*Console).liveEpisode},
		{"GET /episodes/{encounter}/messages/{message}", web.MessageContent, (*Console).message},
		{"GET /episodes/{encounter}/alerts/{alert}/why", web.AlertsRead, (*Console).alertStory},
		{"POST /episodes/{encounter}/requests", web.TasksWork, (*Console).ask},
		{"POST /episodes/{encounter}/requests/{n}", web.TasksWork, (*Console).tellAsk},
		{"GET /episodes/{encounter}/tasks/{task}/why", web.TasksRead, (*Console).taskWhy},
		{"GET /episodes/{encounter}/tasks/{task}/done", web.TasksWork, (*Console).doneForm},
		{"GET /episodes/{encounter}/tasks/{task}/snooze", web.TasksWork, (*Console).snoozeForm},
		{"GET /episodes/{encounter}/tasks/{task}/assign", web.TasksAssign, (*Console).assignForm},
		{"POST /find", web.NamesRead, (*Console).find},
		{"POST /filters", web.TasksRead, (*Console).keepFilter},
		{"POST /filters/{filter}/forget", web.TasksRead, (*Console).dropFilter},
		{"GET /keys", web.SignedIn, (*Console).help},
		{"GET /deeds", web.TasksWork, (*Console).deeds},
		{"POST /undo", web.TasksWork, (*Console).undo},
		{"GET /bulk/{action}", web.TasksWork, (*Console).bulkForm},
		{"POST /bulk/{action}", web.TasksWork, (*Console).bulk},
		{"GET /handover", web.TasksWork, (*Console).handover},
		{"POST /episodes/{encounter}/tasks/{task}/{action}", web.TasksWork, (*Console).act},
		{"GET /operations", web.OperationsRead, (*Console).operations},
		{"GET /operations/conservation/{service}/{law}", web.OperationsRead, (*Console).conservation},
		{"GET /live/operations", web.OperationsRead, (*Console).operationsFigures},
		{"GET /live/operations/tables", web.OperationsRead, (*Console).operationsTables},
		{"GET /live/operations/series", web.OperationsRead, (*Console).operationsSeries},
		{"GET /operations/parked/{service}/{stream}/{key}", web.ParkedRead, (*Console).parkedKey},
		{"POST /operations/parked/{service}/{stream}/{key}/try", web.ParkedReplay, (*Console).tryParked},
		{"POST /operations/parked/{service}/{stream}/{key}/replay", web.ParkedReplay, (*Console).replay},
		{"POST /operations/ledger", web.LedgerRead, (*Console).verifyLedger},
		{"GET /outbox", web.OutboxRead, (*Console).outbox},
		{"GET /referrals", web.ReferralsRead, (*Console).referrals},
		{"GET /live/referrals", web.ReferralsRead, (*Console).liveReferrals},
		{"GET /referrals/{referral}", web.ReferralsRead, (*Console).referral},
		{"GET /referrals/{referral}/choices", web.ReferralsRead, (*Console).choiceList},
		{"GET /live/referrals/{referral}", web.ReferralsRead, (*Console).liveReferral},
		{"POST /referrals/{referral}/{action}", web.ReferralsWork, (*Console).referralAct},
		{"GET /intake", web.IntakeRead, (*Console).intake},
		{"GET /live/intake", web.IntakeRead, (*Console).liveIntake},
		{"GET /intake/{request}", web.IntakeRead, (*Console).request},
		{"GET /live/intake/{request}", web.IntakeRead, (*Console).liveRequest},
		{"POST /intake/{request}/{action}", web.IntakeWork, (*Console).requestAct},
		{"POST /intake/places/{provider}", web.IntakeWork, (*Console).ownCapacity},
		{"GET /census", web.EncountersRead, (*Console).census},
		{"GET /live/census", web.EncountersRead, (*Console).liveCensus},
		{"GET /huddle", web.TasksRead, (*Console).huddle},
		{"GET /live/huddle", web.TasksRead, (*Console).liveHuddle},
		{"GET /reports", web.TransitionsRead, (*Console).reports},
		{"GET /reports/{table}", web.TransitionsRead, (*Console).reportCSV},
		{"GET /feeds", web.FeedsRead, (*Console).feeds},
		{"GET /live/feeds", web.FeedsRead, (*Console).liveFeeds},
		{"GET /feeds/connect", web.MessagesTry, (*Console).connect},
		{"GET /feeds/{feed}", web.FeedsRead, (*Console).feedPage},
		{"GET /live/feeds/{feed}/rhythm", web.FeedsRead, (*Console).feedRhythm},
		{"POST /feeds/new", web.FeedsWrite, (*Console).newFeed},
		{"GET /live/feeds/{feed}/first", web.FeedsRead, (*Console).firstMessage},
		{"POST /feeds/explain", web.MessagesTry, (*Console).explain},
		{"GET /feeds/messages/{message}", web.MessagesRead, (*Console).keptMessage},
		{"POST /feeds/messages/{message}/reapply", web.MessagesReapply, (*Console).reapply},
		{"GET /alerts", web.AlertsRead, (*Console).alerts},
		{"GET /live/alerts", web.AlertsRead, (*Console).liveAlerts},
		{"GET /alerts/{alert}/why", web.AlertsRead, (*Console).alertStory},
		{"GET /protocols", web.ProtocolsTry, (*Console).protocols},
		{"GET /protocols/{set}", web.ProtocolsTry, (*Console).protocolSet},
		{"POST /protocols/{set}/try", web.ProtocolsTry, (*Console).tryProtocols},
		{"POST /protocols/{set}/preview", web.ProtocolsTry, (*Console).previewProtocols},
		{"POST /protocols/{set}/keep", web.ProtocolsWrite, (*Console).keepProtocols},
		{"POST /protocols/{set}/activate", web.ProtocolsWrite, (*Console).activateProtocols},
		{"POST /protocols/shadow", web.ProtocolsWrite, (*Console).shadowProtocols},
		{"POST /protocols/rollback", web.ProtocolsWrite, (*Console).rollBackProtocols},
		{"GET /rules", web.ProtocolsTry, (*Console).rules},
		{"GET /rules/{set}", web.ProtocolsTry, (*Console).ruleSet},
		{"POST /rules/{set}/try", web.ProtocolsTry, (*Console).tryRules},
		{"POST /rules/{set}/preview", web.ProtocolsTry, (*Console).previewRules},
		{"POST /rules/{set}/keep", web.ProtocolsWrite, (*Console).keepRules},
		{"POST /rules/{set}/activate", web.ProtocolsWrite, (*Console).activateRules},
		{"POST /rules/rollback", web.ProtocolsWrite, (*Console).rollBackRules},
		{"GET /admin", web.PeopleRead, (*Console).admin},
		{"POST /admin/rosters", web.DirectoryWrite, (*Console).putRoster},
		{"POST /admin/policies", web.DirectoryWrite, (*Console).putPolicy},
		{"POST /admin/rules", web.DirectoryWrite, (*Console).putRule},
		{"GET /admin/oncall", web.PeopleRead, (*Console).onCall},
		{"POST /admin/oncall", web.DirectoryWrite, (*Console).putShift},
		{"GET /admin/told", web.PeopleRead, (*Console).wouldBeTold},
		{"GET /admin/people", web.PeopleRead, (*Console).peoplePage},
		{"POST /admin/people", web.DirectoryWrite, (*Console).putPerson},
		{"GET /identity", web.IdentityRead, (*Console).identity},
		{"POST /identity/{pair}/{action}", web.IdentityDecide, (*Console).decidePair},
		{"GET /alerts/{alert}/{action}", web.AlertsWork, (*Console).alertForm},
		{"POST /alerts/mutes/{mute}/lift", web.AlertsWork, (*Console).lift},
		{"POST /alerts/{alert}/{action}", web.AlertsWork, (*Console).alertAct},
	}
}

// Handler serves the pages and the static files.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range Routes() {
		mux.Handle(r.Pattern, c.guard(r))
	}
	mux.Handle("/", c.guard(Route{"/", web.Anyone, func(c *Console, w http.ResponseWriter, r *http.Request) error {
		return refuse(fault.Unknown, "There is no page at this address.")
	}}))
	pages := http.NewCrossOriginProtection().Handler(c.Sessions.Load(mux))
	all := http.NewServeMux()
	all.Handle("GET /static/{file}", page.Static)
	all.Handle("GET /manifest.webmanifest", page.Manifest)
	all.Handle("GET /sw.js", c.worker())
	all.Handle("GET /favicon.ico", http.RedirectHandler(page.Asset("icon.svg"), http.StatusFound))
	all.Handle("/", pages)
	return c.headers(all)
}

// policy is the content security policy of every page, also of one that a service worker answers with.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are on every answer.
func (c *Console) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if c.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// reply knows whether an answer has begun: after that no error page can follow.
type reply struct {
	http.ResponseWriter
	begun bool
}

func (w *reply) WriteHeader(status int) { w.begun = true; w.ResponseWriter.WriteHeader(status) }

func (w *reply) Write(b []byte) (int, error) { w.begun = true; return w.ResponseWriter.Write(b) }

// Unwrap is for http.ResponseController.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guard lets in who may come in, and turns errors and panics into pages.
func (c *Console) guard(route Route) http.Handler {
	return http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		w := &reply{ResponseWriter: inner}
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				c.Log.ErrorContext(r.Context(), "panic in a page", "route", route.Pattern, "panic", p, "stack", string(debug.Stack()))
				c.failed(w, r, fault.New(fault.Internal, "%s", fault.Public(nil)))
			}
		}()
		who := web.From(r.Context())
		if !web.Allow(who, route.Permission) {
			if who.Subject == "" {
				c.toLogin(w, r)
				return
			}
			c.failed(w, r, refuse(fault.Forbidden, "Your role does not open this page."))
			return
		}
		if err := route.serve(c, w, r); err != nil {
			c.failed(w, r, err)
		}
	})
}

// toLogin sends a person to sign in and back again.
func (c *Console) toLogin(w http.ResponseWriter, r *http.Request) {
	if fragment(r) {
		w.Header().Set("HX-Redirect", "/login")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	target := "/login"
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		target = "/login?next=" + url.QueryEscape(r.URL.Path)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// failed shows an error: as a page, or as a passing note where a part of a page asked.
func (c *Console) failed(w *reply, r *http.Request, err error) {
	kind := fault.KindOf(err)
	if kind == fault.Internal && !errors.Is(err, context.Canceled) {
		c.Log.ErrorContext(r.Context(), "page failed", "path", r.Pattern, "error", err)
	}
	if w.begun {
		return // half a page is what the person has; a second one after it would help nobody
	}
	status := map[fault.Kind]int{
		fault.Unknown: 404, fault.Forbidden: 403, fault.Unauthorized: 401, fault.Malformed: 400, fault.Invalid: 422,
		fault.Conflict: 409, fault.Stale: 412, fault.TooMany: 429, fault.Unavailable: 503,
	}[kind]
	if status == 0 {
		status = 500
	}
	if kind == fault.Unauthorized {
		c.toLogin(w, r)
		return
	}
	if fragment(r) {
		c.render(w, r, status, page.ToastPart(page.Toast{Text: public(r.Context(), err), Bad: true}))
		return
	}
	title := text.Message("Not done")
	switch {
	case status == 404:
		title = "Not found"
	case status == 403:
		title = "Not open to you"
	case status >= 500:
		title = "Not available now"
	}
	c.render(w, r, status, page.ErrorPage(c.page(r, title), status, public(r.Context(), err)))
}

// fragment reports whether a part of a page asked, not the address bar.
func fragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, t templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := t.Render(r.Context(), w); err != nil && r.Context().Err() == nil {
		c.Log.WarnContext(r.Context(), "page broke off", "path", r.Pattern, "error", err)
	}
}

func (c *Console) page(r *http.Request, title text.Message) page.Page {
	p := page.Page{Title: say(r.Context(), title), Path: r.URL.Path, Viewer: web.From(r.Context()), Dev: c.Dev, Now: time.Now(), Part: fragment(r)}
	p.Session, p.Until = c.Sessions.Device(r.Context())
	return p
}

func pathID(r *http.Request, name string) (events.ID, error) {
	return parseID(r.PathValue(name))
}

func parseID(said string) (events.ID, error) {
	id, err := events.ParseID(said)
	if err != nil || id.IsZero() {
		return id, refuse(fault.Unknown, "There is no page at this address.")
	}
	return id, nil
}
