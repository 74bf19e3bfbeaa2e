package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// The decisions beside routing's selected, excluded and suppressed.
const (
	Attempted    = "attempted"
	Delivered    = "delivered"
	Failed       = "failed"
	Seen         = "seen"
	Acknowledged = "acknowledged"
	Corrected    = "corrected"
	Escalated    = "escalated"
	Resolved     = "resolved"
	Suppressed   = "suppressed"
	HandedOver   = "handed-over"
	TakenBack    = "taken-back"
	Muted        = "muted"
	Unmuted      = "unmuted"
)

// Row is one decision.
type Row struct {
	Seq       int64 // place in the log; the order of commits
	Org       events.ID
	At        time.Time // microseconds, UTC
	Decision  string
	Alert     events.ID
	Version   int    // of the alert
	Recipient string // person id, "role:x", "endpoint:<id>" or ""
	Channel   string
	Reason    string
	Event     events.ID // what led to it; zero for a person's or a timer's act
	Actor     string    // the person who did it, or ""
}

// Link seals the rows of one organization with From < Seq <= To.
type Link struct {
	Org      events.ID
	Number   int64 // 1..n without a gap
	From, To int64
	Rows     int
	Hash     [32]byte
	At       time.Time
}

// seal is a chain being extended.
type seal struct {
	sum [32]byte
	buf []byte
}

// add folds a row in: sum = SHA-256(sum || canonical row).
func (s *seal) add(r *Row) {
	s.buf = append(s.buf[:0], s.sum[:]...)
	s.buf = r.canonical(s.buf)
	s.sum = sha256.Sum256(s.buf)
}

// canonical appends the row in a form that no two different rows share: fixed-width numbers, and
// length before each text.
func (r *Row) canonical(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.Seq))
	b = append(b, r.Org[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	b = append(b, r.Alert[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(r.Version))
	b = append(b, r.Event[:]...)
	for _, s := range [...]string{r.Decision, r.Recipient, r.Channel, r.Reason, r.Actor} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

// Extend seals rows, which are in order of Seq and all of last's organization, as the link after
// last. The first link of an organization follows Link{Org: org}.
func Extend(last Link, rows []Row, at time.Time) Link {
	s := seal{sum: last.Hash}
	for i := range rows {
		s.add(&rows[i])
	}
	return Link{
		Org: last.Org, Number: last.Number + 1, From: last.To, To: rows[len(rows)-1].Seq,
		Rows: len(rows), Hash: s.sum, At: at,
	}
}

// Checker verifies a chain as it is read: give it each link, in order, with its rows.
type Checker struct {
	last Link
	rows int64
}

// NewChecker starts before the first link of an organization.
func NewChecker(org events.ID) *Checker { return &Checker{last: Link{Org: org}} }

// NewCheckerAfter starts after a link that is taken as it is.
func NewCheckerAfter(l Link) *Checker { return &Checker{last: l} }

// Check verifies the next link against the rows found for it. The error says what does not hold.
func (c *Checker) Check(l Link, rows []Row) error {
	switch {
	case l.Number != c.last.Number+1:
		return fmt.Errorf("link %d is followed by link %d", c.last.Number, l.Number)
	case l.From != c.last.To:
		return fmt.Errorf("link %d starts after row %d, the one before ends at row %d", l.Number, l.From, c.last.To)
	case len(rows) != l.Rows || len(rows) == 0:
		return fmt.Errorf("link %d sealed %d rows after row %d up to row %d, %d are here", l.Number, l.Rows, l.From, l.To, len(rows))
	}
	want := Extend(c.last, rows, l.At)
	if !bytes.Equal(want.Hash[:], l.Hash[:]) {
		return fmt.Errorf("the rows of link %d (row %d to row %d) are not the rows that were sealed", l.Number, rows[0].Seq, rows[len(rows)-1].Seq)
	}
	c.last = l
	c.rows += int64(len(rows))
	return nil
}

// Head is the last link that holds, and how many rows are proved by it.
func (c *Checker) Head() (Link, int64) { return c.last, c.rows }
