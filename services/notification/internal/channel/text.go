package channel

import (
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/notification/internal/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// now is the time of a record: microseconds, as the database keeps them.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// place is the console's page about a delivery: the episode, or for what has none the operations page.
func place(links string, p *store.Parcel) string {
	if p.Encounter.IsZero() {
		return links + "/operations"
	}
	return links + "/episodes/" + p.Encounter.String()
}

func readBody(m *mail.Message) (string, error) {
	var r io.Reader = m.Body
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	return string(b), err
}

func decodeWord(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}
