//go:build integration && linux

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	startTime = 20 * time.Second // for a server to answer its first question
	stopTime  = 5 * time.Second  // for it to end when asked to
	logTail   = 40               // lines of a log that are shown when the test failed
)

// start runs a server until the test ends. It has started when it answers.
func start(t *testing.T, dir string, r resolver, tool string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, r.name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	// Should the test be killed, its servers must not stay behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // a server that ends early is noticed by its silence
		log.Close()
	}()
	t.Cleanup(func() {
		stop(cmd.Process, ended)
		if t.Failed() {
			t.Logf("%s: the end of its log\n%s", r.name, tail(readFile(t, log.Name())))
		}
	})
	await(t, r, ended)
}

func stop(p *os.Process, ended <-chan struct{}) {
	_ = p.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-ended:
	case <-time.After(stopTime):
		_ = p.Kill()
		<-ended
	}
}

func await(t *testing.T, r resolver, ended <-chan struct{}) {
	t.Helper()
	question := new(dns.Msg).SetQuestion(".", dns.TypeSOA)
	client := dns.Client{Timeout: time.Second}
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		if _, _, err := client.Exchange(question, r.addr()); err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended at once", r.name)
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not answer at %s", r.name, r.addr())
}

func tail(log string) string {
	lines := strings.Split(log, "\n")
	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}

// private copies a server's program into dir. AppArmor confines named and
// unbound by the path of the program, and keeps them out of temporary folders.
func private(t *testing.T, dir, tool string) string {
	t.Helper()
	program, err := os.ReadFile(find(t, tool))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, tool)
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
