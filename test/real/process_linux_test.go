package real

import (
	"os/exec"
	"syscall"
)

// dieWithTest has the process killed should the test be: it must not stay behind.
func dieWithTest(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
