package system

import (
	"os"
	"testing"
)

// TempDir is like t.TempDir, but others may pass through: PostgreSQL's user, where the tests run as
// root. Without that its data would go to /var/tmp, and stay there.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "handoff-story-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
