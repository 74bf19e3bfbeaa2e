// Package health looks at an instance from outside and says what is wrong with it and what to do.
//
// Guarantee: looking changes nothing. Every finding that is not fine comes with what to do about it.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
)

// Grade is how bad a finding is.
type Grade string

// The grades.
const (
	Fine  Grade = "ok"
	Watch Grade = "warn"
	Wrong Grade = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	Grade       Grade
	What, State string
	Do          string // "" if Fine
}

// Options of Look.
type Options struct {
	Data       string
	HTTP, MLLP string // addresses that a start would take
	KeyFile    string // "": that of Data
	// Get reads a list of an API as somebody from operations; nil: there is no instance or no token.
	Get func(ctx context.Context, service, path string) ([]map[string]any, error)
	// Services whose parked keys and laws are looked at.
	Services []string
}

const (
	littleDisk = 1 << 30
	tightDisk  = 5 << 30
	within     = 5 * time.Second
)

// Look looks at everything.
func Look(ctx context.Context, o Options) []Finding {
	list := []Finding{postgres(), folder(o.Data), disk(o.Data), keys(o.Data, o.KeyFile)}
	info, running, err := instance.Read(o.Data)
	if err != nil {
		list = append(list, Finding{Wrong, "instance", err.Error(), "delete " + filepath.Join(o.Data, "instance.json")})
	}
	if !running {
		list = append(list, Finding{Fine, "instance", "none runs on " + o.Data, ""}, port("--http", o.HTTP), port("--mllp", o.MLLP))
		return list
	}
	state := fmt.Sprintf("process %d at %s, up %s", info.PID, info.HTTP, time.Since(info.Started).Round(time.Second))
	if info.Dev {
		state += ", development (--dev)"
	}
	list = append(list, Finding{Fine, "instance", state, ""}, ready(ctx, info.HTTP), listens("MLLP", info.MLLP))
	if o.Get == nil {
		return append(list, Finding{Watch, "feeds, parked keys, laws", "not looked at: there is no token", "give one with --token-file or HANDOFF_TOKEN"})
	}
	list = append(append(list, feeds(ctx, o)...), sealing(ctx, o))
	return append(list, backbone(ctx, o)...)
}

func postgres() Finding {
	places := []string{os.Getenv("PG_BIN")}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		found, _ := filepath.Glob(pattern)
		slices.Reverse(found)
		places = append(places, found...)
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), places...) {
		if info, err := os.Stat(filepath.Join(dir, "postgres")); dir != "" && err == nil && !info.IsDir() {
			return Finding{Fine, "PostgreSQL", "installed in " + dir, ""}
		}
	}
	if os.Getenv("HANDOFF_DATABASE_URL") != "" {
		return Finding{Fine, "PostgreSQL", "HANDOFF_DATABASE_URL names a server", ""}
	}
	return Finding{Watch, "PostgreSQL", "not installed", "on Debian as root handoff run installs it; else install it, or allow the download with --fetch-postgres"}
}

func folder(data string) Finding {
	info, err := os.Stat(data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Finding{Fine, "data directory", data + " does not exist yet; the first start makes it", ""}
	case err != nil:
		return Finding{Wrong, "data directory", err.Error(), "let this user into " + data + ", or choose another with --data"}
	case !info.IsDir():
		return Finding{Wrong, "data directory", data + " is a file", "choose another with --data"}
	}
	probe, err := os.CreateTemp(data, ".doctor-")
	if err != nil {
		return Finding{Wrong, "data directory", "cannot be written: " + err.Error(), "give it to this user, or choose another with --data"}
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return Finding{Fine, "data directory", data, ""}
}

func disk(data string) Finding {
	at := data
	for {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(at, &s); err != nil {
		return Finding{Watch, "disk", err.Error(), "look at the file system of " + data}
	}
	free := int64(s.Bavail) * int64(s.Bsize)
	state := fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	switch {
	case free < littleDisk:
		return Finding{Wrong, "disk", state, "make room: without space messages are not acknowledged, and NATS must be restarted after it was full"}
	case free < tightDisk:
		return Finding{Watch, "disk", state, "make room, or move the data directory"}
	}
	return Finding{Fine, "disk", state, ""}
}

// port says whether a start could listen on an address.
func port(flag, addr string) Finding {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return Finding{Wrong, "address " + addr, err.Error(), "stop what listens there, or choose another with " + flag}
	}
	_ = l.Close()
	return Finding{Fine, "address " + addr, "free", ""}
}

func listens(what, addr string) Finding {
	c, err := net.DialTimeout("tcp", addr, within)
	if err != nil {
		return Finding{Wrong, what, err.Error(), "look at the instance's log; restart it if it does not come back"}
	}
	_ = c.Close()
	return Finding{Fine, what, "listens on " + addr, ""}
}

func ready(ctx context.Context, base string) Finding {
	status, body, err := get(ctx, base+"/readyz")
	switch {
	case err != nil:
		return Finding{Wrong, "HTTP", err.Error(), "look at the instance's log; restart it if it does not come back"}
	case status != http.StatusOK:
		return Finding{Wrong, "readiness", body, "wait if it has just started; if it stays, restart it: JetStream does not heal by itself after a full disk"}
	}
	return Finding{Fine, "readiness", "every service is ready (PostgreSQL and NATS answer)", ""}
}

func get(ctx context.Context, url string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return res.StatusCode, strings.TrimSpace(string(b)), err
}

// number reads a figure from JSON.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case json.Number:
		f, _ := v.Float64()
		return f
	}
	return 0
}
