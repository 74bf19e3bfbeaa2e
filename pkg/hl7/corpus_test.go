package hl7_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestCorpus reads every file of the corpus and compares what is said of it with its golden file. With CORPUS=dir it
// reads any folder instead - also captures with MLLP framing - and prints, for each file, what could not be used.
func TestCorpus(t *testing.T) {
	if dir := os.Getenv("CORPUS"); dir != "" {
		readFolder(t, dir)
		return
	}
	files, err := filepath.Glob("testdata/corpus/*.hl7")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".hl7")
		t.Run(name, func(t *testing.T) {
			data := read(t, file)
			got := describeFile(t, data)
			golden := filepath.Join("testdata/golden", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("reads otherwise than %s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// describeFile says everything that the package makes of a file.
func describeFile(t *testing.T, data []byte) string {
	var b strings.Builder
	if _, err := hl7.Parse(data); err != nil {
		fmt.Fprintf(&b, "as one message: %v\n", err)
		var p *hl7.ParseError
		if !errors.As(err, &p) {
			t.Fatalf("error is a %T", err)
		}
		h, ok := hl7.PeekHeader(data)
		fmt.Fprintf(&b, "header found: %v\nanswer:\n%s", ok, lines(hl7.Ack(h, hl7.Reply{Code: hl7.AE, ID: "R1", Faults: []hl7.Fault{p.Fault()}})))
	}
	batch := hl7.Split(data)
	fmt.Fprintf(&b, "messages %d, batches %d, file %v, unusable %v, trailers wrong %v\n",
		len(batch.Messages), batch.Batches, batch.File, batch.Unusable, batch.Mismatches)
	for _, raw := range batch.Messages {
		m, err := hl7.Parse(raw)
		if err != nil {
			fmt.Fprintf(&b, "refused: %v\n", err)
			continue
		}
		checkRebuild(t, m)
		describeMessage(&b, m)
	}
	return b.String()
}

func lines(b []byte) string { return strings.ReplaceAll(string(b), "\r", "\n") }

func describeMessage(b *strings.Builder, m *hl7.Message) {
	fmt.Fprintf(b, "\n%s trigger %q control id %q charset %s delimiters %q fragment %v\n",
		m.Type(), m.Trigger(), m.ControlID(), m.Charset(), m.Delimiters().MSH2(), m.Fragment())
	for _, w := range m.Warnings() {
		fmt.Fprintf(b, "warning: %s\n", w)
	}
	for s := range m.Segments() {
		fmt.Fprintf(b, "%q\n", s.Name())
		for n := 1; n <= s.Len(); n++ {
			describeField(b, n, s.Field(n))
		}
	}
}

func describeField(b *strings.Builder, n int, f hl7.Field) {
	if f.Empty() {
		return
	}
	i := 0
	for r := range f.Reps() {
		i++
		fmt.Fprintf(b, "  %d[%d]", n, i)
		if r.IsNull() {
			b.WriteString(" null")
		}
		last := 1
		for c := 2; c <= 20; c++ {
			if !r.Component(c).Empty() {
				last = c
			}
		}
		for c := 1; c <= last; c++ {
			fmt.Fprintf(b, " %q", r.Component(c).String())
			for sub := 2; !r.Component(c).Sub(sub).Empty(); sub++ {
				fmt.Fprintf(b, "&%q", r.Component(c).Sub(sub).String())
			}
		}
		if d, err := r.DTM(); err == nil && !d.IsZero() && len(r.Raw()) >= 8 {
			fmt.Fprintf(b, " (%s)", d)
		}
		b.WriteByte('\n')
	}
}

// checkRebuild: joining the parts again gives the bytes back, level by level.
func checkRebuild(t *testing.T, m *hl7.Message) {
	t.Helper()
	d := m.Delimiters()
	for s := range m.Segments() {
		rebuilt := []byte(s.Name())
		for n := 1; n <= s.Len(); n++ {
			f := s.Field(n)
			header := s.Name() == "MSH" && n <= 2
			if header && n == 1 {
				rebuilt = append(rebuilt, f.Raw()...)
				continue
			}
			if !header && (n > 1 || s.Name() != "") {
				rebuilt = append(rebuilt, d.Field)
			}
			rebuilt = append(rebuilt, f.Raw()...)
			if !header {
				checkField(t, f, d)
			}
		}
		if !bytes.Equal(rebuilt, s.Raw()) {
			t.Errorf("segment %q is rebuilt as %q", s.Raw(), rebuilt)
		}
	}
}

func checkField(t *testing.T, f hl7.Field, d hl7.Delimiters) {
	t.Helper()
	var whole [][]byte
	for r := 1; r <= 1+count(f.Raw(), d.Repetition); r++ {
		rep := f.Rep(r)
		var comps [][]byte
		for c := 1; c <= 1+count(rep.Raw(), d.Component); c++ {
			comp := rep.Component(c)
			var subs [][]byte
			for s := 1; s <= 1+count(comp.Raw(), d.Subcomponent); s++ {
				subs = append(subs, comp.Sub(s).Raw())
			}
			comps = append(comps, bytes.Join(subs, []byte{d.Subcomponent}))
		}
		whole = append(whole, bytes.Join(comps, []byte{d.Component}))
	}
	if got := bytes.Join(whole, []byte{d.Repetition}); !bytes.Equal(got, f.Raw()) {
		t.Errorf("field %q is rebuilt as %q", f.Raw(), got)
	}
}

func count(b []byte, sep byte) int {
	if sep == 0 {
		return 0
	}
	return bytes.Count(b, []byte{sep})
}

// readFolder reads any messages there are; only a panic or a changed byte fails. It prints no content.
func readFolder(t *testing.T, dir string) {
	var files, messages, refused int
	kinds := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		data := read(t, path)
		batch := hl7.Split(data)
		if filepath.Ext(path) == ".mllp" {
			checkFrames(t, data, batch.Messages)
		}
		var remarks []string
		for _, span := range batch.Unusable {
			remarks = append(remarks, fmt.Sprintf("bytes %d-%d belong to no message", span.Start, span.End))
		}
		for _, c := range batch.Mismatches {
			remarks = append(remarks, fmt.Sprintf("%s counts %d, there are %d", c.Segment, c.Claimed, c.Found))
		}
		for i, raw := range batch.Messages {
			messages++
			m, err := hl7.Parse(raw)
			if err != nil {
				refused++
				remarks = append(remarks, fmt.Sprintf("message %d: %v", i+1, err))
				continue
			}
			checkRebuild(t, m)
			describeMessage(new(strings.Builder), m)
			for _, w := range m.Warnings() {
				kinds[w.Kind.String()]++
				if len(batch.Messages) < 100 {
					remarks = append(remarks, fmt.Sprintf("message %d: %s", i+1, w))
				}
			}
			remarks = append(remarks, badTimes(m, i+1)...)
		}
		rel, _ := filepath.Rel(dir, path)
		t.Logf("%s: %d messages", rel, len(batch.Messages))
		for _, r := range remarks {
			t.Logf("    %s", r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d messages, %d refused", files, messages, refused)
	var names []string
	for k, n := range kinds {
		names = append(names, fmt.Sprintf("%6d  %s", n, k))
	}
	sort.Strings(names)
	t.Log("warnings:\n" + strings.Join(names, "\n"))
}

// checkFrames: a capture read as a stream gives the messages it is split into.
func checkFrames(t *testing.T, data []byte, messages [][]byte) {
	t.Helper()
	frames := mllp.NewReader(bytes.NewReader(data), mllp.Options{})
	for i := 0; ; i++ {
		frame, err := frames.ReadFrame()
		if err == io.EOF && i == len(messages) {
			return
		}
		if err != nil || i >= len(messages) || !bytes.Equal(bytes.TrimRight(frame, "\r\n"), messages[i]) {
			t.Errorf("frame %d is not message %d of %d: %v", i+1, i+1, len(messages), err)
			return
		}
	}
}

// badTimes names the timestamps of the usual places that are none.
func badTimes(m *hl7.Message, n int) (remarks []string) {
	for _, p := range []string{"MSH-7", "EVN-2", "EVN-6", "PID-7", "PID-29", "PV1-44", "PV1-45", "PV2-8", "PV2-9"} {
		if _, err := m.Get(p).DTM(); err != nil {
			remarks = append(remarks, fmt.Sprintf("message %d: %s is not a timestamp", n, p))
		}
	}
	return remarks
}
