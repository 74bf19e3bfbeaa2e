//go:build !linux

package system

import "syscall"

// endWithParent can do nothing here: a test binary that is killed leaves its processes.
func endWithParent(*syscall.SysProcAttr) {}
