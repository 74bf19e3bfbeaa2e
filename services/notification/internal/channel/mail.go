package channel

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// OrganizationHeader carries the organization's opaque id in every mail, for the development sink.
const OrganizationHeader = "X-Handoff-Organization"

// Mail sends email over SMTP. Safe for concurrent use.
type Mail struct {
	server *url.URL
	from   string
	domain string
	links  string
}

// NewMail returns the email channel through an SMTP server: smtp://user:password@host:587 (STARTTLS,
// required unless the host is a loopback address) or smtps://. links is where people reach the console.
func NewMail(server, links string) (*Mail, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("--smtp-url must be like smtp://host:587 or smtps://host")
	}
	m := &Mail{server: u, links: links, domain: "handoff.localhost"}
	if l, err := url.Parse(links); err == nil && strings.Contains(l.Hostname(), ".") && net.ParseIP(l.Hostname()) == nil {
		m.domain = l.Hostname()
	}
	m.from = "no-reply@" + m.domain
	return m, nil
}

func (m *Mail) client() (*mail.Client, error) {
	port := 587
	options := []mail.Option{mail.WithTimeout(10 * time.Second), mail.WithHELO(m.domain)}
	ip, err := netip.ParseAddr(m.server.Hostname())
	loopback := m.server.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	switch {
	case m.server.Scheme == "smtps":
		port = 465
		options = append(options, mail.WithSSL())
	case loopback:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if p, err := strconv.Atoi(m.server.Port()); err == nil {
		port = p
	}
	options = append(options, mail.WithPort(port))
	if name := m.server.User.Username(); name != "" {
		pass, _ := m.server.User.Password()
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(name), mail.WithPassword(pass))
	}
	return mail.NewClient(m.server.Hostname(), options...)
}

// subjects say what kind of thing it is, and nothing about whom.
var subjects = map[string]string{
	notice.Opened:       "A discharge needs follow-up",
	notice.Overdue:      "Follow-up work is overdue",
	notice.Unanswered:   "A request was not answered in time",
	notice.Declined:     "A referral was declined",
	notice.Accepted:     "A referral was accepted",
	notice.Asked:        "A place is asked for",
	notice.Readmission:  "A discharged patient is back in hospital",
	notice.Quarantined:  "A feed sends messages that cannot be used",
	notice.EndpointGone: "A webhook receiver is gone",
}

// Send mails one delivery.
func (m *Mail) Send(ctx context.Context, p *store.Parcel) Result {
	if p.Email == "" {
		return Result{State: Suppressed, Reason: "no active person with an address"}
	}
	msg, err := m.message(p)
	if err != nil {
		return Result{State: Failed, Reason: "the address cannot be used"}
	}
	c, err := m.client()
	if err != nil {
		return Result{State: Failed, Reason: "the mail server's settings cannot be used"}
	}
	err = c.DialAndSendWithContext(ctx, msg)
	var refused *mail.SendError
	switch {
	case err == nil:
		return Result{State: Delivered, Reason: "accepted by the mail server"}
	case errors.As(err, &refused) && refused.ErrorCode() >= 500:
		return Result{State: Failed, Reason: "refused by the mail server: " + strconv.Itoa(refused.ErrorCode())}
	case errors.As(err, &refused) && refused.ErrorCode() >= 400:
		return Result{State: Pending, Reason: "put off by the mail server: " + strconv.Itoa(refused.ErrorCode())}
	}
	return Result{State: Pending, Reason: "the mail server cannot be reached"}
}

// message writes the mail: what kind of thing, where to look. The Message-ID is the same on every try.
func (m *Mail) message(p *store.Parcel) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.FromFormat("handoff", m.from); err != nil {
		return nil, err
	}
	if err := msg.To(p.Email); err != nil {
		return nil, err
	}
	subject := subjects[p.Kind]
	if subject == "" {
		subject = "Something needs your attention"
	}
	if !p.First {
		subject = "Update: " + subject
	}
	msg.Subject(subject)
	msg.SetMessageIDWithValue(ReferenceOf(p) + "@" + m.domain)
	msg.SetDateWithValue(p.Created)
	msg.SetGenHeader(OrganizationHeader, p.Org.String())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, subject+".\n\n"+stands(p)+
		"\n\nLook here: "+place(m.links, p)+
		"\n\nThis message names nobody on purpose. You receive it because you are on a roster or in a role;\nthe page above says why.\n")
	return msg, nil
}

// stands says in words how pressing a thing is, and how far it is.
func stands(p *store.Parcel) string {
	switch p.State {
	case "resolved":
		return "It is settled: nothing is left to do."
	case "acknowledged":
		return "Somebody sees to it."
	}
	if p.Severity == "routine" {
		return "It can wait for its turn. Nobody has taken it on yet."
	}
	return "It is " + string(p.Severity) + ". Nobody has taken it on yet."
}
