package checks

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsOptions is deploy/nats/nats-server.conf as the server reads it, with fresh passwords.
func natsOptions(t *testing.T) *server.Options {
	t.Helper()
	dir := t.TempDir()
	copySecrets(t, filepath.Join(dir, "secrets"))
	for from, to := range map[string]string{"../nats/nats-server.conf": "nats-server.conf", filepath.Join(dir, "secrets/nats-passwords.conf"): "passwords.conf"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := server.ProcessConfigFile(filepath.Join(dir, "nats-server.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNATSKeepsWhatItAcknowledges(t *testing.T) {
	o := natsOptions(t)
	if !o.JetStream || !o.SyncAlways {
		t.Error("JetStream is off, or does not fsync before it acknowledges")
	}
	const streams = 1 << 30 // pkg/run: StreamLimits.MaxBytes
	if o.JetStreamMaxStore < int64(len(ours(t)))*streams {
		t.Errorf("max_file_store %d is below the sum of the streams' limits", o.JetStreamMaxStore)
	}
	if o.MaxPayload < 1<<20 {
		t.Errorf("max_payload %d is below an event's limit", o.MaxPayload)
	}
}

// The file gives a service's user what the embedded server gives it, and nothing besides.
func TestNATSUsersAreTheEmbeddedServers(t *testing.T) {
	var names []string
	for _, user := range natsOptions(t).Users {
		names = append(names, user.Username)
		want := permissionsInSource(t, user.Username)
		got := map[string][]string{"Publish": user.Permissions.Publish.Allow, "Subscribe": user.Permissions.Subscribe.Allow}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: permissions in cmd/handoff/internal/broker (-) and in deploy/nats/nats-server.conf (+):\n%s", user.Username, diff)
		}
		if len(user.Permissions.Publish.Deny)+len(user.Permissions.Subscribe.Deny) > 0 {
			t.Errorf("%s has denials, which the comparison passes over", user.Username)
		}
		if r := user.Permissions.Response; r == nil || r.MaxMsgs != 1 || r.Expires != server.DEFAULT_ALLOW_RESPONSE_EXPIRATION {
			t.Errorf("%s: responses %+v, want one within %s", user.Username, r, server.DEFAULT_ALLOW_RESPONSE_EXPIRATION)
		}
		if len(user.Password) < 32 {
			t.Errorf("%s has a short password", user.Username)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(ours(t), names); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

// permissionsInSource reads the function that gives permissions to users of the embedded server, and works out its
// lists for a service. Another module's internal package cannot be called, so this reads what it says.
func permissionsInSource(t *testing.T, service string) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "cmd/handoff/internal/broker/users.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string][]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, ok := kv.Key.(*ast.Ident)
		if !ok || (key.Name != "Publish" && key.Name != "Subscribe") {
			return true
		}
		ast.Inspect(kv.Value, func(n ast.Node) bool {
			list, ok := n.(*ast.CompositeLit)
			if _, array := arrayOf(list); !ok || !array {
				return true
			}
			for _, e := range list.Elts {
				lists[key.Name] = append(lists[key.Name], evaluate(t, e, service))
			}
			return false
		})
		return false
	})
	if len(lists["Publish"]) == 0 || len(lists["Subscribe"]) == 0 {
		t.Fatalf("found no permissions in cmd/handoff/internal/broker/users.go: %v", slices.Collect(maps.Keys(lists)))
	}
	return lists
}

func arrayOf(list *ast.CompositeLit) (*ast.ArrayType, bool) {
	if list == nil {
		return nil, false
	}
	a, ok := list.Type.(*ast.ArrayType)
	return a, ok
}

// evaluate works out a string expression of service, stream and outbox.LogSubject(service).
func evaluate(t *testing.T, e ast.Expr, service string) string {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		return s
	case *ast.BinaryExpr:
		return evaluate(t, e.X, service) + evaluate(t, e.Y, service)
	case *ast.Ident:
		switch e.Name {
		case "service":
			return service
		case "stream":
			return strings.ToUpper(service)
		}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "LogSubject" {
			return "handoff.log." + service
		}
	}
	t.Fatalf("cmd/handoff/internal/broker/users.go says something this test cannot read: %s", fmt.Sprintf("%T", e))
	return ""
}

// broker runs the server of the file, on a port and in a folder of the test's own.
func broker(t *testing.T) (connect func(service string) (*nats.Conn, chan error)) {
	t.Helper()
	o := natsOptions(t)
	o.Host, o.Port, o.HTTPPort, o.StoreDir = "127.0.0.1", server.RANDOM_PORT, 0, t.TempDir()
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not take connections")
	}
	passwords := map[string]string{}
	for _, u := range o.Users {
		passwords[u.Username] = u.Password
	}
	return func(service string) (*nats.Conn, chan error) {
		refused := make(chan error, 16)
		nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(service, passwords[service]), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc, refused
	}
}

func TestServicesPublishAndHear(t *testing.T) {
	connect := broker(t)
	producer, _ := connect("admission")
	consumer, _ := connect("discharge")
	make := func(nc *nats.Conn) jetstream.JetStream {
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		return js
	}
	pjs, cjs := make(producer), make(consumer)
	if _, err := pjs.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ADMISSION", Subjects: []string{"admission.>"}, MaxBytes: 1 << 20, DenyDelete: true, AllowAtomicPublish: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := pjs.Publish(t.Context(), "admission.care.encounter.discharged.v1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := cjs.DeleteConsumer(t.Context(), "ADMISSION", "discharge"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Fatalf("delete: %v", err)
	}
	c, err := cjs.CreateConsumer(t.Context(), "ADMISSION", jetstream.ConsumerConfig{Durable: "discharge", AckPolicy: jetstream.AckAllPolicy})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := producer.QueueSubscribe("handoff.log.admission", "log", func(m *nats.Msg) { _ = m.Respond([]byte("page")) }); err != nil {
		t.Fatal(err)
	}
	if err := producer.Flush(); err != nil {
		t.Fatal(err)
	}
	if answer, err := consumer.Request("handoff.log.admission", nil, 5*time.Second); err != nil || string(answer.Data) != "page" {
		t.Fatalf("%v, %v: want a page of the event log", answer, err)
	}
}

func TestServicesKeepOutOfEachOthersSubjects(t *testing.T) {
	connect := broker(t)
	for what, try := range map[string]func(*nats.Conn) error{
		"publish a fact of admission":        func(nc *nats.Conn) error { return nc.Publish("admission.care.encounter.discharged.v1", nil) },
		"delete admission's stream":          func(nc *nats.Conn) error { return nc.Publish("$JS.API.STREAM.DELETE.ADMISSION", nil) },
		"purge admission's stream":           func(nc *nats.Conn) error { return nc.Publish("$JS.API.STREAM.PURGE.ADMISSION", nil) },
		"make a stream of admission's facts": func(nc *nats.Conn) error { return nc.Publish("$JS.API.STREAM.CREATE.ADMISSION", nil) },
		"delete referral's consumer":         func(nc *nats.Conn) error { return nc.Publish("$JS.API.CONSUMER.DELETE.ADMISSION.referral", nil) },
		"acknowledge for referral":           func(nc *nats.Conn) error { return nc.Publish("$JS.ACK.ADMISSION.referral.1.1.1.1.1", nil) },
		"listen to facts as they pass": func(nc *nats.Conn) error {
			_, err := nc.SubscribeSync("admission.>")
			return err
		},
		"answer for admission's event log": func(nc *nats.Conn) error {
			_, err := nc.QueueSubscribeSync("handoff.log.admission", "log")
			return err
		},
	} {
		nc, refused := connect("discharge")
		if err := try(nc); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(2 * time.Second):
			t.Errorf("discharge may %s", what)
		}
	}
}
