package broker

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/run/durable"
)

// permissions of a service's user: its own facts and stream, its own consumer on the streams of
// others, and asking a producer for its event log (outbox.LogSubject). A consumer is named for the
// service that hears.
func permissions(service string) *server.Permissions {
	stream := outbox.StreamName(service)
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			service + ".>",
			"handoff.log.*",
			"$JS.API.INFO",
			"$JS.API.STREAM.INFO.*",
			"$JS.API.STREAM.CREATE." + stream,
			"$JS.API.STREAM.UPDATE." + stream,
			"$JS.API.STREAM.PURGE." + stream,
			"$JS.API.CONSUMER.LIST." + stream,
			"$JS.API.CONSUMER.NAMES." + stream,
			"$JS.API.CONSUMER.INFO.*." + service,
			"$JS.API.CONSUMER.CREATE.*." + service,
			"$JS.API.CONSUMER.CREATE.*." + service + ".>",
			"$JS.API.CONSUMER.DURABLE.CREATE.*." + service,
			"$JS.API.CONSUMER.DELETE.*." + service,
			"$JS.API.CONSUMER.MSG.NEXT.*." + service,
			"$JS.ACK.*." + service + ".>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", outbox.LogSubject(service), outbox.LogSubject(service) + " log"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: server.DEFAULT_ALLOW_RESPONSE_EXPIRATION},
	}
}

// Users reads the passwords of the services' users from Data/nats-users.json, making those that are
// missing. Only the owner can read the file.
func Users(data string, services ...string) (map[string]string, error) {
	path := filepath.Join(data, "nats-users.json")
	users := map[string]string{}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("nats: %w", err)
	default:
		if err := json.Unmarshal(text, &users); err != nil {
			return nil, fmt.Errorf("nats: %s: %w", path, err)
		}
	}
	made := false
	for _, service := range services {
		if users[service] == "" {
			users[service], made = rand.Text(), true
		}
	}
	if !made {
		return users, nil
	}
	if text, err = json.MarshalIndent(users, "", "  "); err != nil {
		return nil, err
	}
	if err := durable.Write(path, append(text, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	return users, nil
}
