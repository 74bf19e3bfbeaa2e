//go:build unix && !linux

package private

import "syscall"

// endWithParent: no signal here; the next Start stops what is left.
func endWithParent(*syscall.SysProcAttr) {}
