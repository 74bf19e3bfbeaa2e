package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/mail"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/handoff-care/handoff/pkg/events"
)

const sinkKeeps = 500

// Sunk is a mail that the development sink caught.
type Sunk struct {
	At        time.Time `json:"at"`
	MessageID string    `json:"message_id"`
	From      string    `json:"from"`
	To        []string  `json:"to"`
	Subject   string    `json:"subject"`
	Body      string    `json:"body"`
	org       events.ID
}

// Sink is a real SMTP server on loopback that keeps the last mails instead of sending them on. Safe
// for concurrent use. For development only.
type Sink struct {
	listener net.Listener
	server   *smtp.Server
	mu       sync.Mutex
	mails    []Sunk
	// Refuse, if set, may answer a recipient with an error instead; tests use it.
	Refuse func(to string) error
}

// NewSink listens on a free loopback port. Run it.
func NewSink() (*Sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Sink{listener: l}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &sinkSession{sink: s}, nil }))
	s.server.Domain = "sink.handoff.localhost"
	s.server.MaxMessageBytes, s.server.MaxRecipients = 1<<20, 50
	s.server.ReadTimeout, s.server.WriteTimeout = 30*time.Second, 30*time.Second
	return s, nil
}

// URL is where NewMail reaches the sink.
func (s *Sink) URL() string { return "smtp://" + s.listener.Addr().String() }

// Run serves until ctx is done.
func (s *Sink) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() })
	defer stop()
	err := s.server.Serve(s.listener)
	if ctx.Err() != nil || errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return err
}

// Mails are the caught mails of an organization, newest first.
func (s *Sink) Mails(org events.ID) []Sunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Sunk
	for _, m := range slices.Backward(s.mails) {
		if m.org == org {
			out = append(out, m)
		}
	}
	return out
}

type sinkSession struct {
	sink *Sink
	from string
	to   []string
}

func (s *sinkSession) Reset()        { s.from, s.to = "", nil }
func (s *sinkSession) Logout() error { return nil }

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.sink.Refuse != nil {
		if err := s.sink.Refuse(to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "not a mail"}
	}
	body, err := readBody(m)
	if err != nil {
		return err
	}
	org, _ := events.ParseID(m.Header.Get(OrganizationHeader)) // a mail from elsewhere belongs to nobody
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.mails = append(s.sink.mails, Sunk{
		At: time.Now().UTC().Truncate(time.Microsecond), MessageID: m.Header.Get("Message-ID"), From: s.from, To: s.to,
		Subject: decodeWord(m.Header.Get("Subject")), Body: body, org: org,
	})
	if n := len(s.sink.mails); n > sinkKeeps {
		s.sink.mails = slices.Delete(s.sink.mails, 0, n-sinkKeeps)
	}
	return nil
}
