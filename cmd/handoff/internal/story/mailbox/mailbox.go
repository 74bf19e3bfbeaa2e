// Package mailbox is a mail server that outlives the system under test: what it was told to deliver
// is what people would have read.
//
// Guarantee: every mail whose delivery it confirmed is in Mails, as often as it was confirmed.
package mailbox

import (
	"errors"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// Mail is one mail, confirmed once.
type Mail struct {
	To        []string
	MessageID string
	Subject   string
	Body      string
}

// Box takes mail on a loopback address. Safe for concurrent use.
type Box struct {
	listener net.Listener
	server   *smtp.Server
	mu       sync.Mutex
	mails    []Mail
}

// Open starts a mail server on a free port.
func Open() (*Box, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &Box{listener: l}
	b.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }))
	b.server.Domain = "mailbox.localhost"
	go func() { _ = b.server.Serve(l) }() // it ends with an error when it is closed
	return b, nil
}

// URL is what --smtp-url takes.
func (b *Box) URL() string { return "smtp://" + b.listener.Addr().String() }

// Close stops the server.
func (b *Box) Close() error { return b.server.Close() }

// Mails are all so far, oldest first.
func (b *Box) Mails() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Mail(nil), b.mails...)
}

type session struct {
	box *Box
	to  []string
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.to = nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	content := m.Body
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		content = quotedprintable.NewReader(content)
	}
	body, err := io.ReadAll(content)
	if err != nil {
		return errors.New("the body ends too soon")
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, Mail{
		To: append([]string(nil), s.to...), MessageID: m.Header.Get("Message-Id"), Subject: m.Header.Get("Subject"),
		Body: string(body),
	})
	return nil
}
