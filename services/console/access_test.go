package console

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	hweb "github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/session"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/web"
)

// client is a browser without scripts.
type client struct {
	*http.Client
	t   testing.TB
	url string
}

func (s *stage) client() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{&http.Client{Jar: jar, Timeout: patience}, s.t, s.url}
}

func (c *client) send(method, path string, form url.Values, header ...string) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

func (c *client) cookie() string {
	u, _ := url.Parse(c.url)
	for _, k := range c.Jar.Cookies(u) {
		if k.Name == "handoff" {
			return k.Value
		}
	}
	return ""
}

// signIn signs in as who and returns what the cookie was before and is after.
func (c *client) signIn(who string) (before, after string) {
	c.t.Helper()
	_, picker := c.send("GET", "/login/start", nil)
	before = c.cookie()
	_, rest, ok := strings.Cut(picker, `id="`+who+`" href="`)
	if !ok {
		c.t.Fatalf("no %s to choose from: %s", who, picker)
	}
	back, _, _ := strings.Cut(rest, `"`)
	res, _ := c.send("GET", strings.TrimPrefix(back, c.url), nil)
	if res.StatusCode != 200 || res.Request.URL.Path != "/" && res.Request.URL.Path != "/intake" {
		c.t.Fatalf("signing in ended at %s with %d", res.Request.URL.Path, res.StatusCode)
	}
	return before, c.cookie()
}

func fill(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	for _, part := range strings.Split(path, "/") {
		switch {
		case part == "{$}":
			path = strings.Replace(path, part, "", 1)
		case part == "{action}":
			path = strings.Replace(path, part, "claim", 1)
		case part == "{service}" || part == "{stream}":
			path = strings.Replace(path, part, "discharge", 1)
		case strings.HasPrefix(part, "{"):
			path = strings.Replace(path, part, events.NewID().String(), 1)
		}
	}
	return method, path
}

// Every page, for everybody: who is not signed in is sent to sign in, who may not is refused.
func TestPagesOpenOnlyToWhoeverMay(t *testing.T) {
	s := open(t)
	nobody := s.client()
	nobody.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	signedIn := map[string]*client{}
	for who := range people {
		signedIn[who] = s.client()
		signedIn[who].signIn(who)
		signedIn[who].CheckRedirect = nobody.CheckRedirect
	}
	for _, route := range web.Routes() {
		method, path := fill(route.Pattern)
		if route.Permission == hweb.Anyone || strings.HasPrefix(path, "/live/") && !strings.Contains(path, "operations") {
			continue // streams are tested below: they do not end by themselves
		}
		if res, _ := nobody.send(method, path, url.Values{}); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/login") {
			t.Errorf("%s answers %d %s to nobody", route.Pattern, res.StatusCode, res.Header.Get("Location"))
		}
		for who, c := range signedIn {
			may := hweb.Allow(hweb.Principal{Subject: who, Org: s.org, Roles: people[who].roles}, route.Permission)
			res, _ := c.send(method, path, url.Values{})
			if (res.StatusCode != http.StatusForbidden) != may {
				t.Errorf("%s answers %d to %s; allowed: %v", route.Pattern, res.StatusCode, who, may)
			}
			if res.Header.Get("Cache-Control") == "" || !strings.Contains(strings.Join(res.Header.Values("Cache-Control"), ","), "no-store") {
				t.Errorf("%s may be stored: %q", route.Pattern, res.Header.Values("Cache-Control"))
			}
		}
	}
	for _, path := range []string{"/live/worklist", "/live/episodes/" + events.NewID().String()} {
		if res, _ := nobody.send("GET", path, nil); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s answers %d to nobody", path, res.StatusCode)
		}
	}
}

func TestAnswersCarryTheSecurityHeaders(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/login", "/static/app.css", "/nowhere"} {
		res, body := s.client().send("GET", path, nil)
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy allows something unsafe", path)
		}
		if res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers are missing: %v", path, res.Header)
		}
		if strings.Contains(body, "<style") || strings.Contains(body, " style=") || strings.Contains(body, "onclick") {
			t.Errorf("%s has something inline", path)
		}
	}
}

func TestAnotherSiteCannotActForSomebodySignedIn(t *testing.T) {
	s := open(t)
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	c := s.client()
	c.signIn("dana")
	path := "/episodes/" + st.encounter.ID.String() + "/tasks/" + st.tasks[0].ID.String() + "/claim"
	res, _ := c.send("POST", path, url.Values{}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	if res.StatusCode != http.StatusForbidden || s.peers.task(st.tasks[0].ID).Owner != "" {
		t.Errorf("another site claimed a task: %d", res.StatusCode)
	}
	res, body := c.send("POST", path, url.Values{}, "Origin", s.url, "Sec-Fetch-Site", "same-origin")
	if res.StatusCode != 200 || s.peers.task(st.tasks[0].ID).Owner != "dana" || !strings.Contains(body, "<h1>Maria Santos</h1>") {
		t.Errorf("without scripts a claim ends at %s with %d, owner %q", res.Request.URL.Path, res.StatusCode, s.peers.task(st.tasks[0].ID).Owner)
	}
}

func TestTheCookieChangesAtSignInAndEndsAtSignOut(t *testing.T) {
	s := open(t)
	c := s.client()
	before, after := c.signIn("dana")
	if before == "" || after == "" || before == after {
		t.Errorf("the cookie was %q and is %q", before, after)
	}
	stolen := s.client()
	u, _ := url.Parse(s.url)
	stolen.Jar.SetCookies(u, []*http.Cookie{{Name: "handoff", Value: after}})
	if res, _ := stolen.send("GET", "/", nil); res.Request.URL.Path != "/" {
		t.Fatal("the cookie does not work")
	}
	c.send("POST", "/logout", url.Values{})
	if res, _ := stolen.send("GET", "/", nil); res.Request.URL.Path != "/login" {
		t.Error("the cookie works after sign-out")
	}
}

func TestACallbackThatWasNotStartedHereIsRefused(t *testing.T) {
	s := open(t)
	c := s.client()
	for _, query := range []string{"", "?code=x", "?code=x&state=y"} {
		if res, _ := c.send("GET", "/login/callback"+query, nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", query, res.StatusCode)
		}
	}
	for next, want := range map[string]string{"/operations": "/operations", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "": "/"} {
		res, _ := s.client().send("GET", "/login?next="+url.QueryEscape(next), nil)
		if res.StatusCode != 200 {
			t.Errorf("%q: %d", next, res.StatusCode)
		}
		if got := web.Local(next); got != want {
			t.Errorf("after signing in %q leads to %q, want %q", next, got, want)
		}
	}
}

// The table of sessions gives away neither cookies nor tokens.
func TestTheSessionTableIsNoUseToWhoeverReadsIt(t *testing.T) {
	s := open(t)
	c := s.client()
	_, cookie := c.signIn("dana")
	var id, data []byte
	var until time.Time
	if err := s.db.System.QueryRow(t.Context(), `SELECT id, data, expires_at FROM session ORDER BY expires_at DESC LIMIT 1`).Scan(&id, &data, &until); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(id)+string(data), cookie) || strings.Contains(string(data), "eyJ") || strings.Contains(string(data), "token") {
		t.Error("the table holds something in the open")
	}
	if left := time.Until(until); left > session.Idle || left < session.Idle-time.Minute {
		t.Errorf("the session ends in %v without use, want %v", left, session.Idle)
	}
}

// What a page does by itself does not keep a person signed in.
func TestOnlyAPersonKeepsASessionAlive(t *testing.T) {
	s := open(t)
	c := s.client()
	c.signIn("olu")
	age := func() {
		if _, err := s.db.System.Exec(context.Background(), `UPDATE session SET expires_at = now() + interval '1 minute'`); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (d time.Duration) {
		var until time.Time
		if err := s.db.System.QueryRow(context.Background(), `SELECT max(expires_at) FROM session`).Scan(&until); err != nil {
			t.Fatal(err)
		}
		return time.Until(until)
	}
	age()
	if res, _ := c.send("GET", "/live/operations", nil); res.StatusCode != 200 || left() > 2*time.Minute {
		t.Errorf("a page's own refresh answers %d and leaves %v", res.StatusCode, left())
	}
	if res, _ := c.send("POST", "/session/keep", url.Values{}); res.StatusCode != http.StatusNoContent || left() < 14*time.Minute {
		t.Errorf("a person's word answers %d and leaves %v", res.StatusCode, left())
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	c := s.client()
	c.Timeout = 0
	c.signIn("dana")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/live/worklist", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	other := s.client()
	other.Jar = c.Jar
	other.send("POST", "/logout", url.Values{})
	s.discharge("Joseph Obi", false, map[string]time.Duration{call: time.Hour}) // a change that must not be seen any more
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(body), "event: signed-out\ndata: signed out\n\n") || strings.Contains(string(body), "Joseph Obi") {
		t.Errorf("the stream went on: …%s", body[max(0, len(body)-300):])
	}
}

// Roles that may not know names are shown none, and ask for none.
func TestWhoMayNotKnowNamesSeesNone(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	c := s.client()
	c.signIn("olu")
	for _, path := range []string{"/", "/episodes/" + st.encounter.ID.String()} {
		if _, body := c.send("GET", path, nil); strings.Contains(body, "Santos") || !strings.Contains(body, call) {
			t.Errorf("%s shows the name, or not the task", path)
		}
	}
	if s.peers.askedFor(st.encounter.Patient) {
		t.Error("the name was asked for")
	}
	var n int
	if err := s.db.System.QueryRow(t.Context(), `SELECT count(*) FROM entry WHERE source = $1`, store.Admission).Scan(&n); err != nil || n == 0 {
		t.Errorf("there is no story to tell: %d, %v", n, err)
	}
}
