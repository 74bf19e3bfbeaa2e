package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// System is where the APIs are and who may use them.
type System interface {
	API(service string) []string
	Token(ctx context.Context, role, org string) (string, error)
}

// DemoOrg is the organization of a development instance.
const DemoOrg = "demo"

// Client asks as one role of one organization. Safe for concurrent use.
type Client struct {
	system    System
	role, org string
	http      *http.Client
}

// New returns a client that asks as role in the demonstration organization.
func New(s System, role string) *Client { return NewIn(s, role, DemoOrg) }

// NewIn returns a client that asks as role in an organization, given by name.
func NewIn(s System, role, org string) *Client {
	return &Client{system: s, role: role, org: org, http: &http.Client{Timeout: 20 * time.Second}}
}

// Problem is a refusal (RFC 9457).
type Problem struct {
	Status int
	Body   map[string]any
	Text   string // the body as it came
}

// Error says what was answered.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s", p.Status, strings.TrimSpace(p.Text)) }

// Status is the HTTP status of a refusal; 0 for any other error, 200 for none.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// Get reads path of a service into out.
func (c *Client) Get(ctx context.Context, service, path string, out any) error {
	return c.do(ctx, http.MethodGet, service, path, nil, nil, out)
}

// Post sends in to path of a service and reads the answer into out; both may be nil.
func (c *Client) Post(ctx context.Context, service, path string, in, out any, header ...string) error {
	return c.do(ctx, http.MethodPost, service, path, in, header, out)
}

// Do sends any request; header is names and values by turns.
func (c *Client) Do(ctx context.Context, method, service, path string, in, out any, header ...string) error {
	return c.do(ctx, method, service, path, in, header, out)
}

func (c *Client) do(ctx context.Context, method, service, path string, in any, header []string, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	token, err := c.system.Token(ctx, c.role, c.org)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		for _, base := range c.system.API(service) {
			err = c.once(ctx, method, base+"/api/"+service+path, token, body, header, out)
			if s := Status(err); s != 0 && s != http.StatusTooManyRequests && s < 500 {
				return err
			}
		}
		if Status(err) != http.StatusTooManyRequests || attempt == 10 {
			return err
		}
		select { // development tokens may ask 500 times a second
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (c *Client) once(ctx context.Context, method, url, token string, body []byte, header []string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		p := &Problem{Status: res.StatusCode, Text: string(text)}
		_ = json.Unmarshal(text, &p.Body) // what is not JSON is still in Text
		return fmt.Errorf("%s %s as %s: %w", method, url, c.role, p)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s answered what cannot be read: %w", method, url, err)
	}
	return nil
}

// Raw returns an answer of a service as it came, with its status.
func (c *Client) Raw(ctx context.Context, service, path string) (int, string, error) {
	token, err := c.system.Token(ctx, c.role, c.org)
	if err != nil {
		return 0, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.system.API(service)[0]+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

const pageSize = 500

// page is how lists are answered.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

// List reads all pages of a list. query is names and values by turns; empty values are left out.
func List[T any](ctx context.Context, c *Client, service, path string, query ...string) ([]T, error) {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			q.Set(query[i], query[i+1])
		}
	}
	var all []T
	for {
		var p page[T]
		if err := c.Get(ctx, service, path+"?"+q.Encode(), &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if p.Next == nil {
			return all, nil
		}
		q.Set("cursor", *p.Next)
	}
}

// Search reads all pages of a search, which is a POST because what is looked for is not for URLs.
func Search[T any](ctx context.Context, c *Client, service, path string, in map[string]any) ([]T, error) {
	in["limit"] = pageSize
	var all []T
	for {
		var p page[T]
		if err := c.Post(ctx, service, path, in, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if p.Next == nil {
			return all, nil
		}
		in["cursor"] = *p.Next
	}
}

// Refusal is the problem document of an error, nil where it is none.
func Refusal(err error) *Problem {
	var p *Problem
	errors.As(err, &p)
	return p
}
