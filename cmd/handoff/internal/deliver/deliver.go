package deliver

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// Sender is the connection messages go over.
type Sender interface {
	Send(ctx context.Context, msg []byte) (mllp.Reply, error)
}

// Report counts what became of the messages sent so far and writes a line for each.
type Report struct {
	Out   io.Writer
	Quiet bool // write lines only for what was not accepted

	Sent, Accepted int
	codes          map[hl7.Code]int
	took           []time.Duration
	began          time.Time
}

// File sends the messages of one file. It returns an error only where going on makes no sense: no
// reply came, or ctx is done.
func (r *Report) File(ctx context.Context, to Sender, name string, messages [][]byte) error {
	if r.began.IsZero() {
		r.began, r.codes = time.Now(), map[hl7.Code]int{}
	}
	for i, msg := range messages {
		start := time.Now()
		reply, err := to.Send(ctx, msg)
		took := time.Since(start)
		r.Sent++
		if err != nil {
			fmt.Fprintf(r.Out, "%s:%d %s no reply: %v\n", name, i+1, describe(msg), err)
			return fmt.Errorf("%s: message %d got no reply: %w", name, i+1, err)
		}
		r.codes[reply.Code]++
		r.took = append(r.took, took)
		if reply.Code.Positive() {
			r.Accepted++
			if r.Quiet {
				continue
			}
		}
		fmt.Fprintf(r.Out, "%s:%d %s %s%s %s%s\n", name, i+1, describe(msg), reply.Code, text(reply), round(took), again(reply))
	}
	return nil
}

// describe names a message by its type and control id, which say nothing of the patient.
func describe(msg []byte) string {
	h, ok := hl7.PeekHeader(msg)
	if !ok {
		return "(no MSH)"
	}
	kind := string(h.Type)
	if parts := slices.Index(h.Type, h.Delimiters.Component); parts >= 0 {
		m, err := hl7.Parse(msg)
		if err == nil {
			kind = m.Get("MSH-9.1").String() + "^" + m.Trigger()
		}
	}
	id := string(h.ControlID)
	if id == "" {
		id = "(no control id)"
	}
	return kind + " " + id
}

func text(r mllp.Reply) string {
	if r.Text == "" || r.Code.Positive() {
		return ""
	}
	return fmt.Sprintf(" (%s)", r.Text)
}

func again(r mllp.Reply) string {
	if r.Attempts <= 1 {
		return ""
	}
	return fmt.Sprintf(" after %d attempts", r.Attempts)
}

// OK reports whether every message sent was accepted, and there was one.
func (r *Report) OK() bool { return r.Sent > 0 && r.Accepted == r.Sent }

// Summary is one line about all files.
func (r *Report) Summary() string {
	if r.Sent == 0 {
		return "nothing was sent"
	}
	line := fmt.Sprintf("%d sent, %d accepted", r.Sent, r.Accepted)
	for _, c := range []hl7.Code{hl7.AE, hl7.AR, hl7.CE, hl7.CR} {
		if n := r.codes[c]; n > 0 {
			line += fmt.Sprintf(", %d %s", n, c)
		}
	}
	if n := r.Sent - len(r.took); n > 0 {
		line += fmt.Sprintf(", %d without a reply", n)
	}
	if len(r.took) == 0 {
		return line
	}
	elapsed := time.Since(r.began)
	slices.Sort(r.took)
	at := func(q float64) time.Duration { return r.took[min(int(q*float64(len(r.took))), len(r.took)-1)] }
	return fmt.Sprintf("%s; %.0f/s, reply p50 %s p99 %s", line, float64(len(r.took))/max(elapsed.Seconds(), 1e-6), round(at(.5)), round(at(.99)))
}

func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
