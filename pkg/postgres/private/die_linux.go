package private

import "syscall"

// endWithParent has the kernel stop the server, in good order, when the thread
// that starts it ends.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
