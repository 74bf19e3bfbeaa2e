package mllp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// The framing bytes.
const (
	VT = 0x0B // begins a frame
	FS = 0x1C // ends it, followed by CR
	CR = 0x0D
)

// Options of a Reader. Zero values mean the defaults.
type Options struct {
	MaxFrame int           // bytes of one message; default 2 MiB
	MaxSkip  int           // bytes of noise before a frame; default 1 KiB. CR, LF and NUL are heartbeats and do not count
	HeadSize int           // bytes kept of what could not be taken whole; default 4 KiB
	InFrame  time.Duration // patience inside a frame, to which each 16 KiB received add a second; default 30 s
	// SetReadDeadline is called with the end of that patience, and with the zero time after the frame. By default it
	// is the method of that name of the stream, if it has one.
	SetReadDeadline func(time.Time) error
	Buffer          int // bytes of the read buffer; default 8 KiB
}

// Kind says what is wrong with a frame.
type Kind uint8

// The kinds of FrameError.
const (
	Oversize  Kind = iota + 1 // longer than MaxFrame; the rest was skipped and the connection is in step
	Truncated                 // a new frame began inside it; the connection is in step, the new frame comes next
	Cut                       // the stream ended inside it
	Stalled                   // it did not come to its end in time
	Noise                     // more than MaxSkip bytes that are no frame: not an MLLP sender
	Endless                   // so far beyond MaxFrame that its end is not waited for
)

var kindTexts = [...]string{
	Oversize:  "frame is longer than the limit",
	Truncated: "a new frame began before this one ended",
	Cut:       "the connection ended inside a frame",
	Stalled:   "the frame did not end in time",
	Noise:     "bytes that are no MLLP frame",
	Endless:   "frame is many times longer than the limit",
}

// String is the kind in words.
func (k Kind) String() string {
	if int(k) >= len(kindTexts) || k == 0 {
		return "unknown"
	}
	return kindTexts[k]
}

// FrameError is a frame that could not be taken. Head is its beginning (at most Options.HeadSize bytes; of noise,
// without heartbeats), from which hl7.PeekHeader may still tell whom to answer; Size is how many of its bytes were seen.
type FrameError struct {
	Kind Kind
	Head []byte
	Size int64
	err  error
}

func (e *FrameError) Error() string { return fmt.Sprintf("mllp: %s (%d bytes)", e.Kind, e.Size) }

// Unwrap is the stream's own error, if one was the cause.
func (e *FrameError) Unwrap() error { return e.err }

// InStep says that reading may go on: the next ReadFrame gives the next frame.
func (e *FrameError) InStep() bool { return e.Kind == Oversize || e.Kind == Truncated }

// Reader takes frames from a stream.
type Reader struct {
	br      *bufio.Reader
	opts    Options
	opened  bool      // the VT of the next frame has been read
	began   time.Time // when the open frame began to keep us waiting
	waiting bool      // a deadline is set
	frame   []byte    // what has come of the open frame, if it was not all in the buffer
	size    int64     // bytes of the open frame, kept or not
}

// NewReader reads frames from r, most often a net.Conn.
func NewReader(r io.Reader, o Options) *Reader {
	o.MaxFrame = orDefault(o.MaxFrame, 2<<20)
	o.MaxSkip = orDefault(o.MaxSkip, 1<<10)
	o.HeadSize = orDefault(o.HeadSize, 4<<10)
	o.Buffer = orDefault(o.Buffer, 8<<10)
	if o.InFrame == 0 {
		o.InFrame = 30 * time.Second
	}
	if conn, ok := r.(interface{ SetReadDeadline(time.Time) error }); ok && o.SetReadDeadline == nil {
		o.SetReadDeadline = conn.SetReadDeadline
	}
	return &Reader{br: bufio.NewReaderSize(r, o.Buffer), opts: o}
}

func orDefault(v, otherwise int) int {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Buffered is how many bytes have been received but not given out. While it is not 0 the next frame has begun to
// arrive, so that replies may be held back to share a write.
func (r *Reader) Buffered() int { return r.br.Buffered() }

// ReadFrame gives the next message without its framing; the slice is the caller's. At the end of a stream that stopped
// between frames - also one that never sent any - it returns io.EOF; for what it could not take a *FrameError, after
// which it may be called again if InStep; else the stream's own error.
func (r *Reader) ReadFrame() ([]byte, error) {
	if !r.opened {
		if err := r.findStart(); err != nil {
			return nil, err
		}
	}
	r.opened, r.frame, r.size = false, []byte{}, 0
	body, err := r.body()
	if r.waiting {
		r.waiting = false
		if e := r.opts.SetReadDeadline(time.Time{}); e != nil && err == nil {
			err = e
		}
	}
	r.frame = nil
	return body, err
}

// findStart reads up to and including VT.
func (r *Reader) findStart() error {
	var head []byte
	for noise := 0; ; {
		chunk, err := r.chunk()
		if err != nil {
			return err
		}
		for i, c := range chunk {
			switch c {
			case VT:
				r.discard(i + 1)
				return nil
			case '\r', '\n', 0, FS:
				continue
			}
			if len(head) < r.opts.HeadSize {
				head = append(head, c)
			}
			if noise++; noise > r.opts.MaxSkip {
				return &FrameError{Kind: Noise, Head: head, Size: int64(noise)}
			}
		}
		r.discard(len(chunk))
	}
}

// head is old and more, at most HeadSize bytes and no part of the buffer.
func (r *Reader) head(old, more []byte) []byte {
	room := max(r.opts.HeadSize-len(old), 0)
	return append(old[:min(len(old), r.opts.HeadSize):min(len(old), r.opts.HeadSize)], more[:min(len(more), room)]...)
}

// body reads up to and including FS. The CR after it is left to be skipped before the next frame, so that a sender who
// leaves it out is not waited for.
func (r *Reader) body() ([]byte, error) {
	for {
		if r.br.Buffered() == 0 {
			if err := r.patience(); err != nil {
				return nil, err
			}
		}
		chunk, err := r.chunk()
		if err != nil {
			return nil, r.broken(err)
		}
		end := bytes.IndexByte(chunk, FS)
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		vt := bytes.IndexByte(part, VT)
		if vt >= 0 {
			part = part[:vt]
		}
		r.keep(part)
		r.discard(len(part))
		switch {
		case r.size > 16*int64(r.opts.MaxFrame):
			return nil, r.failure(Endless, nil)
		case vt >= 0 && r.size == 0: // VT twice
			r.discard(1)
		case vt >= 0:
			r.discard(1)
			r.opened = true
			return nil, r.failure(Truncated, nil)
		case end >= 0:
			r.discard(1)
			if r.size > int64(r.opts.MaxFrame) {
				return nil, r.failure(Oversize, nil)
			}
			return r.frame, nil
		}
	}
}

// keep adds a part of the open frame; of one that is too long only the head is kept.
func (r *Reader) keep(part []byte) {
	r.size += int64(len(part))
	switch {
	case r.size > int64(r.opts.MaxFrame):
		if len(r.frame) < r.opts.HeadSize {
			r.frame = r.head(r.frame, part)
		} else if len(r.frame) > r.opts.HeadSize {
			r.frame = r.head(nil, r.frame)
		}
	case len(r.frame) == 0:
		r.frame = append(make([]byte, 0, len(part)), part...)
	default:
		r.frame = append(r.frame, part...)
	}
}

func (r *Reader) failure(k Kind, err error) error {
	return &FrameError{Kind: k, Head: r.head(nil, r.frame), Size: r.size, err: err}
}

func (r *Reader) broken(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return r.failure(Cut, io.ErrUnexpectedEOF)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return r.failure(Stalled, err)
	}
	return r.failure(Cut, err)
}

// patience sets the deadline before a read inside a frame. A frame that is all in the buffer never needs one.
func (r *Reader) patience() error {
	if r.opts.SetReadDeadline == nil {
		return nil
	}
	if !r.waiting {
		r.waiting, r.began = true, time.Now()
	}
	return r.opts.SetReadDeadline(r.began.Add(r.opts.InFrame + time.Duration(r.size)*(time.Second>>14)))
}

// chunk is what is in the buffer, after waiting for at least one byte.
func (r *Reader) chunk() ([]byte, error) {
	if r.br.Buffered() == 0 {
		if _, err := r.br.Peek(1); err != nil {
			return nil, err
		}
	}
	return r.br.Peek(r.br.Buffered())
}

func (r *Reader) discard(n int) {
	// Never more than is in the buffer, which cannot fail.
	_, _ = r.br.Discard(n)
}
