// Package node runs a Kubernetes cluster of one node in namespaces of its own. All of its
// processes, mounts and network devices end with the process that started it.
package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// stageEnv says which stage a process is, and dirEnv names the directory of the sandbox.
const (
	stageEnv = "DNSSECVAL_CLUSTER_STAGE"
	dirEnv   = "DNSSECVAL_CLUSTER_DIR"
)

// cgroup is the parent of the cgroups of all Pods.
const cgroup = "dnssecval-cluster"

// Inside runs the rest of the program in a sandbox: network, mount and PID namespaces of its
// own, and a directory that is removed afterwards. It returns in the sandbox only, with the
// directory; outside it exits with the status of the program inside.
func Inside() (dir string) {
	switch os.Getenv(stageEnv) {
	case "init":
		fail(initialize(os.Getenv(dirEnv)))
	case "node":
		return os.Getenv(dirEnv)
	default:
		fail(outside())
	}
	panic("not reached")
}

// fail ends the process. It is called with an error that has the exit status, if there is one.
func fail(err error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		os.Exit(exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, "cluster:", err)
	os.Exit(1)
}

// outside starts the sandbox, waits for it, and removes what it has left behind. If this
// process is killed, the kernel kills the first process of the sandbox, and so all of them.
func outside() error {
	if os.Getuid() != 0 {
		return errors.New("a node needs root")
	}
	release, err := alone()
	if err != nil {
		return err
	}
	defer release()
	dir, err := os.MkdirTemp("", "dnssecval-cluster-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(removeCgroups(), makeCgroups()); err != nil {
		return err
	}
	defer removeCgroups()

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	runtime.LockOSThread() // the parent of Pdeathsig is a thread
	cmd := stage("init", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-interrupted:
			_ = cmd.Process.Kill()
		case <-ended:
		}
	}()
	err = cmd.Wait()
	close(ended)
	return err
}

// alone makes sure that there is one sandbox at a time, since they share their cgroups.
func alone() (release func(), err error) {
	lock, err := os.Create(filepath.Join(os.TempDir(), cgroup+".lock"))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("there is a cluster already: %w", errors.Join(err, lock.Close()))
	}
	return func() { lock.Close() }, nil
}

// stage returns a command that runs this program again.
func stage(name, dir string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), stageEnv+"="+name, dirEnv+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

// initialize is the first process of the PID namespace: it waits for every orphan, and when
// the node ends, so do all other processes.
func initialize(dir string) error {
	if err := mounts(dir); err != nil {
		return err
	}
	cmd := stage("node", dir)
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err
		case pid == cmd.Process.Pid && status.Signaled():
			return fmt.Errorf("the node was ended: %s", status.Signal())
		case pid == cmd.Process.Pid:
			os.Exit(status.ExitStatus())
		}
	}
}

// mounts hides the places of this machine that the programs of a node write to.
func mounts(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, place := range []string{"lib", "log", "run"} {
		from := filepath.Join(dir, "var", place)
		if err := os.MkdirAll(from, 0o755); err != nil {
			return err
		}
		to := map[string]string{"lib": "/var/lib", "log": "/var/log", "run": "/run"}[place]
		if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	// The kubelet wants what it mounts to be seen by the containers.
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, "")
}

// hierarchies returns the places where our cgroup is: one with cgroup v2, several with v1.
func hierarchies() []string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return []string{filepath.Join("/sys/fs/cgroup", cgroup)}
	}
	controllers, _ := filepath.Glob("/sys/fs/cgroup/*")
	for i := range controllers {
		controllers[i] = filepath.Join(controllers[i], cgroup)
	}
	return controllers
}

func makeCgroups() error {
	for _, dir := range hierarchies() {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if filepath.Base(filepath.Dir(dir)) == "cpuset" {
			if err := inheritCPUs(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// inheritCPUs copies the sets of the parent. A new cpuset of cgroup v1 is empty, and no
// process can join it.
func inheritCPUs(dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(dir), name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups removes our cgroups and those below, which have no processes any more.
func removeCgroups() error {
	for _, root := range hierarchies() {
		var dirs []string
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil {
				return err
			}
		}
	}
	return nil
}
