package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWriteReplacesAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"first", "second"} {
		if err := Write(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != text {
			t.Fatalf("%q, want %q", got, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v, want mode 0600", info, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Fatalf("%v %v, want the file alone", list, err)
	}
}

func TestCreateKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Create(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("second"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v, want one that wraps %v", err, fs.ErrExist)
	}
	if got := content(t, path); got != "first" {
		t.Fatalf("%q, want what was there", got)
	}
}

// A reader never sees a part: that is what a file written in place shows while it is short.
func TestNobodySeesAPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	whole := func(n int) []byte { return bytes.Repeat([]byte(fmt.Sprint(n%10)), 1<<16) }
	if err := Write(path, whole(0), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := range 20 {
				if err := Write(path, whole(w*20+i), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		text := content(t, path)
		if len(text) != 1<<16 || bytes.Count([]byte(text), []byte(text[:1])) != len(text) {
			t.Fatalf("%d bytes of %d, or of two writers", len(text), 1<<16)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
