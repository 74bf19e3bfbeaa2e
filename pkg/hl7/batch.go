package hl7

import (
	"bytes"
	"strconv"
)

// Batch is what a file or a frame holds: any number of messages, in batches or bare.
type Batch struct {
	Messages   [][]byte // each from its MSH to the end of its last segment; parts of the input
	Unusable   []Span   // what stands outside any message and is no batch segment
	File       bool     // there was an FHS
	Batches    int      // how many BHS
	Mismatches []Count  // trailers that count otherwise than we do
}

// Span is a run of bytes of the input.
type Span struct{ Start, End int }

// Count is a trailer's claim: BTS-1 counts messages of its batch, FTS-1 batches of the file.
type Count struct {
	Segment        string // BTS or FTS
	Claimed, Found int
}

// Split divides [FHS] {[BHS] MSH... [BTS]} [FTS], or any run of messages, into messages, without changing a byte. It
// never fails: input without a message gives none, and says in Unusable where its bytes are.
func Split(data []byte) Batch {
	var s splitter
	s.data = data
	for p := skipNoise(data); p < len(data); {
		end := p + len(firstLine(data[p:]))
		s.line(p, end)
		for p = end; p < len(data) && (data[p] == '\r' || data[p] == '\n'); p++ {
		}
	}
	s.close()
	s.trailers()
	return s.batch
}

type splitter struct {
	data       []byte
	batch      Batch
	start, end int // the open message or span
	open       bool
	junk       bool // the open thing is a span
	inBatch    int  // messages since the last BHS
	pending    []Count
}

func (s *splitter) line(p, end int) {
	line := bytes.TrimLeft(s.data[p:end], "\x0b\x1c\x00")
	line = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF"))
	p = end - len(line)
	if len(line) == 0 {
		return
	}
	switch {
	case hasName(line, "MSH"):
		s.close()
		s.start, s.open, s.junk = p, true, false
		s.inBatch++
	case hasName(line, "FHS"):
		s.close()
		s.batch.File = true
		return
	case hasName(line, "BHS"):
		s.close()
		s.batch.Batches++
		s.inBatch = 0
		return
	case hasName(line, "BTS") || string(line) == "BTS":
		s.close()
		s.claim("BTS", line, s.inBatch)
		s.inBatch = 0
		return
	case hasName(line, "FTS") || string(line) == "FTS":
		s.close()
		s.claim("FTS", line, -1)
		return
	case !s.open:
		s.start, s.open, s.junk = p, true, true
	}
	s.end = end
}

func (s *splitter) close() {
	switch {
	case !s.open:
	case s.junk:
		s.batch.Unusable = append(s.batch.Unusable, Span{s.start, s.end})
	default:
		s.batch.Messages = append(s.batch.Messages, s.data[s.start:s.end:s.end])
	}
	s.open = false
}

func (s *splitter) claim(name string, line []byte, found int) {
	if len(line) < 4 {
		return
	}
	field, _, _ := cut(line[4:], line[3])
	if n, err := strconv.Atoi(string(bytes.TrimSpace(field))); err == nil {
		s.pending = append(s.pending, Count{Segment: name, Claimed: n, Found: found})
	}
}

// trailers checks what was claimed once everything has been counted.
func (s *splitter) trailers() {
	for _, c := range s.pending {
		if c.Segment == "FTS" {
			c.Found = max(s.batch.Batches, min(1, len(s.batch.Messages)))
		}
		if c.Claimed != c.Found {
			s.batch.Mismatches = append(s.batch.Mismatches, c)
		}
	}
}
