// Package peers runs name servers as child processes on loopback addresses:
// Unbound and BIND as validating forwarders to compare results with, and
// CoreDNS.
package peers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const (
	startTime = 20 * time.Second // for a server to answer its first query
	stopTime  = 5 * time.Second  // for a server to exit after SIGTERM
)

// Host is the address of all servers; they use different ports. BIND listens
// only on addresses of an interface, and adding loopback addresses needs root.
const Host = "127.0.0.1"

// Server is a child process. Addr is set by Start only.
type Server struct {
	Name, Addr string

	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// Start runs a program in dir and returns when it answers on addr.
func Start(dir, name, addr, program string, args ...string) (*Server, error) {
	s, err := Run(dir, name, program, args...)
	if err != nil {
		return nil, err
	}
	s.Addr = addr
	if err := s.await(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Run runs a program in dir. Its output is written to name.log in dir.
func Run(dir, name, program string, args ...string) (*Server, error) {
	s := &Server{Name: name, log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	s.cmd = exec.Command(program, args...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, log, log
	dieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), log.Close())
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // callers notice an early exit by Ended or by missing answers
		_ = log.Close()
	}()
	return s, nil
}

func (s *Server) await() error {
	question := new(dns.Msg).SetQuestion(".", dns.TypeSOA)
	client := dns.Client{Timeout: time.Second}
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		if _, _, err := client.Exchange(question, s.Addr); err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended at once:\n%s", s.Name, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer on %s:\n%s", s.Name, s.Addr, s.Log())
}

// Log returns the output of the server so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Signal sends a signal to the process. It is no error if the process has
// ended.
func (s *Server) Signal(sig os.Signal) error {
	if err := s.cmd.Process.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// PID returns the process ID.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Ended returns a channel that is closed when the process has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Stop terminates the server and waits until it has ended.
func (s *Server) Stop() {
	_ = s.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stopTime):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// FreeAddrs returns n addresses that are currently free for UDP and TCP. The
// ports are outside of the ephemeral range, so that no client takes one before
// the server does.
func FreeAddrs(n int) ([]string, error) {
	var addrs []string
	for tries := 0; len(addrs) < n; tries++ {
		addr := net.JoinHostPort(Host, fmt.Sprint(12000+rand.IntN(18000)))
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			if tries > 100*n {
				return nil, err
			}
			continue
		}
		defer tcp.Close() // kept open until all are found, so that they differ
		udp, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		defer udp.Close()
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// Private copies a program into dir and returns the path of the copy. AppArmor
// confines named and unbound by path and denies them temporary directories. It
// must be called before any server is started: a child between fork and exec
// holds the file open for writing, and it can't be executed then (ETXTBSY).
func Private(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	found, err := find(name)
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(found)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, program, 0o755)
}

// find looks in PATH and then where Debian installs daemons.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w (test/scripts/install-integration.sh installs it)", err)
}

// port returns the port of addr.
func port(addr string) string {
	_, after, _ := strings.Cut(addr, ":")
	return after
}
