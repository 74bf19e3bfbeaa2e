package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrRefused is why a webhook's address is not dialled.
var ErrRefused = errors.New("the address is not a public one")

// Networks that are nobody's business to be reached from here, beyond what netip can tell:
// carrier-grade NAT, documentation, benchmarking, IETF protocol assignments, 6to4, NAT64 (both
// prefixes), Teredo, discard, site-local, reserved.
var refused = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Allowed parses an operator's list of networks that webhooks may be sent to although they are private.
func Allowed(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--webhook-allow: %q is not a network like 10.1.0.0/16", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// guarded decides about each address just before it is dialled, after names were resolved: what is
// checked is what is connected to.
type guarded struct {
	allow []netip.Prefix
	plain bool // the request is not over TLS: allow-listed addresses only
}

func (g guarded) check(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrRefused
	}
	ip := ap.Addr().Unmap().WithZone("")
	for _, p := range g.allow {
		if p.Contains(ip) {
			return nil
		}
	}
	if g.plain || ap.Port() != 443 {
		return ErrRefused
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return ErrRefused
	}
	for _, p := range refused {
		if p.Contains(ip) {
			return ErrRefused
		}
	}
	return nil
}

// client returns an HTTP client whose every connection passes the guard.
func (g guarded) client(roots *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		if network != "tcp4" && network != "tcp6" {
			return ErrRefused
		}
		return g.check(address)
	}}
	return &http.Client{
		Timeout: webhookTimeout,
		Transport: &http.Transport{
			Proxy:                  nil, // never HTTP_PROXY: a proxy would resolve and dial for us
			DialContext:            dialer.DialContext,
			TLSClientConfig:        roots,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  webhookTimeout,
			MaxResponseHeaderBytes: 16 << 10,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
