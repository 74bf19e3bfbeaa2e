package run

import (
	"io"
	"net/http"
	"strconv"
	"sync"
)

// answer runs a handler as if it were at the other end of a connection: the response is returned as
// soon as its header is written, and its body is read while the handler writes it.
func answer(h http.Handler, in, asked *http.Request) *http.Response {
	r, w := io.Pipe()
	p := &pipeWriter{header: http.Header{}, body: w, started: make(chan struct{})}
	go func() {
		defer func() {
			if v := recover(); v != nil {
				p.WriteHeader(http.StatusInternalServerError)
				_ = w.CloseWithError(io.ErrUnexpectedEOF)
				if v != http.ErrAbortHandler {
					panic(v)
				}
			}
		}()
		h.ServeHTTP(p, in)
		p.WriteHeader(http.StatusOK)
		_ = w.Close()
	}()
	<-p.started
	return &http.Response{
		Status: strconv.Itoa(p.code) + " " + http.StatusText(p.code), StatusCode: p.code, Header: p.sent,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Body: r, Request: asked,
	}
}

// pipeWriter is the ResponseWriter of answer.
type pipeWriter struct {
	header, sent http.Header
	body         *io.PipeWriter
	once         sync.Once
	started      chan struct{}
	code         int
}

// Header implements http.ResponseWriter.
func (p *pipeWriter) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter; the first call counts.
func (p *pipeWriter) WriteHeader(code int) {
	p.once.Do(func() {
		p.code, p.sent = code, p.header.Clone()
		close(p.started)
	})
}

// Write implements http.ResponseWriter; it waits for the reader.
func (p *pipeWriter) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// Flush implements http.Flusher: nothing is held back.
func (p *pipeWriter) Flush() { p.WriteHeader(http.StatusOK) }
