package notification

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
)

// pushService is a push service and the browsers behind it: it opens each message with the keys of the
// subscription it is for, as a browser does.
type pushService struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	phones map[string]*phone // by path
	status map[string]int
	tokens []string
	topics []string
}

// phone is one browser's subscription and what it was told.
type phone struct {
	key  *ecdh.PrivateKey
	auth []byte
	told []map[string]any
}

// pushes sets up a push service on loopback that the service may reach if allowed.
func (b *bench) pushes(allow bool) *pushService {
	b.t.Helper()
	s := &pushService{t: b.t, phones: map[string]*phone{}, status: map[string]int{}}
	s.Server = httptest.NewTLSServer(s)
	b.t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	var list []string
	if allow {
		list = []string{"127.0.0.0/8"}
	}
	nets, err := channel.Allowed(list)
	if err != nil {
		b.t.Fatal(err)
	}
	b.posts["push"].Sender = channel.NewPushes(nets, "https://console.test", roots)
	return s
}

func (s *pushService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if status := s.status[r.URL.Path]; status != 0 {
		w.WriteHeader(status)
		return
	}
	p := s.phones[r.URL.Path]
	if p == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Header.Get("Content-Encoding") != "aes128gcm" || r.Header.Get("Urgency") != "high" || r.Header.Get("TTL") == "" || len(r.Header.Get("Topic")) != 32 {
		s.t.Errorf("headers %v", r.Header)
	}
	s.tokens, s.topics = append(s.tokens, r.Header.Get("Authorization")), append(s.topics, r.Header.Get("Topic"))
	text, err := p.opened(body)
	var said map[string]any
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	if err != nil {
		s.t.Errorf("a message cannot be read: %v", err)
	}
	p.told = append(p.told, said)
	w.WriteHeader(http.StatusCreated)
}

// opened decrypts a message as a browser does (RFC 8291, RFC 8188).
func (p *phone) opened(body []byte) ([]byte, error) {
	salt, n := body[:16], int(body[20])
	sender, rest := body[21:21+n], body[21+n:]
	if binary.BigEndian.Uint32(body[16:20]) < uint32(len(rest)) {
		return nil, io.ErrUnexpectedEOF
	}
	theirs, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := p.key.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	secret, _ := hkdf.Key(sha256.New, shared, p.auth, "WebPush: info\x00"+string(p.key.PublicKey().Bytes())+string(sender), 32)
	key, _ := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, rest, nil)
	if err != nil || plain[len(plain)-1] != 2 {
		return nil, io.ErrUnexpectedEOF
	}
	return plain[:len(plain)-1], nil
}

// subscribes makes a person's new phone be told.
func (b *bench) subscribes(s *pushService, who web.Principal, path string) *phone {
	b.t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &phone{key: key, auth: make([]byte, 16)}
	_, _ = rand.Read(p.auth)
	s.mu.Lock()
	s.phones[path] = p
	s.mu.Unlock()
	in := map[string]string{"endpoint": s.URL + path, "p256dh": base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), "auth": base64.RawURLEncoding.EncodeToString(p.auth)}
	if code := b.call(who, "POST", "/devices", in, nil); code != 200 {
		b.t.Fatalf("subscribing: %d", code)
	}
	return p
}

func (b *bench) holder(subject string, roles ...web.Role) web.Principal {
	return web.Principal{Subject: subject, Org: b.org, Roles: roles}
}

// overdueOf makes an alert that is urgent.
func overdueOf(name string) events.TaskOverdue {
	tr := stay(name)
	due := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	return events.TaskOverdue{Work: events.Work{Task: events.Task{
		ID: events.Derive("task", name), Transition: tr.ID, Encounter: tr.Encounter, Patient: tr.Patient, Facility: tr.Facility, Unit: tr.Unit,
		Code: "tcm-contact", Title: "Call", State: "requested", Version: 1, OwnerRole: "liaison", Priority: "urgent", DueAt: &due,
	}}}
}

func (b *bench) devices(who web.Principal) int {
	b.t.Helper()
	var out struct{ Items []map[string]any }
	if code := b.call(who, "GET", "/devices", nil, &out); code != 200 {
		b.t.Fatal(code)
	}
	return len(out.Items)
}

func TestWhatIsUrgentReachesTheDevicesOfWhoeverAsked(t *testing.T) {
	b := newBench(t, run.Config{})
	s := b.pushes(true)
	zoe, kim := b.holder("zoe", web.Liaison), b.holder("kim", web.Operations)
	first, second := b.subscribes(s, zoe, "/one"), b.subscribes(s, zoe, "/two")
	other := b.subscribes(s, kim, "/other")
	var key struct{ Key string }
	b.call(zoe, "GET", "/devices/key", nil, &key)
	b.told(overdueOf("one"))
	a := b.alerts("?kind=task-overdue")[0]
	if a.Severity != "urgent" {
		t.Fatalf("the alert is %s", a.Severity)
	}
	if n := b.post("push"); n != 1 {
		t.Fatalf("%d deliveries", n)
	}
	if d := b.sentBy(a, "push"); d.State != "delivered" || d.Recipient != "zoe" || d.Reason != "taken by the push service for 2 of 2 devices" {
		t.Errorf("%+v", d)
	}
	for _, p := range []*phone{first, second} {
		if len(p.told) != 1 || p.told[0]["title"] != "Urgent: open handoff" || p.told[0]["url"] != "/alerts#a-"+a.ID.String() || p.told[0]["id"] != a.ID.String() {
			t.Errorf("told %v", p.told)
		}
	}
	if len(other.told) != 0 {
		t.Errorf("operations were told %v", other.told)
	}
	if !strings.HasPrefix(s.tokens[0], "vapid t=") || !strings.HasSuffix(s.tokens[0], ", k="+key.Key) {
		t.Errorf("signed %s, and browsers know %s", s.tokens[0], key.Key)
	}
	for _, secret := range []string{"MERCY", "ICU", "Call", a.EncounterID.String(), "zoe"} {
		if text, _ := json.Marshal(first.told); strings.Contains(string(text), secret) {
			t.Errorf("the phone was told %s: %s", secret, text)
		}
	}
	if n := b.announced("care.alert.delivered.v1"); n != 1 {
		t.Errorf("%d announced", n)
	}
	b.told(opened(stay("two"))) // routine, or held: no phone is told
	if n := b.post("push"); n != 0 && b.alerts("?encounter=" + stay("two").Encounter.String())[0].Severity == "routine" {
		t.Errorf("%d deliveries of what is not urgent", n)
	}
	b.balanced()
}

func TestADeviceThatIsGoneIsForgotten(t *testing.T) {
	b := newBench(t, run.Config{})
	s := b.pushes(true)
	zoe := b.holder("zoe", web.Liaison)
	b.subscribes(s, zoe, "/one")
	b.subscribes(s, zoe, "/two")
	s.status["/one"] = http.StatusGone
	b.told(overdueOf("one"))
	b.post("push")
	if d := b.sentBy(b.alerts("?kind=task-overdue")[0], "push"); d.State != "delivered" || d.Reason != "taken by the push service for 1 of 2 devices" || b.devices(zoe) != 1 {
		t.Errorf("%+v, %d devices left", d, b.devices(zoe))
	}
	s.status["/two"] = http.StatusNotFound
	b.told(overdueOf("two"))
	b.post("push")
	a := b.alerts("?encounter=" + stay("two").Encounter.String())[0]
	if d := b.sentBy(a, "push"); d.State != "failed" || b.devices(zoe) != 0 {
		t.Errorf("%+v, %d devices left", d, b.devices(zoe))
	}
	b.fire(time.Now().Add(2 * time.Second))
	if got := b.alerts("?encounter=" + stay("two").Encounter.String())[0]; got.Escalations != 1 {
		t.Errorf("nobody heard, and it went no further: %+v", got)
	}
	b.told(overdueOf("three"))
	if n := b.post("push"); n != 0 {
		t.Errorf("%d deliveries to nobody's device", n)
	}
	b.balanced()
}

func TestAPushServiceThatIsDownIsTriedAgain(t *testing.T) {
	b := newBench(t, run.Config{})
	s := b.pushes(true)
	p := b.subscribes(s, b.holder("zoe", web.Liaison), "/one")
	s.status["/one"] = http.StatusServiceUnavailable
	b.told(overdueOf("one"))
	a := b.alerts("?kind=task-overdue")[0]
	b.post("push")
	if d := b.sentBy(a, "push"); d.State != "pending" || d.Reason != "answered 503" || d.NextAt.Before(time.Now()) {
		t.Fatalf("%+v", d)
	}
	delete(s.status, "/one")
	b.post("push")
	if d := b.sentBy(a, "push"); d.State != "delivered" || d.Attempts != 2 || len(p.told) != 1 {
		t.Errorf("%+v, told %d times", d, len(p.told))
	}
	b.balanced()
}

func TestAPhoneIsItsPersonsAlone(t *testing.T) {
	b := newBench(t, run.Config{})
	s := b.pushes(true)
	zoe, kim := b.holder("zoe", web.Liaison), b.holder("kim", web.Liaison)
	b.subscribes(s, zoe, "/one")
	of := map[string]string{"endpoint": s.URL + "/one"}
	if code := b.call(kim, "POST", "/devices/renew", of, nil); code != http.StatusNotFound {
		t.Errorf("somebody else renews it: %d", code)
	}
	b.call(kim, "POST", "/devices/forget", of, nil)
	if b.devices(zoe) != 1 {
		t.Error("somebody else ended it")
	}
	if code := b.call(zoe, "POST", "/devices/renew", of, nil); code != 200 {
		t.Errorf("its person renews it: %d", code)
	}
	b.subscribes(s, kim, "/one") // the phone changed hands
	if b.devices(zoe) != 0 || b.devices(kim) != 1 {
		t.Errorf("zoe has %d, kim %d", b.devices(zoe), b.devices(kim))
	}
	stranger := kim
	stranger.Org = events.Derive("org", "other")
	if b.devices(stranger) != 0 {
		t.Error("another organization sees it")
	}
	b.call(kim, "POST", "/devices/forget", of, nil)
	b.told(overdueOf("one"))
	if n := b.post("push"); n != 0 || b.devices(kim) != 0 {
		t.Errorf("after the end: %d deliveries, %d devices", n, b.devices(kim))
	}
	b.subscribes(s, zoe, "/one")
	if _, err := b.db.System.Exec(b.ctx, `UPDATE device SET until = now() - interval '1 s'`); err != nil {
		t.Fatal(err)
	}
	if b.devices(zoe) != 0 {
		t.Error("it is told after its time")
	}
	b.told(overdueOf("two"))
	b.post("push")
	if d := b.sentBy(b.alerts("?encounter=" + stay("two").Encounter.String())[0], "push"); d.State != "suppressed" || d.Reason != "no device any more" {
		t.Errorf("%+v", d)
	}
	if err := b.service.watch(b.ctx, true); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.db.System.QueryRow(b.ctx, `SELECT count(*) FROM device`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d devices whose time is over, %v", n, err)
	}
}

func TestAPushGoesToNoPrivateAddress(t *testing.T) {
	b := newBench(t, run.Config{})
	s := b.pushes(false)
	p := b.subscribes(s, b.holder("zoe", web.Liaison), "/one")
	b.told(overdueOf("one"))
	b.post("push")
	if d := b.sentBy(b.alerts("?kind=task-overdue")[0], "push"); d.State != "failed" || d.Reason != "refused: not a public address" || len(p.told) != 0 {
		t.Errorf("%+v, told %d times", d, len(p.told))
	}
	in := map[string]string{"endpoint": "http://push.example/x", "p256dh": base64.RawURLEncoding.EncodeToString(p.key.PublicKey().Bytes()), "auth": base64.RawURLEncoding.EncodeToString(p.auth)}
	if code := b.call(b.holder("zoe", web.Liaison), "POST", "/devices", in, nil); code != http.StatusUnprocessableEntity {
		t.Errorf("an address without TLS is taken: %d", code)
	}
}

func TestNoPhoneIsToldOfAConfidentialStay(t *testing.T) {
	b := newBench(t, run.Config{})
	s := b.pushes(true)
	p := b.subscribes(s, b.holder("zoe", web.Liaison), "/one")
	o := overdueOf("one")
	o.Task.Sensitive = true
	b.told(o)
	b.post("push")
	if len(p.told) != 0 {
		t.Errorf("told %v", p.told)
	}
	b.balanced()
}
