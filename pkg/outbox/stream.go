package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StreamName is the JetStream stream of a service: its name in capitals.
func StreamName(service string) string { return strings.ToUpper(service) }

// LogSubject is where a service answers for its event log: bus asks there for what a stream no
// longer holds. See Log.
func LogSubject(service string) string { return "handoff.log." + service }

// Stream is what the provisioner makes: one stream per service, limits retention for 7 days, whole
// batches only, nobody may delete a message. maxBytes bounds its share of the server's disk.
func Stream(service string, maxBytes int64, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamName(service), Subjects: []string{service + ".>"},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		MaxAge: 7 * 24 * time.Hour, MaxBytes: maxBytes, MaxMsgSize: 1 << 20, Duplicates: 2 * time.Minute,
		Replicas: replicas, DenyDelete: true, AllowAtomicPublish: true,
	}
}

// Provision makes the stream of a service if it is not there, and returns when it was made: the
// incarnation, by which a lost store is noticed. Only the owner of a stream provisions it.
func Provision(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig) (time.Time, error) {
	s, err := js.Stream(ctx, cfg.Name)
	if err == jetstream.ErrStreamNotFound {
		s, err = js.CreateStream(ctx, cfg)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("provision stream %s: %w", cfg.Name, err)
	}
	return s.CachedInfo().Created, nil
}

const (
	headerBatch    = "Nats-Batch-Id"
	headerSequence = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"
)

// message is one event on its way to the stream.
type message struct {
	sequence int64
	id       string
	subject  string
	doc      []byte
}

func (m message) nats() *nats.Msg {
	msg := nats.NewMsg(m.subject)
	msg.Header.Set(nats.MsgIdHdr, m.id)
	msg.Data = m.doc
	return msg
}
