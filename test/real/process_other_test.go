//go:build !linux

package real

import "os/exec"

func dieWithTest(*exec.Cmd) {}
