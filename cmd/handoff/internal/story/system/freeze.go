package system

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Freeze stops every process of the system where it is, PostgreSQL's own among them. Nothing is
// written any more after it returns. Linux only.
func (s *System) Freeze() error {
	for _, p := range append(slices.Clone(s.Processes), s.NATS) {
		if p == nil {
			continue
		}
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			return fmt.Errorf("freeze %s: %w", p.Name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(s.Data, "postgres", "pg*", "postmaster.pid"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("freeze PostgreSQL: %d run below %s (%v)", len(files), s.Data, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return err
	}
	// The one that makes others first; its children have process groups of their own.
	if err := syscall.Kill(postmaster, syscall.SIGSTOP); err != nil {
		return err
	}
	children, err := childrenOf(postmaster)
	if err != nil {
		return err
	}
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	return nil
}

func childrenOf(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var list []int
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid ...; the name may hold anything, so from its end.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			list = append(list, child)
		}
	}
	return list, nil
}
