package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
)

// Peers reaches the other services' HTTP APIs with the token of whoever asks.
type Peers struct {
	client *http.Client
	base   map[string]string // service -> base URL without /api/...
}

// NewPeers returns peers at base URLs ("http://127.0.0.1:8080"). In one process transport is the
// program's own handler; else nil.
func NewPeers(base map[string]string, transport http.RoundTripper) Peers {
	return Peers{client: &http.Client{Transport: transport, Timeout: 15 * time.Second}, base: base}
}

// Open sends a request and returns the answer as it is. The caller closes its body. A stream that
// outlives the default timeout is opened with its own context and no client timeout.
func (p Peers) Open(ctx context.Context, token, method, service, path string, body []byte, header http.Header) (*http.Response, error) {
	base, known := p.base[service]
	if !known {
		return nil, fault.New(fault.Unavailable, "no address is known for the %s service", service)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+"/api/"+service+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := p.client.Do(req)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the %s service does not answer", service)
	}
	return res, nil
}

// Stream is Open for an answer that takes as long as it takes: ctx alone ends it. A problem document
// comes back as a fault, as from Call.
func (p Peers) Stream(ctx context.Context, token, method, service, path string, body []byte, header http.Header) (*http.Response, error) {
	p.client = &http.Client{Transport: p.client.Transport}
	res, err := p.Open(ctx, token, method, service, path, body, header)
	if err != nil || res.StatusCode < 400 {
		return res, err
	}
	defer res.Body.Close()
	return nil, readProblem(service, res)
}

// Call sends in as JSON (nil: no body) and reads the answer into out (nil: dropped). A problem
// document comes back as a fault of the same kind and text.
func (p Peers) Call(ctx context.Context, token, method, service, path string, in, out any, header http.Header) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	res, err := p.Open(ctx, token, method, service, path, body, header)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		return readProblem(service, res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 32<<20)).Decode(out); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the %s service answered something unreadable", service)
	}
	return nil
}

func readProblem(service string, res *http.Response) error {
	var m map[string]any
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&m)
	kind := fault.Unavailable
	for k, status := range statuses {
		if status == res.StatusCode {
			kind = k
		}
	}
	text, _ := m["detail"].(string)
	if text == "" {
		text = fmt.Sprintf("the %s service answered %d", service, res.StatusCode)
	}
	f := fault.New(kind, "%s", text)
	for k, v := range m {
		if k != "title" && k != "status" && k != "detail" && k != "kind" {
			f.With(k, v)
		}
	}
	return f
}
