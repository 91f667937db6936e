package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Node is a running node.
type Node struct {
	dir      string
	programs string     // the directory of the programs of Kubernetes
	died     chan error // gets an error when a program ends
	logs     string     // the directory of the logs of the programs

}

// Start starts the programs of a node, and returns when the API server is ready. It has to be
// called in the sandbox. Programs is a directory with the programs of Kubernetes; search are
// the node's search domains.
func Start(ctx context.Context, dir, programs, search string) (*Node, error) {
	n := &Node{dir: dir, programs: programs, died: make(chan error, 16), logs: filepath.Join(dir, "logs")}
	if err := errors.Join(os.MkdirAll(n.logs, 0o755), network(), configure(dir, search)); err != nil {
		return nil, err
	}
	ca, err := newAuthority(dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(ca.issue("server", "server"), ca.issue("admin", "system:masters")); err != nil {
		return nil, err
	}
	etcd, apiserver, others := controlPlane(dir)
	containerd, kubelet := kubelet(dir)
	for _, p := range []program{etcd, containerd} {
		if err := n.run(p); err != nil {
			return nil, err
		}
	}
	if err := n.await(ctx, "etcd", func() error { return reachable("tcp", "127.0.0.1:2379") }); err != nil {
		return nil, err
	}
	if err := n.run(apiserver); err != nil {
		return nil, err
	}
	if err := n.await(ctx, "containerd", func() error { return reachable("unix", "/run/containerd/containerd.sock") }); err != nil {
		return nil, err
	}
	ready := func() error { return n.Kubectl(ctx, "get", "--raw", "/readyz").Run() }
	if err := n.await(ctx, "the API server", ready); err != nil {
		return nil, err
	}
	for _, p := range append(others, kubelet) {
		if err := n.run(p); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Kubeconfig names the file with an administrator's credentials.
func (n *Node) Kubeconfig() string { return filepath.Join(n.dir, "kubeconfig") }

// Logs names the directory with the logs of the node's programs.
func (n *Node) Logs() string { return n.logs }

// Command returns a command with the programs of Kubernetes in its path and an
// administrator's credentials in its environment.
func (n *Node) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if path := filepath.Join(n.programs, name); !strings.Contains(name, "/") {
		if _, err := os.Stat(path); err == nil {
			name = path
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+n.Kubeconfig(), "PATH="+n.programs+":"+os.Getenv("PATH")+":/usr/sbin:/sbin", "HOME="+n.dir)
	return cmd
}

// Kubectl returns a command of kubectl.
func (n *Node) Kubectl(ctx context.Context, args ...string) *exec.Cmd {
	return n.Command(ctx, "kubectl", args...)
}

// Import gives the node an image, from an archive.
func (n *Node) Import(ctx context.Context, archive string) error {
	out, err := n.Command(ctx, "ctr", "--namespace", "k8s.io", "images", "import", archive).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr images import: %w: %s", err, out)
	}
	return nil
}

// run starts a program. It ends with the sandbox.
func (n *Node) run(p program) error {
	log, err := os.Create(filepath.Join(n.logs, p.name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := n.Command(context.Background(), p.name, p.args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	go func() {
		err := cmd.Wait()
		n.died <- fmt.Errorf("%s has ended (%v); the end of its log:\n%s", p.name, err, tail(log.Name()))
	}()
	return nil
}

// tail returns the last lines of a log.
func tail(path string) string {
	text, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// await waits until a part of the node is ready.
func (n *Node) await(ctx context.Context, what string, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case died := <-n.died:
			return died
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", what, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Died returns an error if a program of the node has ended.
func (n *Node) Died() error {
	select {
	case err := <-n.died:
		return err
	default:
		return nil
	}
}

// reachable reports whether somebody listens.
func reachable(network, address string) error {
	c, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	return c.Close()
}
