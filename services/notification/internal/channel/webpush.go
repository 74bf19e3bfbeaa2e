package channel

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// pushFor is how long a push service keeps what it cannot deliver: afterwards the alert has gone further.
const pushFor = 4 * time.Hour

// Pushes tells people's devices by their browsers' push services: RFC 8030, encrypted as of RFC 8291, and
// signed as of RFC 8292. Safe for concurrent use.
type Pushes struct {
	client  *http.Client
	contact string // where a push service's operators can reach ours
	now     func() time.Time
}

// NewPushes returns the channel. allow are private networks that may be reached; links is where people
// reach the console; roots are the authorities to trust (nil: the system's).
func NewPushes(allow []netip.Prefix, links string, roots *x509.CertPool) *Pushes {
	p := &Pushes{client: guarded{allow: allow}.client(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}), contact: links, now: time.Now}
	if !strings.HasPrefix(links, "https://") {
		p.contact = "mailto:no-reply@handoff.localhost"
	}
	return p
}

// CheckPush tells whether a push service's address can be used at all.
func CheckPush(endpoint string) error {
	if err := CheckURL(endpoint); err != nil {
		return err
	}
	if !strings.HasPrefix(endpoint, "https://") {
		return errors.New("the URL must begin with https://")
	}
	return nil
}

// NewPushKey makes a key pair by which an organization is known to push services: the private half.
func NewPushKey() []byte {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the platform's random source never fails on supported systems
	}
	return k.Bytes()
}

// PublicPushKey is the other half, as browsers want it.
func PublicPushKey(private []byte) (string, error) {
	k, err := ecdh.P256().NewPrivateKey(private)
	if err != nil {
		return "", err
	}
	return raw(k.PublicKey().Bytes()), nil
}

func raw(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// pushed is all that a device is told.
type pushed struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Body  string `json:"body"`
	URL   string `json:"url"`
	Again bool   `json:"again"` // it may disturb, also where an older one is still shown
}

// words are what a device shows. Nothing in it is about anybody.
func words(p *store.Parcel) pushed {
	m := pushed{ID: p.Alert.String(), Title: "Urgent: open handoff", Body: "Something needs you now.", URL: "/alerts#a-" + p.Alert.String(), Again: true}
	switch {
	case p.State != string(notice.Raised):
		m.Title, m.Body, m.Again = "Seen to", "What was urgent is in hand.", false
	case !p.First:
		m.Body = "Something that is urgent has changed."
	}
	return m
}

// Send tells all devices of a person. It is delivered as soon as one of them has it: the same alert takes the
// place of itself on a device, so that a repetition disturbs nobody.
func (s *Pushes) Send(ctx context.Context, p *store.Parcel) Result {
	if len(p.Devices) == 0 {
		return Result{State: Suppressed, Reason: "no device any more"}
	}
	text, err := json.Marshal(words(p))
	if err != nil {
		return Result{State: Failed, Reason: "the message cannot be written"}
	}
	var all Result
	reached, gone := 0, 0
	for i := range p.Devices {
		r := s.one(ctx, p, &p.Devices[i], text)
		switch {
		case r.State == Delivered:
			reached++
		case r.Gone:
			gone++
			all.Lost = append(all.Lost, p.Devices[i].ID)
		}
		if all.State == "" || r.State == Pending {
			all.State, all.Reason, all.NotBefore = r.State, r.Reason, max(all.NotBefore, r.NotBefore)
		}
	}
	switch {
	case reached > 0:
		all.State, all.NotBefore, all.Reason = Delivered, 0, fmt.Sprintf("taken by the push service for %d of %d devices", reached, len(p.Devices))
	case gone == len(p.Devices):
		all.State, all.Reason = Failed, "the push service knows none of the devices any more"
	}
	return all
}

func (s *Pushes) one(ctx context.Context, p *store.Parcel, d *store.Device, text []byte) Result {
	body, err := sealed(text, d.P256dh, d.Auth)
	if err != nil {
		return Result{State: Failed, Reason: "the device's key cannot be used", Gone: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Endpoint, bytes.NewReader(body))
	if err != nil {
		return Result{State: Failed, Reason: "the URL cannot be read", Gone: true}
	}
	token, err := vapid(p.PushKey, req.URL, s.contact, s.now())
	if err != nil {
		return Result{State: Failed, Reason: "the signing key cannot be used"}
	}
	req.Header.Set("Authorization", token)
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Content-Encoding", "aes128gcm")
	req.Header.Set("TTL", itoa(int(pushFor.Seconds())))
	req.Header.Set("Urgency", "high")
	req.Header.Set("Topic", strings.ReplaceAll(p.Alert.String(), "-", "")) // what is newer takes the place of what still waits
	res, err := s.client.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, webhookBody) // so that the connection can be used again
	if res.StatusCode == http.StatusNotFound {
		return Result{State: Failed, Reason: "answered 404: the device is gone", Gone: true}
	}
	return answered(res, s.now())
}

// recordSize of an encrypted message: one record holds it.
const recordSize = 4096

// sealed encrypts a message for a browser's keys (RFC 8291) with a key pair and a salt of its own.
func sealed(text, p256dh, auth []byte) ([]byte, error) {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	return sealedWith(own, salt, text, p256dh, auth)
}

func sealedWith(own *ecdh.PrivateKey, salt, text, p256dh, auth []byte) ([]byte, error) {
	if len(text) > recordSize-103 { // RFC 8030 lets nobody refuse 4096 bytes in all
		return nil, errors.New("the message is too long")
	}
	theirs, err := ecdh.P256().NewPublicKey(p256dh)
	if err != nil {
		return nil, err
	}
	shared, err := own.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	public := own.PublicKey().Bytes()
	secret, err := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(p256dh)+string(public), 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32(append([]byte(nil), salt...), recordSize)
	out = append(append(out, byte(len(public))), public...)
	return gcm.Seal(out, nonce, append(append([]byte(nil), text...), 2), nil), nil // 2: the last record
}

// vapid says who sends (RFC 8292): a token for this push service alone, signed with the organization's key.
func vapid(private []byte, to *url.URL, contact string, now time.Time) (string, error) {
	signer, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	if err != nil {
		return "", err
	}
	public, err := signer.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"aud": to.Scheme + "://" + to.Host, "exp": now.Add(12 * time.Hour).Unix(), "sub": contact})
	if err != nil {
		return "", err
	}
	said := raw([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + raw(claims)
	sum := sha256.Sum256([]byte(said))
	r, s, err := ecdsa.Sign(rand.Reader, signer, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return "vapid t=" + said + "." + raw(signature) + ", k=" + raw(public), nil
}

// DeviceKeys reads a browser's keys as it writes them.
func DeviceKeys(p256dh, auth string) (d store.Device, err error) {
	if d.P256dh, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(p256dh, "=")); err != nil {
		return d, errors.New("the device's key cannot be read")
	}
	if _, err := ecdh.P256().NewPublicKey(d.P256dh); err != nil || len(d.P256dh) != 65 {
		return d, errors.New("the device's key is no point of P-256")
	}
	if d.Auth, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(auth, "=")); err != nil || len(d.Auth) != 16 {
		return d, errors.New("the device's secret cannot be read")
	}
	d.ID = events.NewID()
	return d, nil
}
