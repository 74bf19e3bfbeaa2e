package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func connect(t *testing.T, s *Server, service string, more ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := s.Connect(service, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func stream(t *testing.T, js jetstream.JetStream, name string) jetstream.Stream {
	t.Helper()
	st, err := js.CreateOrUpdateStream(t.Context(), outbox.Stream(name, 1<<20, 1))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestWhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	data := t.TempDir()
	first := start(t, Options{Data: data})
	js := connect(t, first, "admission")
	stream(t, js, "admission")
	if _, err := js.Publish(t.Context(), "admission.care.encounter.admitted.v1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	if _, err := os.Stat(filepath.Join(data, "jetstream")); err != nil {
		t.Fatalf("the store is not where the operator is told it is: %v", err)
	}
	js = connect(t, start(t, Options{Data: data}), "admission")
	st, err := js.Stream(t.Context(), "ADMISSION")
	if err != nil {
		t.Fatal(err)
	}
	if n := st.CachedInfo().State.Msgs; n != 1 {
		t.Fatalf("%d messages after a restart, want 1", n)
	}
}

func TestADeletedStoreIsMadeAnew(t *testing.T) {
	data := t.TempDir()
	s := start(t, Options{Data: data})
	stream(t, connect(t, s, "admission"), "admission")
	s.Stop()
	if err := os.RemoveAll(filepath.Join(data, StoreDir)); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{Data: data})
	if err := s.Healthy(); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, s, "admission").Stream(t.Context(), "ADMISSION"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Fatalf("error %v, want that the stream is not found", err)
	}
}

func TestAServiceCannotPublishAnothersFacts(t *testing.T) {
	data := t.TempDir()
	users, err := Users(data, "admission", "discharge")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{Data: data, Listen: "127.0.0.1:0", Users: users})
	stream(t, connect(t, s, "admission"), "admission")

	refused := make(chan error, 1)
	nc, err := nats.Connect(s.ClientURL("discharge"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case refused <- err:
		default:
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.Publish("admission.care.encounter.discharged.v1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-refused:
		if !strings.Contains(err.Error(), "Permissions Violation for Publish") {
			t.Fatalf("error %v, want a permissions violation", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("discharge published a fact of admission")
	}
	st, err := connect(t, s, "admission").Stream(t.Context(), "ADMISSION")
	if err != nil {
		t.Fatal(err)
	}
	if n := st.CachedInfo().State.Msgs; n != 0 {
		t.Fatalf("%d messages in admission's stream, want 0", n)
	}
}

func TestAServiceHearsAnotherAndOwnsItsOwnStream(t *testing.T) {
	users, err := Users(t.TempDir(), "admission", "discharge")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{Data: t.TempDir(), Users: users})
	admission, discharge := connect(t, s, "admission"), connect(t, s, "discharge")
	stream(t, admission, "admission")
	stream(t, discharge, "discharge")
	if _, err := admission.Publish(t.Context(), "admission.x", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	c, err := discharge.CreateConsumer(t.Context(), "ADMISSION", jetstream.ConsumerConfig{Durable: "discharge", AckPolicy: jetstream.AckAllPolicy, FilterSubjects: []string{"admission.x", "admission.y"}})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := msg.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	sub, err := admission.Conn().QueueSubscribe(outbox.LogSubject("admission"), "log", func(m *nats.Msg) { _ = m.Respond([]byte("page")) })
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	if err := admission.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	answer, err := discharge.Conn().Request(outbox.LogSubject("admission"), nil, 5*time.Second)
	if err != nil || string(answer.Data) != "page" {
		t.Fatalf("answer %v, error %v, want a page of the event log", answer, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := discharge.DeleteStream(ctx, "ADMISSION"); err == nil {
		t.Fatal("discharge deleted admission's stream")
	}
}

func TestUsersKeepTheirPasswords(t *testing.T) {
	data := t.TempDir()
	first, err := Users(data, "admission")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Users(data, "admission", "referral")
	if err != nil {
		t.Fatal(err)
	}
	if first["admission"] != second["admission"] || second["referral"] == "" || second["referral"] == second["admission"] {
		t.Fatal("a password changed, is missing or is shared")
	}
	info, err := os.Stat(filepath.Join(data, "nats-users.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, want that only the owner reads it", info.Mode())
	}
}

func TestTheLimitIsBelowTheDisk(t *testing.T) {
	n, err := Limit(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if n < leastStore || n > mostStore {
		t.Fatalf("limit %d is outside %d to %d", n, leastStore, mostStore)
	}
}
