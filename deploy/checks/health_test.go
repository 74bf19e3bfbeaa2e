package checks

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheHealthCheckOfTheImages(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "health")
	build := exec.Command("go", "build", "-o", program, "../health/main.go")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer s.Close()
	ask := func() int {
		c := exec.Command(program, s.URL)
		_ = c.Run()
		return c.ProcessState.ExitCode()
	}
	if code := ask(); code != 0 {
		t.Errorf("exit %d of a ready service, want 0", code)
	}
	status = http.StatusServiceUnavailable
	if code := ask(); code != 1 {
		t.Errorf("exit %d of a service that is not ready, want 1", code)
	}
	s.Close()
	if code := ask(); code != 1 {
		t.Errorf("exit %d of no service, want 1", code)
	}
}
