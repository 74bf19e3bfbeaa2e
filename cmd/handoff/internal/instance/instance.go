// Package instance is how the programs of one data directory know of each other.
//
// Guarantee: one program runs on a data directory at a time; a second one is told which process has
// it. What Read returns was written by a program that holds, or held, the directory.
package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/handoff-care/handoff/pkg/run/durable"
)

// ErrRunning is wrapped by Claim's error while another program runs on the directory.
var ErrRunning = errors.New("handoff is already running on this data directory")

// Info is what a running program tells the commands beside it.
type Info struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Dev     bool      `json:"dev"`
	HTTP    string    `json:"http"`          // base URL of console and APIs
	MLLP    string    `json:"mllp"`          // host:port
	NATS    string    `json:"nats_listener"` // host:port, "" when nothing listens
}

// Claim is a data directory held by this process.
type Claim struct {
	file *os.File
	path string
}

func infoPath(data string) string { return filepath.Join(data, "instance.json") }

// Take makes the directory if missing - others may pass through, not look: the database's user must
// reach its own part of it - and claims it until Release, or the end of the process.
func Take(data string) (*Claim, error) {
	if err := os.MkdirAll(data, 0o711); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(data, "handoff.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &Claim{f, infoPath(data)}, nil
	}
	_ = f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	info, _, _ := Read(data)
	return nil, fmt.Errorf("%w: process %d at %s has %s; stop it first, or choose another with --data", ErrRunning, info.PID, info.HTTP, data)
}

// Publish tells the commands beside us where we are.
func (c *Claim) Publish(i Info) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return durable.Write(c.path, append(text, '\n'), 0o600)
}

// Release gives the directory back.
func (c *Claim) Release() error {
	err := os.Remove(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // it failed before it could say where it is
	}
	return errors.Join(err, c.file.Close())
}

// Read returns what the last program on the directory said, and whether it still runs.
func Read(data string) (info Info, running bool, err error) {
	text, err := os.ReadFile(infoPath(data))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return info, false, err
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return info, false, fmt.Errorf("%s: %w", infoPath(data), err)
	}
	return info, held(data), nil
}

func held(data string) bool {
	f, err := os.Open(filepath.Join(data, "handoff.lock"))
	if err != nil {
		return false
	}
	defer f.Close() // also gives up the lock
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}
