package admission

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// hospital is a running admission with a database of its own.
type hospital struct {
	*service
	t      testing.TB
	db     *postgres.DB
	router *web.Router
	logged *logged
	org    events.ID // who asks; zero: DemoOrg
}

func testDB(t testing.TB) *postgres.DB {
	return pgtest.DB(t, Name, postgres.MigrationSet{Name: Name, FS: store.Migrations()}, outbox.Migrations(), web.Migrations())
}

// start runs an admission in development until the test ends.
func start(t testing.TB) *hospital {
	return startOn(t, testDB(t), run.Config{Dev: true, MLLP: "127.0.0.1:0"})
}

func startOn(t testing.TB, db *postgres.DB, config run.Config, settings ...func(*service)) *hospital {
	t.Helper()
	log := &logged{}
	h := &hospital{t: t, db: db, logged: log, service: newTestService(run.Env{
		Config: config, DB: db, Outbox: outbox.New(db, Name), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(log, nil)),
	})}
	for _, set := range settings {
		set(h.service)
	}
	instance, err := h.instance(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	for _, l := range instance.Loops {
		if l.Name == "watch" {
			continue // tests' stays are months old: they ask themselves which of them hang
		}
		loops.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Errorf("loop %s: %v", l.Name, err)
			}
		})
	}
	t.Cleanup(func() { stop(); loops.Wait() })
	return h
}

// testKeys are the keys that messages are sealed under in tests.
var testKeys = sync.OnceValue(func() *seal.Keys {
	keys, err := seal.Parse([]byte(seal.Line()))
	if err != nil {
		panic(err)
	}
	return keys
})

// newTestService is a service whose keys are testKeys.
func newTestService(env run.Env) *service {
	s := newService(env)
	s.wrapper = testKeys()
	return s
}

// logged is what a service has logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf.Bytes())
}

// dial opens an MLLP connection.
func (h *hospital) dial() (*mllp.Reader, net.Conn) {
	h.t.Helper()
	c, err := net.Dial("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	return mllp.NewReader(c, mllp.Options{}), c
}

// send sends messages over one connection, each after the reply to the one before, and returns the codes.
func (h *hospital) send(messages ...[]byte) (codes []string) {
	h.t.Helper()
	r, c := h.dial()
	for _, m := range messages {
		if err := mllp.WriteFrame(c, m); err != nil {
			h.t.Fatal(err)
		}
		codes = append(codes, code(h.t, r))
	}
	_ = c.Close()
	return codes
}

func code(t testing.TB, r *mllp.Reader) string {
	t.Helper()
	reply, err := r.ReadFrame()
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	m, err := hl7.Parse(reply)
	if err != nil {
		t.Fatal(err)
	}
	return m.Get("MSA-1").String()
}

// settle waits until every kept message is handled.
func (h *hospital) settle() {
	h.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		n, _, err := h.store.Backlog(context.Background())
		if err != nil {
			h.t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d messages are not handled", n)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// facts are the types of the facts announced about encounters and patients, in order.
func (h *hospital) facts(prefix string) (out []string) {
	h.t.Helper()
	for _, e := range h.events() {
		if name, ok := strings.CutPrefix(e.Fact.Type(), prefix); ok {
			out = append(out, strings.TrimSuffix(name, ".v1"))
		}
	}
	return out
}

func (h *hospital) events() (out []events.Event) {
	h.t.Helper()
	err := h.db.SystemTx(context.Background(), func(tx pgx.Tx) error {
		rows, err := tx.Query(context.Background(), `SELECT doc FROM event_log ORDER BY sequence`)
		if err != nil {
			return err
		}
		docs, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, d := range docs {
			e, err := events.Decode([]byte(d))
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *hospital) scan(query string, args []any, into ...any) {
	h.t.Helper()
	if err := h.db.System.QueryRow(context.Background(), query, args...).Scan(into...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

// balanced checks the conservation laws.
func (h *hospital) balanced() {
	h.t.Helper()
	laws, err := h.laws(context.Background(), DemoOrg)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, l := range laws {
		if l.Difference != 0 {
			h.t.Errorf("%s: %d, %d", l.Law, l.Left, l.Right)
		}
	}
	if err := h.db.Tx(context.Background(), DemoOrg, func(tx pgx.Tx) error { return run.Agree(context.Background(), tx, laws, numbers()) }); err != nil {
		h.t.Error(err)
	}
}

// adtMessage is an ADT message of a stay: MSH-10, trigger, event time (yyyymmddhhmm), MR, visit number,
// and further segments or PV1 fields as "PV1-36=01".
func adtMessage(control, trigger, at, mr, visit string, more ...string) []byte {
	pv1 := make([]string, 53)
	pv1[0], pv1[1], pv1[2] = "PV1", "1", "I"
	if visit != "" {
		pv1[19] = visit + "^^^GENERAL&1.2.3&ISO^VN"
	}
	pid := "PID|1||" + mr + "^^^GENERAL&1.2.3&ISO^MR||Canary^Nightingale||19500101|F|||1 Main St^^Springfield^IL^62701^USA^H"
	evn, extra := "EVN|"+trigger+"|"+at, ""
	msh := []string{"MSH", `^~\&`, "SEND", "GENERAL", "RECV", "RFAC", at, "", "ADT^" + trigger, control, "P", "2.5.1"}
	for _, m := range more {
		var n int
		name, value, assigned := strings.Cut(m, "=")
		switch {
		case assigned && strings.HasPrefix(name, "PV1-"):
			_, _ = fmt.Sscanf(name, "PV1-%d", &n)
			pv1[n] = value
		case assigned && strings.HasPrefix(name, "MSH-"):
			_, _ = fmt.Sscanf(name, "MSH-%d", &n)
			for len(msh) < n {
				msh = append(msh, "")
			}
			msh[n-1] = value
		case assigned && name == "EVN-6":
			evn += "||||" + value
		case assigned && name == "PID":
			pid = value
		default:
			extra += m + "\r"
		}
	}
	return []byte(strings.Join(msh, "|") + "\r" + evn + "\r" + pid + "\r" + strings.TrimRight(strings.Join(pv1, "|"), "|") + "\r" + extra)
}
