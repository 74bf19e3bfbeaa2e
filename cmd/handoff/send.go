package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/deliver"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

type sendCommand struct {
	To       string        `default:"127.0.0.1:2575" placeholder:"HOST:PORT" help:"Where to send."`
	Files    []string      `arg:"" name:"file" help:"HL7 files (one message, several, batches) or MLLP captures; - is standard input."`
	Quiet    bool          `short:"q" help:"Print a line only for messages that were not accepted."`
	Whole    bool          `help:"Send each file as one frame, as it is: for what is meant to be wrong."`
	Reply    time.Duration `default:"30s" help:"How long to wait for each reply."`
	Attempts int           `default:"3" help:"How often to send a message that gets no reply."`
	peer     `embed:""`
}

// peer is how to trust and be trusted by an MLLP receiver.
type peer struct {
	TLS    bool   `name:"tls" help:"Use TLS."`
	CA     string `name:"ca" placeholder:"FILE" help:"Authorities that may have signed the receiver's certificate, besides the system's."`
	Cert   string `placeholder:"FILE" help:"Our certificate, which names the feed."`
	Key    string `placeholder:"FILE" help:"Key of --cert."`
	Server string `name:"server-name" placeholder:"NAME" help:"Name in the receiver's certificate, where it is not the host's."`
}

// Run sends the files; any message that was not accepted makes the command fail.
func (c *sendCommand) Run(ctx context.Context, term terminal) error {
	security, err := c.config()
	if err != nil {
		return err
	}
	client := mllp.NewClient(c.To, mllp.ClientOptions{TLS: security, Reply: c.Reply, Attempts: c.Attempts})
	defer client.Close()
	if err := client.Connect(ctx); err != nil {
		return fmt.Errorf("nothing takes messages at %s: %w", c.To, err)
	}
	report := &deliver.Report{Out: term.Out, Quiet: c.Quiet}
	failed := false
	for _, name := range c.Files {
		messages, err := c.messages(name, term.In)
		if err != nil {
			fmt.Fprintf(term.Err, "handoff: %s: %v\n", name, err)
			failed = true
			continue
		}
		if err := report.File(ctx, client, name, messages); err != nil {
			failed = true
			break
		}
	}
	fmt.Fprintln(term.Out, report.Summary())
	if failed || !report.OK() {
		return errSaid
	}
	return nil
}

func (c *sendCommand) messages(name string, stdin io.Reader) ([][]byte, error) {
	var content []byte
	var err error
	if name == "-" {
		content, err = io.ReadAll(stdin)
	} else {
		content, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, err
	}
	if c.Whole {
		return [][]byte{content}, nil
	}
	return deliver.Messages(content)
}

// config is nil for plain connections.
func (p peer) config() (*tls.Config, error) {
	if !p.TLS && p.Cert == "" && p.CA == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.Server}
	if p.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pem, err := os.ReadFile(p.CA)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", p.CA)
		}
		cfg.RootCAs = pool
	}
	if p.Cert != "" {
		own, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}
