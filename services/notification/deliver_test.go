package notification

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// post runs one round of a channel's deliveries, as if it were due.
func (b *bench) post(road string) int {
	b.t.Helper()
	if _, err := b.db.System.Exec(b.ctx, `UPDATE delivery SET next_at = now() WHERE state = 'pending'`); err != nil {
		b.t.Fatal(err)
	}
	n, err := b.posts[road].RunOnce(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// sentBy is what became of an alert's delivery on a channel.
func (b *bench) sentBy(a alertView, road string) sent {
	b.t.Helper()
	for _, d := range b.detail(a.ID).Deliveries {
		if d.Channel == road {
			return d
		}
	}
	b.t.Fatalf("no delivery by %s", road)
	return sent{}
}

func TestEmailIsTriedAgainWithTheSameMessageIDAndNamesNobody(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	var tries atomic.Int32
	b.sink.Refuse = func(string) error {
		if tries.Add(1) == 1 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
		}
		return nil
	}
	b.told(opened(stay("one")))
	a := b.alerts("")[0]
	b.post("email")
	if d := b.sentBy(a, "email"); d.State != "pending" || d.Attempts != 1 || d.Reason != "put off by the mail server: 451" || d.NextAt.Before(time.Now()) {
		t.Fatalf("greylisted: %+v", d)
	}
	b.post("email")
	if d := b.sentBy(a, "email"); d.State != "delivered" || d.Attempts != 2 {
		t.Fatalf("second try: %+v", d)
	}
	var out struct{ Items []channel.Sunk }
	b.call(b.as(web.Liaison), "GET", "/outbox", nil, &out)
	if len(out.Items) != 1 {
		t.Fatalf("outbox: %+v", out.Items)
	}
	m := out.Items[0]
	if m.Subject != "A discharge needs follow-up" || m.To[0] != "ann@example.org" || !strings.Contains(m.Body, "http://console.test/episodes/"+a.EncounterID.String()) {
		t.Errorf("mail %+v", m)
	}
	for _, secret := range []string{"MERCY", "ICU", stay("one").Patient.String()} {
		if strings.Contains(m.Subject+m.Body, secret) {
			t.Errorf("the mail says %q", secret)
		}
	}
	if n := b.announced("care.alert.delivered.v1"); n != 1 {
		t.Errorf("%d announced", n)
	}
	// A crash between sending and recording: the lease runs out and it is sent once more, recognisably.
	if _, err := b.db.System.Exec(b.ctx, `UPDATE delivery SET state = 'pending', claimed_until = now() - interval '1 s' WHERE channel = 'email'`); err != nil {
		t.Fatal(err)
	}
	b.post("email")
	b.call(b.as(web.Liaison), "GET", "/outbox", nil, &out)
	if len(out.Items) != 2 || out.Items[0].MessageID != out.Items[1].MessageID {
		t.Errorf("after a repetition: %+v", out.Items)
	}
	stranger := b.as(web.Liaison)
	stranger.Org = stay("x").ID
	b.call(stranger, "GET", "/outbox", nil, &out)
	if len(out.Items) != 0 {
		t.Errorf("another organization reads %d mails", len(out.Items))
	}
	b.balanced()
}

func TestARefusedEmailFailsAndEscalatesAtOnce(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	b.sink.Refuse = func(to string) error {
		if strings.HasPrefix(to, "ann") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	}
	b.told(opened(stay("one")))
	a := b.alerts("")[0]
	b.post("email")
	if d := b.sentBy(a, "email"); d.State != "failed" || d.Reason != "refused by the mail server: 550" {
		t.Fatalf("%+v", d)
	}
	b.fire(time.Now().Add(2 * time.Second))
	if got := b.alerts("")[0]; got.Escalations != 1 || got.Recipients[len(got.Recipients)-1] != "role:lead" {
		t.Errorf("after the failure: %+v", got)
	}
	if n := b.announced("care.alert.failed.v1"); n != 1 {
		t.Errorf("%d announced", n)
	}
	b.balanced()
}

func TestAClaimedDeliveryIsNobodyElses(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	inside, proceed := make(chan bool), make(chan bool)
	b.sink.Refuse = func(string) error {
		inside <- true
		<-proceed
		return nil
	}
	b.told(opened(stay("one")))
	done := make(chan int)
	go func() {
		n, err := b.posts["email"].RunOnce(b.ctx)
		if err != nil {
			t.Error(err)
		}
		done <- n
	}()
	<-inside
	if n := b.post("email"); n != 0 {
		t.Errorf("a second post claimed %d", n)
	}
	proceed <- true
	if n := <-done; n != 1 {
		t.Errorf("the first sent %d", n)
	}
}

// Tries that a crash or a stop of ours cut off are no failures of the mail server's: after any number of them
// the next failure is waited for as after the first.
func TestTriesThatWereCutOffAreNoFailures(t *testing.T) {
	b := newBench(t, run.Config{Dev: true})
	b.people()
	b.roster("MERCY", "", "ann")
	inside := make(chan bool)
	hang := make(chan bool)
	b.sink.Refuse = func(string) error {
		inside <- true
		<-hang
		return nil
	}
	b.told(opened(stay("one")))
	a := b.alerts("")[0]

	stopping, stop := context.WithCancel(b.ctx)
	done := make(chan error)
	go func() { _, err := b.posts["email"].RunOnce(stopping); done <- err }()
	<-inside
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	close(hang)
	if d := b.sentBy(a, "email"); d.State != "pending" || d.Reason != "cut off: the program was stopping" || d.NextAt.After(time.Now()) {
		t.Fatalf("cut off by a stop: %+v", d)
	}
	// and one that a crash cut off: claimed, and never heard of again
	if _, err := b.db.System.Exec(b.ctx, `UPDATE delivery SET attempts = attempts + 1, claimed_until = now() - interval '1 s' WHERE channel = 'email'`); err != nil {
		t.Fatal(err)
	}
	b.sink.Refuse = func(string) error { return &smtp.SMTPError{Code: 451, Message: "busy"} }
	if n, err := b.posts["email"].RunOnce(b.ctx); n != 1 || err != nil {
		t.Fatalf("tried %d at once, %v", n, err)
	}
	if d := b.sentBy(a, "email"); d.State != "pending" || d.Attempts != 3 || time.Until(*d.NextAt) > 6*time.Second {
		t.Fatalf("first failure after two tries that were cut off: %+v", d)
	}
}

// receiver is a real HTTPS server that checks signatures.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	secret   string
	answer   http.HandlerFunc
	ids      []string
	bodies   []string
	unsigned int
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	wh, err := standardwebhooks.NewWebhook(r.secret)
	if err != nil || wh.Verify(body, req.Header) != nil {
		r.unsigned++
	}
	r.ids, r.bodies = append(r.ids, req.Header.Get("webhook-id")), append(r.bodies, string(body))
	r.answer(w, req)
}

// hook sets up a webhook receiver on loopback that the service may reach if allowed.
func (b *bench) hook(allow bool, answer http.HandlerFunc) *receiver {
	b.t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewTLSServer(r)
	b.t.Cleanup(r.Close)
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	var list []string
	if allow {
		list = []string{"127.0.0.0/8"}
	}
	nets, err := channel.Allowed(list)
	if err != nil {
		b.t.Fatal(err)
	}
	b.posts["webhook"].Sender = channel.NewWebhooks(nets, "http://console.test", roots)
	var made setup.Endpoint
	if code := b.call(b.as(web.Admin), "POST", "/endpoints", map[string]any{"url": r.URL + "/in", "kinds": []string{"transition-opened"}}, &made); code != 200 {
		b.t.Fatal(code)
	}
	r.secret = made.Secret
	return r
}

func TestWebhooksAreSignedAndRepeatTheirID(t *testing.T) {
	b := newBench(t, run.Config{})
	status := http.StatusInternalServerError
	r := b.hook(true, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(status)
	})
	b.told(opened(stay("one")))
	a := b.alerts("")[0]
	b.post("webhook")
	if d := b.sentBy(a, "webhook"); d.State != "pending" || d.Reason != "answered 500" || d.NextAt.Before(time.Now().Add(110*time.Minute)) {
		t.Fatalf("after 500 with Retry-After: %+v", d)
	}
	status = http.StatusNoContent
	b.post("webhook")
	if d := b.sentBy(a, "webhook"); d.State != "delivered" || d.Attempts != 2 {
		t.Fatalf("second try: %+v", d)
	}
	if r.unsigned != 0 || len(r.ids) != 2 || r.ids[0] != r.ids[1] || !strings.HasPrefix(r.ids[0], "msg_") {
		t.Errorf("%d unsigned, ids %v", r.unsigned, r.ids)
	}
	if !strings.Contains(r.bodies[0], `"type":"alert.raised"`) || strings.Contains(r.bodies[0], "MERCY") {
		t.Errorf("body %s", r.bodies[0])
	}
	b.balanced()
}

func TestAnEndpointThatIsGoneIsSwitchedOffAndOperationsAreTold(t *testing.T) {
	b := newBench(t, run.Config{})
	b.hook(true, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	b.told(opened(stay("one")))
	a := b.alerts("")[0]
	b.post("webhook")
	if d := b.sentBy(a, "webhook"); d.State != "failed" {
		t.Errorf("%+v", d)
	}
	if got := b.alerts("?kind=endpoint-disabled"); len(got) != 1 || got[0].Recipients[0] != "role:operations" {
		t.Errorf("operations: %+v", got)
	}
	b.told(opened(stay("two")))
	second := b.alerts("?encounter=" + stay("two").Encounter.String())[0]
	if d := decisions(b.detail(second.ID)); d[0] != "excluded "+b.sentBy(a, "webhook").Recipient+" webhook" {
		t.Errorf("afterwards: %v", d)
	}
	b.balanced()
}

func TestWebhooksDoNotFollowRedirectsOrReachPrivateNetworks(t *testing.T) {
	b := newBench(t, run.Config{})
	var elsewhere atomic.Int32
	r := b.hook(true, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/in" {
			elsewhere.Add(1)
		}
		http.Redirect(w, req, "/else", http.StatusFound)
	})
	b.told(opened(stay("one")))
	b.post("webhook")
	if d := b.sentBy(b.alerts("")[0], "webhook"); d.State != "pending" || d.Reason != "answered 302" || elsewhere.Load() != 0 {
		t.Errorf("redirect: %+v, followed %d times", d, elsewhere.Load())
	}
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	b.posts["webhook"].Sender = channel.NewWebhooks(nil, "", roots) // nothing is allow-listed any more
	before := len(r.ids)
	b.post("webhook")
	if d := b.sentBy(b.alerts("")[0], "webhook"); d.State != "failed" || d.Reason != "refused: not a public address" || len(r.ids) != before {
		t.Errorf("loopback: %+v, %d requests", d, len(r.ids)-before)
	}
}

func TestAHungReceiverIsGivenUpInTime(t *testing.T) {
	b := newBench(t, run.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nets, _ := channel.Allowed([]string{"127.0.0.0/8"})
	hooks := channel.NewWebhooks(nets, "", nil)
	b.call(b.as(web.Admin), "POST", "/endpoints", map[string]any{"url": "https://" + l.Addr().String()}, nil)
	b.told(opened(stay("one")))
	ctx, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer cancel()
	b.posts["webhook"].Sender = within{hooks, ctx}
	b.post("webhook")
	if d := b.sentBy(b.alerts("")[0], "webhook"); d.State != "pending" || d.Reason != "no answer in time" {
		t.Errorf("%+v", d)
	}
}

// within gives a sender less time than it takes itself.
type within struct {
	channel.Sender
	ctx context.Context
}

func (w within) Send(_ context.Context, p *store.Parcel) channel.Result {
	return w.Sender.Send(w.ctx, p)
}
