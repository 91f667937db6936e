package peers

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the process when its parent is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
