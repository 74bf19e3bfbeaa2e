package instance

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASecondProgramIsToldWhoHasTheDirectory(t *testing.T) {
	data := t.TempDir()
	first, err := Take(data)
	if err != nil {
		t.Fatal(err)
	}
	info := Info{PID: 4711, HTTP: "http://127.0.0.1:8080", Dev: true}
	if err := first.Publish(info); err != nil {
		t.Fatal(err)
	}
	_, err = Take(data)
	if !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), "4711") || !strings.Contains(err.Error(), "127.0.0.1:8080") {
		t.Fatalf("error %v, want one that names the process and its address", err)
	}
	got, running, err := Read(data)
	if err != nil || !running {
		t.Fatalf("running %v, error %v; want a running program", running, err)
	}
	if d := cmp.Diff(info, got); d != "" {
		t.Fatal(d)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if _, running, err := Read(data); running || err != nil {
		t.Fatalf("running %v, error %v after the program ended", running, err)
	}
	again, err := Take(data)
	if err != nil {
		t.Fatalf("the directory was not given back: %v", err)
	}
	if err := again.Publish(info); err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestAProgramThatFailsBeforeItSaysWhereItIsReleasesQuietly(t *testing.T) {
	data := t.TempDir()
	claim, err := Take(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Take(data)
	if err != nil {
		t.Fatalf("the directory was not given back: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}
