package system

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	s.frozen = append(children, postmaster)
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	return nil
}

// killFrozen kills what was stopped and has nobody to tell it that its parent is gone, and returns
// when it has let go of its files.
func (s *System) killFrozen() {
	for _, pid := range s.frozen {
		_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it has ended
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, pid := range s.frozen {
		for holdsFiles(pid) {
			<-tick.C
		}
	}
	s.frozen = nil
}

// holdsFiles: the process is there, and more than a zombie.
func holdsFiles(pid int) bool {
	fields, err := statOf(strconv.Itoa(pid))
	return err == nil && fields[0] != "Z" && fields[0] != "X"
}

// statOf is what /proc says of a process after its name, which may hold anything: state, parent...
func statOf(pid string) ([]string, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 2 {
		return nil, fmt.Errorf("process %s: %q", pid, stat)
	}
	return fields, nil
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
		fields, err := statOf(e.Name())
		if err != nil {
			continue // it has ended
		}
		if fields[1] == strconv.Itoa(pid) {
			list = append(list, child)
		}
	}
	return list, nil
}
