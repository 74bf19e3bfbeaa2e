// Package remote lets a command speak to a running instance through its public API.
//
// Guarantee: a command does what the API does and nothing beside it: what a role may not do over
// HTTP it may not do here. A secret is read from a file or the environment, never from a flag.
package remote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/cmd/handoff/internal/devoidc"
	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
	"github.com/handoff-care/handoff/pkg/web"
)

// Flags say which instance to speak to, and as whom. They are embedded by commands.
type Flags struct {
	Data      string   `default:"./.handoff" placeholder:"DIR" help:"Data directory of the instance."`
	URL       string   `name:"url" placeholder:"URL" help:"Address of the instance, where it does not run here."`
	Peer      []string `placeholder:"SERVICE=URL" help:"Address of one service, where services run apart."`
	TokenFile string   `placeholder:"FILE" help:"File with a bearer token (or HANDOFF_TOKEN). Without it a development instance gives one."`
	Org       string   `default:"demo" placeholder:"NAME" help:"Development: organization to act in, by name or id."`
}

// Client speaks to an instance as one role.
type Client struct {
	peers web.Peers
	token string
}

// Services are those with an API that commands use.
var services = []string{"admission", "discharge", "referral", "notification", "console"}

// Connect finds the instance, and a token for the role where it is a development one.
func (f Flags) Connect(role web.Role) (*Client, error) {
	base := map[string]string{}
	for _, p := range f.Peer {
		name, url, ok := strings.Cut(p, "=")
		if !ok {
			return nil, fmt.Errorf("--peer %q is not SERVICE=URL", p)
		}
		base[name] = strings.TrimSuffix(url, "/")
	}
	at := strings.TrimSuffix(f.URL, "/")
	if at == "" && len(base) == 0 {
		info, running, err := instance.Read(f.Data)
		if err != nil {
			return nil, err
		}
		if !running {
			return nil, fmt.Errorf("nothing runs on %s: start it with handoff run, or name an instance with --url", f.Data)
		}
		at = info.HTTP
	}
	for _, s := range services {
		if base[s] == "" && at != "" {
			base[s] = at
		}
	}
	token, err := f.token(role)
	if err != nil {
		return nil, err
	}
	return &Client{web.NewPeers(base, nil), token}, nil
}

func (f Flags) token(role web.Role) (string, error) {
	if f.TokenFile != "" {
		text, err := os.ReadFile(f.TokenFile)
		return strings.TrimSpace(string(text)), err
	}
	if t := os.Getenv("HANDOFF_TOKEN"); t != "" {
		return strings.TrimSpace(t), nil
	}
	key, err := devkey.Load(f.Data)
	if errors.Is(err, devkey.ErrNone) {
		return "", errors.New("this needs a token of somebody with the role " + string(role) + ": give it in a file with --token-file, or in HANDOFF_TOKEN")
	}
	if err != nil {
		return "", err
	}
	return key.Token(devoidc.PersonaFor(role, f.Org).Claims(), time.Now())
}

// Get reads one thing.
func (c *Client) Get(ctx context.Context, service, path string, out any) error {
	return c.peers.Call(ctx, c.token, http.MethodGet, service, path, nil, out, nil)
}

// Decide changes something on which a version was looked at; also one that is 0.
func (c *Client) Decide(ctx context.Context, method, service, path string, version int, in, out any) error {
	header := http.Header{"If-Match": {fmt.Sprintf(`"%d"`, version)}}
	return c.peers.Call(ctx, c.token, method, service, path, in, out, header)
}

// Send changes something. version, if not 0, is the one that was decided on.
func (c *Client) Send(ctx context.Context, method, service, path string, version int, in, out any) error {
	header := http.Header{}
	if version > 0 {
		header.Set("If-Match", fmt.Sprintf(`"%d"`, version))
	}
	return c.peers.Call(ctx, c.token, method, service, path, in, out, header)
}

// Upload sends a file as it is and returns the answer, whose body the caller closes.
func (c *Client) Upload(ctx context.Context, service, path, contentType string, body []byte) (*http.Response, error) {
	return c.peers.Open(ctx, c.token, http.MethodPost, service, path, body, http.Header{"Content-Type": {contentType}})
}

// Stream asks for something that is told line by line, in JSON, for as long as it takes; line is
// called with each.
func (c *Client) Stream(ctx context.Context, service, path string, in any, line func([]byte) error) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	res, err := c.peers.Stream(ctx, c.token, http.MethodPost, service, path, body, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if err := line(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the %s service stopped in the middle of its answer: %w", service, err)
	}
	return nil
}

// Version reads what is there and gives the version of it, to decide on.
func (c *Client) Version(ctx context.Context, service, path string) (int, error) {
	var at struct {
		Version int `json:"version"`
	}
	err := c.Get(ctx, service, path, &at)
	return at.Version, err
}

// Item is one entry of a list, by JSON name.
type Item = map[string]any

// List reads a list to its end, at most most items.
func (c *Client) List(ctx context.Context, service, path string, most int) ([]Item, error) {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	var all []Item
	for cursor := ""; ; {
		var page struct {
			Items []Item  `json:"items"`
			Next  *string `json:"next"`
		}
		at := path
		if cursor != "" {
			at += separator + "cursor=" + cursor
		}
		if err := c.Get(ctx, service, at, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if len(all) >= most {
			return all[:most], nil
		}
		if page.Next == nil || *page.Next == "" {
			return all, nil
		}
		cursor = *page.Next
	}
}
