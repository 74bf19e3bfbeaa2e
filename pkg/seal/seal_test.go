package seal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func fresh(t testing.TB) *Key {
	t.Helper()
	k, err := New(Fresh())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What was sealed opens in its place; with one bit of bytes or label different, or another key, it does not.
func TestOpensInItsPlaceOrNotAtAll(t *testing.T) {
	key, other := fresh(t), fresh(t)
	rapid.Check(t, func(t *rapid.T) {
		plain, label := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "label")
		sealed := key.Seal([]byte("before"), plain, label)
		sealed, ok := bytes.CutPrefix(sealed, []byte("before"))
		if !ok || len(sealed) != len(plain)+Overhead {
			t.Fatalf("%d bytes became %d", len(plain), len(sealed))
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("the bytes are still to be read")
		}
		got, err := key.Open(nil, sealed, label)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%x opened as %x (%v)", plain, got, err)
		}
		flip := func(b []byte) []byte {
			b = bytes.Clone(b)
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return b
		}
		for what, try := range map[string]func() ([]byte, error){
			"other bytes":    func() ([]byte, error) { return key.Open(nil, flip(sealed), label) },
			"another place":  func() ([]byte, error) { return key.Open(nil, sealed, flip(label)) },
			"another key":    func() ([]byte, error) { return other.Open(nil, sealed, label) },
			"a part of it":   func() ([]byte, error) { return key.Open(nil, sealed[:len(sealed)-1], label) },
			"nearly nothing": func() ([]byte, error) { return key.Open(nil, sealed[:5], label) },
		} {
			if got, err := try(); !errors.Is(err, ErrDamaged) || got != nil {
				t.Errorf("%s: %x, %v", what, got, err)
			}
		}
	})
}

func TestTheSameBytesAreSealedDifferently(t *testing.T) {
	key, seen := fresh(t), map[string]bool{}
	for range 1000 {
		nonce := string(key.Seal(nil, []byte("same"), nil)[:12])
		if seen[nonce] {
			t.Fatal("a nonce was used twice")
		}
		seen[nonce] = true
	}
}

func TestKeyFile(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "keys")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v, want that there is none", err)
	}
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
	if err := Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want that it is there", err)
	}
	old, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	secret, label := Fresh(), []byte("place")
	w, err := old.Wrap(ctx, secret, label)
	if err != nil || w.Under != old.Active() {
		t.Fatalf("wrapped under %s (%v)", w.Under, err)
	}
	if err := Rotate(path); err != nil {
		t.Fatal(err)
	}
	keys, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys.IDs()) != 2 || keys.Active() == old.Active() || !keys.Has(old.Active()) || old.Has(keys.Active()) {
		t.Errorf("keys %v after %v", keys.IDs(), old.IDs())
	}
	if got, err := keys.Unwrap(ctx, w, label); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("what the old key wrapped is not opened any more: %v", err)
	}
	if _, err := keys.Unwrap(ctx, w, []byte("other")); !errors.Is(err, ErrDamaged) {
		t.Errorf("error %v, want %v", err, ErrDamaged)
	}
	if w, err = keys.Wrap(ctx, secret, label); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Unwrap(ctx, w, label); err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), keys.Active()) {
		t.Errorf("error %v, want that the key is not in the file", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "#") != strings.Count(head, "#") || !strings.HasPrefix(string(text), head) {
		t.Errorf("the file does not begin with what it is, once: %v", err)
	}
}

// Processes that start at once have one key.
func TestOneKeyIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	ids := make([][]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			keys, err := ReadOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = keys.IDs()
		})
	}
	wg.Wait()
	for _, got := range ids[1:] {
		if diff := cmp.Diff(ids[0], got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatIsNoKey(t *testing.T) {
	good := Line()
	for what, text := range map[string]string{
		"nothing": "", "a comment alone": head, "short": "c2hvcnQ=\n", "no base64": "this is no key\n", "zeros": strings.Repeat("A", 43) + "=\n",
		"a good one and a bad one": good + "c2hvcnQ=\n",
	} {
		_, err := Parse([]byte(text))
		if err == nil {
			t.Errorf("%s is taken", what)
		} else if strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("%s: the error quotes the file: %v", what, err)
		}
	}
	if keys, err := Parse([]byte("\n# mine\n " + good + good)); err != nil || len(keys.IDs()) != 1 {
		t.Errorf("%v %v", keys, err)
	}
}

func BenchmarkSeal(b *testing.B) {
	key, plain, label := fresh(b), bytes.Repeat([]byte("a"), 1024), make([]byte, 33)
	dst := make([]byte, 0, len(plain)+Overhead)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		dst = key.Seal(dst[:0], plain, label)
	}
}

func BenchmarkOpen(b *testing.B) {
	key, plain, label := fresh(b), bytes.Repeat([]byte("a"), 1024), make([]byte, 33)
	sealed, dst := key.Seal(nil, plain, label), make([]byte, 0, len(plain))
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		if _, err := key.Open(dst, sealed, label); err != nil {
			b.Fatal(err)
		}
	}
}
