package web

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/handoff-care/handoff/pkg/fault"
)

type requestKey struct{}

type requestInfo struct{ token, idempotency string }

// Token returns the bearer token of the request, to pass on to a peer.
func Token(ctx context.Context) string {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.token
}

// guard is what every API request passes: a panic becomes a 500, the caller becomes a Principal,
// too many requests become a 429, the answer may not be stored.
func guard(authority *Authority, log *slog.Logger) func(http.Handler) http.Handler {
	limits := &limiter{by: map[string]*rate.Limiter{}}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					log.ErrorContext(r.Context(), "panic in a request", "panic", p, "stack", string(debug.Stack()))
					WriteProblem(w, fault.New(fault.Internal, "%s", fault.Public(nil)))
				}
			}()
			h := w.Header()
			h.Set("Cache-Control", "no-store")
			h.Set("X-Content-Type-Options", "nosniff")
			ctx := r.Context()
			if token := bearer(r); token != "" {
				who, err := authority.Who(ctx, token)
				if err != nil {
					w.Header().Set("WWW-Authenticate", "Bearer")
					WriteProblem(w, err)
					return
				}
				if !limits.allow(who) {
					w.Header().Set("Retry-After", "1")
					WriteProblem(w, fault.New(fault.TooMany, "too many requests; wait a second"))
					return
				}
				ctx = WithPrincipal(ctx, who)
				ctx = context.WithValue(ctx, requestKey{}, requestInfo{token, r.Header.Get("Idempotency-Key")})
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// limiter holds one token bucket per principal: 50 requests/s (500 for development tokens, 2,000
// for feeds), with a burst of two seconds' worth.
type limiter struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

func (l *limiter) allow(p Principal) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.by[p.Subject]
	if b == nil {
		perSecond := 50
		switch {
		case p.Dev:
			perSecond = 500
		case p.Is(Feed):
			perSecond = 2000
		}
		if len(l.by) > 50_000 {
			clear(l.by)
		}
		b = rate.NewLimiter(rate.Limit(perSecond), 2*perSecond)
		l.by[p.Subject] = b
	}
	return b.AllowN(time.Now(), 1)
}
