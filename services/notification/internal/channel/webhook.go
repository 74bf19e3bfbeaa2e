package channel

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/handoff-care/handoff/services/notification/internal/store"
)

const (
	webhookTimeout = 15 * time.Second
	webhookBody    = 64 << 10 // of an answer, at most
)

// Webhooks sends signed webhooks (Standard Webhooks 1.0.0). Safe for concurrent use.
type Webhooks struct {
	secure, plain *http.Client
	links         string
	now           func() time.Time
}

// NewWebhooks returns the webhook channel. allow are private networks that may be reached; links is
// where people reach the console; roots are the authorities to trust (nil: the system's).
func NewWebhooks(allow []netip.Prefix, links string, roots *x509.CertPool) *Webhooks {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return &Webhooks{
		secure: guarded{allow: allow}.client(cfg), plain: guarded{allow: allow, plain: true}.client(nil), links: links, now: time.Now,
	}
}

// NewSecret makes a signing secret: 32 random bytes, as the specification writes them.
func NewSecret() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the platform's random source never fails on supported systems
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// CheckURL tells whether a webhook URL can be used at all. Plain http is for allow-listed networks,
// which the dialler decides.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the URL cannot be read")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the URL must begin with https://")
	case u.User != nil:
		return errors.New("the URL may not carry a password")
	case u.Fragment != "":
		return errors.New("the URL may not have a fragment")
	}
	return nil
}

// payload is all that a receiver is told: ids, codes and where to look.
type payload struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      payloadData `json:"data"`
}

type payloadData struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	State     string `json:"state"`
	Severity  string `json:"severity"`
	Version   int    `json:"version"`
	Encounter string `json:"encounter_id,omitempty"`
	URL       string `json:"url"`
}

// verb tells a receiver that has heard nothing of the alert yet from one that has.
func verb(first bool) string {
	if first {
		return "alert.raised"
	}
	return "alert.updated"
}

// Send posts one webhook.
func (w *Webhooks) Send(ctx context.Context, p *store.Parcel) Result {
	if p.URL == "" {
		return Result{State: Suppressed, Reason: "the endpoint is disabled or gone"}
	}
	body, err := json.Marshal(payload{verb(p.First), p.Created.UTC(), payloadData{
		ID: p.Alert.String(), Kind: p.Kind, State: p.State, Severity: string(p.Severity), Version: p.Version,
		Encounter: p.Encounter.String(), URL: place(w.links, p),
	}})
	if err != nil {
		return Result{State: Failed, Reason: "the message cannot be written"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(body))
	if err != nil {
		return Result{State: Failed, Reason: "the URL cannot be read"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "handoff-webhooks/1")
	if err := sign(req.Header, ReferenceOf(p), p.Secrets, w.now(), body); err != nil {
		return Result{State: Failed, Reason: "the signing secret cannot be read"}
	}
	client := w.secure
	if req.URL.Scheme == "http" {
		client = w.plain
	}
	res, err := client.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, webhookBody) // so that the connection can be used again
	return answered(res, w.now())
}

// sign sets the three headers, with one signature per secret so that secrets can be rotated.
func sign(h http.Header, id string, secrets []string, at time.Time, body []byte) error {
	signatures := make([]string, 0, len(secrets))
	for _, s := range secrets {
		wh, err := standardwebhooks.NewWebhook(s)
		if err != nil {
			return err
		}
		sig, err := wh.Sign(id, at, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, sig)
	}
	if len(signatures) == 0 {
		return errors.New("no secret")
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// unreached classifies a request that got no answer. Reasons name no address: they are shown.
func unreached(err error) Result {
	if errors.Is(err, ErrRefused) {
		return Result{State: Failed, Reason: "refused: not a public address"}
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return Result{State: Pending, Reason: "the receiver's certificate is not trusted"}
	case errors.Is(err, context.DeadlineExceeded):
		return Result{State: Pending, Reason: "no answer in time"}
	}
	return Result{State: Pending, Reason: "cannot be reached"}
}

// answered classifies an answer: 2xx is success, 410 the end of the endpoint, anything else -
// redirects included - is tried again.
func answered(res *http.Response, now time.Time) Result {
	status := strconv.Itoa(res.StatusCode)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return Result{State: Delivered, Reason: "answered " + status}
	case res.StatusCode == http.StatusGone:
		return Result{State: Failed, Reason: "answered 410: the receiver is gone", Gone: true}
	}
	r := Result{State: Pending, Reason: "answered " + status}
	if after := res.Header.Get("Retry-After"); after != "" {
		if s, err := strconv.Atoi(after); err == nil && s >= 0 {
			r.NotBefore = time.Duration(s) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			r.NotBefore = at.Sub(now)
		}
	}
	return r
}
