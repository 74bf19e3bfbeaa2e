package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// line is the connection between browsers and the console: it can be cut, and it can lose an answer on
// its way back.
type line struct {
	to   http.Handler
	mu   sync.Mutex
	down bool
	eats func(*http.Request) bool // whose answer is lost, once
	sent []string                 // what came over the line to change something: "/path key"
	came chan struct{}            // that something did, if nobody was told yet
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	down, eats := l.down, l.eats
	if !down && r.Method == http.MethodPost {
		l.sent = append(l.sent, r.URL.Path+" "+r.Header.Get("Idempotency-Key"))
		select {
		case l.came <- struct{}{}:
		default:
		}
	}
	lost := !down && eats != nil && eats(r)
	if lost {
		l.eats = nil
	}
	l.mu.Unlock()
	if down {
		hangUp(w)
		return
	}
	if lost {
		l.to.ServeHTTP(httptest.NewRecorder(), r)
		hangUp(w)
		return
	}
	l.to.ServeHTTP(w, r)
}

// hangUp closes the connection without a word.
func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}

// cut ends all connections and lets nothing through until mend.
func (s *stage) cut() {
	s.line.mu.Lock()
	s.line.down = true
	s.line.mu.Unlock()
	s.server.CloseClientConnections()
}

func (s *stage) mend() {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	s.line.down = false
}

// loses drops the answer to the next request to a path; what was asked for has happened all the same.
func (s *stage) loses(is func(*http.Request) bool) {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	s.line.eats = is
}

func (s *stage) sent() []string {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	return append([]string(nil), s.line.sent...)
}

// keys are those under which something was asked for, once it was asked for n times.
func (s *stage) keys(action string, n int) (keys []string) {
	for late := time.After(patience); ; {
		keys = keys[:0]
		for _, sent := range s.sent() {
			if path, key, _ := strings.Cut(sent, " "); strings.HasSuffix(path, action) {
				keys = append(keys, key)
			}
		}
		if len(keys) >= n {
			return keys
		}
		select {
		case <-s.line.came:
		case <-late:
			return keys
		}
	}
}

// once answers the same key alike, as web.Once does for the services.
func (p *peers) once(w http.ResponseWriter, r *http.Request, do func(http.ResponseWriter)) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		do(w)
		return
	}
	key = p.who(r).Subject + " " + key
	p.mu.Lock()
	rec := p.answers[key]
	p.mu.Unlock()
	if rec == nil {
		rec = httptest.NewRecorder()
		do(rec)
		if rec.Code < 300 { // a refusal is not kept
			p.mu.Lock()
			if p.answers == nil {
				p.answers = map[string]*httptest.ResponseRecorder{}
			}
			p.answers[key] = rec
			p.mu.Unlock()
		}
	}
	for name, v := range rec.Header() {
		w.Header()[name] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// devices are the subscriptions that notification would hold: whose, by address.
type devices struct{ by map[string]string }

func (p *peers) mountDevices(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/notification/devices/key", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]string{"key": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"})
	})
	handle := func(path string, do func(w http.ResponseWriter, who, endpoint string)) {
		mux.HandleFunc("POST /api/notification/devices"+path, func(w http.ResponseWriter, r *http.Request) {
			var in struct{ Endpoint, P256dh, Auth string }
			_ = json.NewDecoder(r.Body).Decode(&in)
			who := p.who(r)
			if !web.Allow(who, web.AlertsWork) {
				p.t.Error("a device of somebody who may not")
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.devices.by == nil {
				p.devices.by = map[string]string{}
			}
			do(w, who.Subject, in.Endpoint)
		})
	}
	handle("", func(w http.ResponseWriter, who, endpoint string) {
		p.devices.by[endpoint] = who
		write(w, 200, map[string]any{})
	})
	handle("/renew", func(w http.ResponseWriter, who, endpoint string) {
		if p.devices.by[endpoint] != who {
			refuse(w, fault.Unknown, "there is no such device")
			return
		}
		write(w, 200, map[string]any{})
	})
	handle("/forget", func(w http.ResponseWriter, who, endpoint string) {
		if p.devices.by[endpoint] == who {
			delete(p.devices.by, endpoint)
		}
		write(w, 200, map[string]any{})
	})
}

// devicesOf are the addresses at which somebody is told.
func (p *peers) devicesOf(who string) (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for endpoint, person := range p.devices.by {
		if person == who {
			list = append(list, endpoint)
		}
	}
	return list
}
