package phi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const name = "Ottilie Canarybird"

func TestNothingPrintsProtectedText(t *testing.T) {
	secret := Of(name)
	type record struct {
		Name  Text
		Inner struct{ Name *Text }
	}
	r := record{Name: secret}
	r.Inner.Name = &secret
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	l.Info("seen", "name", secret, "pointer", &secret, "record", r, "error", errors.New("about "+secret.String()))
	slog.New(slog.NewTextHandler(&log, nil)).With("name", secret).Info("seen", "record", r)
	doc, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{
		log.String(), string(doc), fmt.Sprint(secret), fmt.Sprint(&secret), fmt.Sprint(r), fmt.Sprintf("%s %v %+v %#v %q %x %d", secret, secret, secret, secret, secret, secret, secret),
		fmt.Sprintf("%+v %#v", r, r), fmt.Errorf("for %v: %w", secret, errors.New("x")).Error(),
	}
	for _, s := range said {
		if strings.Contains(s, name) || strings.Contains(s, "Canary") || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", name)) {
			t.Errorf("printed: %s", s)
		}
	}
	if secret.Reveal() != name {
		t.Error("Reveal does not")
	}
}

func TestTheOwnersDatabaseGetsTheText(t *testing.T) {
	v, err := Of(name).Value()
	if err != nil || v != name {
		t.Fatalf("%v, %v", v, err)
	}
	var back Text
	for _, src := range []any{name, []byte(name)} {
		if err := back.Scan(src); err != nil || back.Reveal() != name {
			t.Errorf("scan %T: %v", src, err)
		}
	}
	if err := back.Scan(nil); err != nil || !back.Empty() {
		t.Error("NULL is not empty")
	}
	if err := back.Scan(7); err == nil {
		t.Error("a number was taken for text")
	}
}
