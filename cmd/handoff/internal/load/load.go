// Package load sends a bounded, deterministic load of ADT messages over MLLP and measures how it is
// answered. Every message has an id of its own and belongs to a stay of its own run: A01, A02, A08,
// A08, A03, so that one in five is a discharge. Event times are now.
//
// Guarantee: each acknowledgement is checked (positive, for the message sent) before it counts; one
// message is in flight per connection, as hospitals' engines do it.
package load

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// Plan is one run. Rate 0 is as fast as acknowledgements allow.
type Plan struct {
	Addr        string
	Run         string // distinguishes the ids of runs
	Connections int
	Rate        float64 // messages/s over all connections
	For         time.Duration
}

// Result is what a run came to.
type Result struct {
	Sent, Discharges int
	Took             time.Duration
	AckP50, AckP99   time.Duration
	Refused          int
	Err              error
}

// PerSecond is the accepted rate.
func (r Result) PerSecond() float64 { return float64(r.Sent) / r.Took.Seconds() }

// Do runs a plan to its end, or until ctx is done.
func Do(ctx context.Context, p Plan) Result {
	ctx, cancel := context.WithTimeout(ctx, p.For)
	defer cancel()
	start := time.Now()
	parts := make([]part, p.Connections)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { parts[i].run(ctx, p, i, start) })
	}
	wg.Wait()
	r := Result{Took: time.Since(start)}
	var acks []time.Duration
	for _, pt := range parts {
		r.Sent, r.Discharges, r.Refused = r.Sent+len(pt.acks), r.Discharges+pt.discharges, r.Refused+pt.refused
		acks = append(acks, pt.acks...)
		if pt.err != nil && r.Err == nil {
			r.Err = pt.err
		}
	}
	if len(acks) > 0 {
		slices.Sort(acks)
		r.AckP50, r.AckP99 = acks[len(acks)/2], acks[min(len(acks)-1, len(acks)*99/100)]
	}
	return r
}

// part is one connection's share.
type part struct {
	acks                []time.Duration
	discharges, refused int
	err                 error
}

func (pt *part) run(ctx context.Context, p Plan, at int, start time.Time) {
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		pt.err = err
		return
	}
	defer conn.Close()
	in := mllp.NewReader(conn, mllp.Options{})
	g := generator{run: p.Run, conn: at}
	var frame []byte
	for n := 0; ctx.Err() == nil; n++ {
		if p.Rate > 0 && !pace(ctx, start, p, at, n) {
			return
		}
		id, trigger, body := g.next(time.Now())
		if frame, err = mllp.AppendFrame(frame[:0], body); err != nil {
			pt.err = err
			return
		}
		sent := time.Now()
		if err := pt.exchange(conn, in, frame, id); err != nil {
			pt.err = err
			return
		}
		pt.acks = append(pt.acks, time.Since(sent))
		if trigger == "A03" {
			pt.discharges++
		}
	}
}

// pace waits for the n-th message's turn: turns are spread evenly over connections.
func pace(ctx context.Context, start time.Time, p Plan, at, n int) bool {
	turn := float64(n*p.Connections+at) / p.Rate
	d := time.Until(start.Add(time.Duration(turn * float64(time.Second))))
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (pt *part) exchange(conn net.Conn, in *mllp.Reader, frame []byte, id string) error {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(frame); err != nil {
		return err
	}
	reply, err := in.ReadFrame()
	if err != nil {
		return err
	}
	m, err := hl7.Parse(reply)
	if err != nil {
		return err
	}
	msa := m.Segment("MSA")
	code, of := msa.Field(1).String(), msa.Field(2).String()
	if of != id {
		return fmt.Errorf("the answer is for %q, not for %q", of, id)
	}
	if code != "AA" && code != "CA" {
		pt.refused++
		return fmt.Errorf("message %s was answered %s", id, code)
	}
	return nil
}
