package hl7_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/handoff-care/handoff/pkg/hl7"
)

// FuzzParse: no input panics, changes a byte, reads as text a database refuses, or cannot be answered.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.hl7")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		h, _ := hl7.PeekHeader(data)
		checkAnswer(t, h)
		for _, raw := range append(hl7.Split(data).Messages, data) {
			m, err := hl7.Parse(raw)
			if err != nil {
				continue
			}
			checkAnswer(t, m.Header())
			checkRebuild(t, m)
			checkTexts(t, m)
			if !bytes.Equal(m.Raw(), raw) {
				t.Fatal("the message is not what was received")
			}
		}
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
	})
}

func checkAnswer(t *testing.T, h hl7.Header) {
	t.Helper()
	ack := hl7.Ack(h, hl7.Reply{Code: hl7.AA, ID: "R9", Time: ackTime, Mode: hl7.OriginalMode})
	m, err := hl7.Parse(ack)
	if err != nil {
		t.Fatalf("the answer %q does not parse: %v", ack, err)
	}
	// FS ends a message, so that one at the end of the answer is not read as part of it.
	want := bytes.TrimRight(h.ControlID, "\x1c")
	if got := bytes.TrimRight(m.Segment("MSA").Field(2).Raw(), "\x1c"); !bytes.Equal(got, want) {
		t.Fatalf("MSA-2 is %q for %q", got, h.ControlID)
	}
}

func checkTexts(t *testing.T, m *hl7.Message) {
	t.Helper()
	zone := m.Zone(time.UTC)
	var b strings.Builder
	describeMessage(&b, m)
	for s := range m.Segments() {
		for n := 1; n <= min(s.Len(), 100); n++ {
			f := s.Field(n)
			for _, text := range []string{f.String(), f.Text(), f.CX().Authority.UniversalID, f.Name().Family} {
				if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
					t.Fatalf("%q reads as %q", f.Raw(), text)
				}
			}
			if d, err := f.DTM(); err == nil {
				d.In(zone)
			}
		}
	}
}

// FuzzDTM: what reads as a timestamp is one instant, and is written so that it reads the same.
func FuzzDTM(f *testing.F) {
	for _, s := range []string{"2026", "20260401101530.1234-0500", "2026-04-01T10:15:30Z", "202604012400", "19800000", " 20260401 ", "2026040110:15+02"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := hl7.ParseDTM(s)
		if err != nil || d.IsZero() {
			return
		}
		again, err := hl7.ParseDTM(d.String())
		if err != nil || again.Precision != d.Precision {
			t.Fatalf("%q is written %q, which reads as %v, %v", s, d, again, err)
		}
		if a, b := d.In(time.UTC).Truncate(100*time.Microsecond), again.In(time.UTC); !a.Equal(b) {
			t.Fatalf("%q is %s, written %s", s, a, b)
		}
	})
}
