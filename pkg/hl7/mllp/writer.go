package mllp

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// ErrBody says that a message holds a framing byte and cannot be framed: MLLP has no escaping.
var ErrBody = errors.New("mllp: message holds a framing byte (VT or FS)")

// AppendFrame appends body as a frame. Several frames may share one write.
func AppendFrame(dst, body []byte) ([]byte, error) {
	if bytes.IndexByte(body, VT) >= 0 || bytes.IndexByte(body, FS) >= 0 {
		return dst, ErrBody
	}
	dst = append(dst, VT)
	dst = append(dst, body...)
	return append(dst, FS, CR), nil
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// WriteFrame writes body as a frame, in one write: some receivers take one read for one message.
func WriteFrame(w io.Writer, body []byte) error {
	buf := buffers.Get().(*[]byte)
	frame, err := AppendFrame((*buf)[:0], body)
	if err == nil {
		_, err = w.Write(frame)
	}
	if cap(frame) <= 64<<10 { // a rare large frame is not kept
		*buf = frame
		buffers.Put(buf)
	}
	return err
}
