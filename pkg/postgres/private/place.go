package private

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// user is who the server runs as.
type user struct {
	uid, gid int
	name     string
	other    bool // not the user this process runs as
}

// runAs picks the server's user. PostgreSQL refuses root.
func runAs() (user, error) {
	if os.Geteuid() != 0 {
		return user{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return user{uid: uid, gid: gid, name: name, other: true}, nil
		}
	}
	return user{}, errors.New("private PostgreSQL: it does not run as root, and there is no user postgres or nobody")
}

// ownerOf is the user that data, if it is there, belongs to: only that one can
// run the server on it, whoever is preferred by now.
func (u user) ownerOf(data string) user {
	info, err := os.Stat(data)
	if err != nil || !u.other {
		return u
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && stat.Uid != 0 && int(stat.Uid) != u.uid {
		return user{uid: int(stat.Uid), gid: int(stat.Gid), name: "#" + strconv.Itoa(int(stat.Uid)), other: true}
	}
	return u
}

// attr starts a process as u, out of reach of the terminal's Ctrl-C.
func (u user) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if u.other {
		attr.Credential = &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}
	}
	return attr
}

// dirMode of the folders above the data: another user passes, and lists nothing.
func (u user) dirMode() os.FileMode {
	if u.other {
		return 0o711
	}
	return 0o700
}

func (u user) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if !u.other {
		return nil
	}
	return os.Chown(dir, u.uid, u.gid)
}

// reaches tells whether u may go into dir, by trying.
func (u user) reaches(dir string) bool {
	if !u.other {
		return true
	}
	cmd := exec.Command("/bin/sh", "-c", `cd -- "$0"`, dir)
	cmd.Dir, cmd.SysProcAttr = "/", u.attr()
	return cmd.Run() == nil
}

// place is where the data called name lives: in dir, or, where u cannot get into
// dir, in a new folder of /var/tmp that dir then has a link to. The link alone
// says where: without it the data is not found again, as if dir were deleted.
func (u user) place(dir, name string) (string, error) {
	data := filepath.Join(dir, name)
	if target, err := os.Readlink(data); err == nil {
		if u.other && !ownedBy(filepath.Dir(target), os.Geteuid()) {
			return "", fmt.Errorf("private PostgreSQL: %s leads to %s, which is not ours", data, target)
		}
		return target, nil
	}
	if _, err := os.Lstat(data); err == nil || !u.other {
		return data, nil
	}
	if u.reaches(dir) {
		return data, nil
	}
	away, err := os.MkdirTemp("/var/tmp", "handoff-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(away, 0o711); err != nil {
		return "", err
	}
	target := filepath.Join(away, name)
	return target, os.Symlink(target, data)
}

// socketDir makes the directory of the socket: private, and short enough for a
// socket's address (104 bytes on some systems), wherever the data is.
func (u user) socketDir(data string) (string, error) {
	sum := sha256.Sum256([]byte(data))
	dir := filepath.Join("/tmp", fmt.Sprintf("handoff-%d-%s", u.uid, hex.EncodeToString(sum[:5])))
	err := u.mkdir(dir)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if info.Mode() != os.ModeDir|0o700 || !ownedBy(dir, u.uid) {
		return "", fmt.Errorf("private PostgreSQL: %s is another's; delete it", dir)
	}
	return dir, nil
}

func ownedBy(path string, uid int) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}

// lockDir takes data for this process until it ends; the lock is a file beside it.
func lockDir(data string) (*os.File, error) {
	f, err := os.OpenFile(data+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 20))
		_ = f.Close()
		return nil, fmt.Errorf("private PostgreSQL: %w: process %s runs on %s; stop it, or choose another data directory",
			ErrRunning, strings.TrimSpace(string(holder)), data)
	}
	_ = f.Truncate(0)
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return f, err
}

// stopOrphan stops a server that outlived the program that started it. We hold
// the lock, so no program is behind it.
func stopOrphan(ctx context.Context, data string, log *slog.Logger) error {
	pid, _ := readPidFile(data)
	if pid <= 1 || !alive(pid) {
		return nil
	}
	if !isServer(pid, data) {
		// The number is another program's by now: the server would take that for a
		// server and refuse to start.
		return os.Remove(filepath.Join(data, "postmaster.pid"))
	}
	log.Warn("stopping the PostgreSQL that a killed program left behind", "pid", pid)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	began, sig := time.Now(), syscall.SIGINT
	_ = syscall.Kill(pid, sig)
	for isServer(pid, data) {
		if sig == syscall.SIGINT && time.Since(began) > 10*time.Second {
			sig = syscall.SIGQUIT
			_ = syscall.Kill(pid, sig)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("private PostgreSQL: process %d, left behind on %s, does not stop: %w", pid, data, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func alive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }

// isServer tells whether process pid is a server on data; the number alone may
// be another program's by now.
func isServer(pid int, data string) bool {
	if !alive(pid) {
		return false
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if errors.Is(err, os.ErrNotExist) {
		args, err = exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && bytes.Contains(args, []byte(data))
}

// readPidFile reads the server's process id and state from its pid file.
func readPidFile(data string) (pid int, status string) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	if len(lines) > 7 {
		status = strings.TrimSpace(lines[7])
	}
	return pid, status
}

// openLog opens the server's log to append, or anew when it has grown large.
func openLog(path string) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > 8<<20 {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}

// tail is the last lines of the server's log.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 1500 {
		_, _ = f.Seek(-1500, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
