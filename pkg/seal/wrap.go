package seal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/handoff-care/handoff/pkg/run/durable"
)

// Wrapper wraps data keys under a key that is kept elsewhere than they are. Keys holds it in a file; a
// key management service would ask over the network. Safe for concurrent use.
type Wrapper interface {
	// Active is the id of the key that Wrap uses now.
	Active() string
	// Has reports whether what was wrapped under a key can be unwrapped.
	Has(id string) bool
	// Wrap wraps a data key under the active key, in the place that label names.
	Wrap(ctx context.Context, secret, label []byte) (Wrapped, error)
	// Unwrap is the opposite; ErrDamaged if it was wrapped otherwise.
	Unwrap(ctx context.Context, w Wrapped, label []byte) ([]byte, error)
}

// Wrapped is a data key as it is stored.
type Wrapped struct {
	Under string // id of the key that wraps it
	Bytes []byte
}

// Keys are the keys of a file: the first wraps, the others still unwrap what they wrapped.
type Keys struct {
	active string
	by     map[string]*Key
	order  []string
}

// head tells whoever opens a key file what it is.
const head = `# Keys of handoff, one in each line. The first one seals; those below it still open what they sealed.
# Without this file the messages kept in the database cannot be read. Keep a copy, and not beside the database's.
`

// Line is a new key as a line of a key file.
func Line() string { return base64.StdEncoding.EncodeToString(Fresh()) + "\n" }

// Create makes a key file with one new key, which only its owner can read. Where there is a file it
// stays, and the error wraps fs.ErrExist.
func Create(path string) error { return durable.Create(path, []byte(head+Line()), 0o600) }

// Rotate puts a new key before those of a file.
func Rotate(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := Parse(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	rest := strings.TrimPrefix(string(text), head)
	return durable.Write(path, []byte(head+Line()+rest), info.Mode().Perm())
}

// Read reads a key file; the error wraps fs.ErrNotExist where there is none.
func Read(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// ReadOrCreate reads a key file and makes it where there is none. Of processes that start at once one
// makes it, and all have its key.
func ReadOrCreate(path string) (*Keys, error) {
	if err := Create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return Read(path)
}

// Parse reads the text of a key file. Errors quote nothing of it.
func Parse(text []byte) (*Keys, error) {
	keys := &Keys{by: map[string]*Key{}}
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(secret) != Size || bytes.Count(secret, secret[:1]) == Size {
			return nil, fmt.Errorf("line %d is no key: a key is %d random bytes in base64 (handoff key new prints one)", n, Size)
		}
		key, err := New(secret)
		if err != nil {
			return nil, err
		}
		id := idOf(secret)
		if keys.by[id] == nil {
			keys.order = append(keys.order, id)
		}
		keys.by[id] = key
	}
	if len(keys.order) == 0 {
		return nil, errors.New("there is no key in it (handoff key new prints one)")
	}
	keys.active = keys.order[0]
	return keys, nil
}

// idOf names a key. It follows from the key, so that no key can be taken for another, and says nothing of it.
func idOf(secret []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("handoff key id"))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// IDs are the ids of the keys, the active one first.
func (k *Keys) IDs() []string { return k.order }

// Active implements Wrapper.
func (k *Keys) Active() string { return k.active }

// Has implements Wrapper.
func (k *Keys) Has(id string) bool { return k.by[id] != nil }

// Wrap implements Wrapper.
func (k *Keys) Wrap(_ context.Context, secret, label []byte) (Wrapped, error) {
	return Wrapped{k.active, k.by[k.active].Seal(nil, secret, label)}, nil
}

// Unwrap implements Wrapper.
func (k *Keys) Unwrap(_ context.Context, w Wrapped, label []byte) ([]byte, error) {
	key := k.by[w.Under]
	if key == nil {
		return nil, fmt.Errorf("key %s is not in the key file", w.Under)
	}
	return key.Open(nil, w.Bytes, label)
}
