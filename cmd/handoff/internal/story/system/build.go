package system

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

const module = "github.com/handoff-care/handoff/"

// Services are the programs of Apart.
var Services = []string{"admission", "discharge", "referral", "notification", "console"}

// Build compiles the six programs and returns the folder they are in. Only the first call of a
// process does it; where nothing has changed since an earlier run it takes a moment.
var Build = sync.OnceValues(build)

func build() (string, error) {
	home, err := moduleDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(home))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("handoff-programs-%d-%s", os.Getuid(), hex.EncodeToString(sum[:4])))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	release, err := lock(dir + ".lock") // another package's tests build the same
	if err != nil {
		return "", err
	}
	defer release()
	// The linker is what takes time; without symbols it takes half of it.
	args := []string{"build", "-ldflags=-s -w", "-o", dir + string(filepath.Separator), module + "cmd/handoff"}
	for _, s := range Services {
		args = append(args, module+"services/"+s+"/cmd/"+s)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = home
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return dir, nil
}

func moduleDir() (string, error) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", strings.TrimSuffix(module, "/")+"/cmd/handoff")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w\n%s", err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
