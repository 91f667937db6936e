package real

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
)

const (
	startTime = 20 * time.Second // for a process to be ready or to fail
	stopTime  = 10 * time.Second // for a process to end after SIGTERM
	logTime   = 5 * time.Second  // for a line of the log to appear
)

// process is a running CoreDNS.
type process struct {
	cmd          *exec.Cmd
	conf         string // path of the Corefile
	placeholders *strings.Replacer
	addr         string // address with PORT
	out          *output
	ended        chan struct{}
}

// start runs CoreDNS with a Corefile until the test ends. It replaces PORT and
// PORT2 by free ports, HTTP by a free address, UPSTREAM by the address of the
// world, ANCHORS by a file with its trust anchors, and DIR by a directory. more
// has further words and their replacements.
func start(t *testing.T, w *testzone.World, corefile string, more ...string) *process {
	t.Helper()
	p := prepare(t, w, corefile, more...)
	p.start(t)
	return p
}

// start runs the prepared CoreDNS and waits until it is ready.
func (p *process) start(t *testing.T) {
	t.Helper()
	p.run(t)
	if !p.out.await("CoreDNS-", startTime, p.ended) {
		t.Fatalf("CoreDNS did not start:\n%s", p.out)
	}
}

// fails checks that CoreDNS refuses to start, and returns its output.
func (p *process) fails(t *testing.T) string {
	t.Helper()
	p.run(t)
	select {
	case <-p.ended:
	case <-time.After(startTime):
		t.Fatalf("CoreDNS keeps running:\n%s", p.out)
	}
	if p.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v, want exit status 1", p.cmd.ProcessState)
	}
	return p.out.String()
}

// prepare writes the Corefile and the anchors.
func prepare(t *testing.T, w *testzone.World, corefile string, more ...string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{conf: filepath.Join(dir, "Corefile"), out: new(output), ended: make(chan struct{})}
	port := freePort(t)
	p.addr = net.JoinHostPort("127.0.0.1", port)
	pairs := append(more, "DIR", dir, "PORT2", freePort(t), "PORT", port, "HTTP", net.JoinHostPort("127.0.0.1", freePort(t)))
	if w != nil {
		anchors := filepath.Join(dir, "anchors")
		write(t, anchors, strings.Join(w.Anchors("."), "\n"))
		pairs = append(pairs, "UPSTREAM", serve(t, w), "ANCHORS", anchors)
	}
	p.placeholders = strings.NewReplacer(pairs...)
	p.configure(t, corefile)
	return p
}

// configure writes a Corefile.
func (p *process) configure(t *testing.T, corefile string) {
	t.Helper()
	write(t, p.conf, p.placeholders.Replace(corefile))
}

func (p *process) run(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(binary, "-conf", p.conf)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = filepath.Dir(p.conf), p.out, p.out
	dieWithTest(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // tests look at the state
	}()
	t.Cleanup(func() { p.stop(t) })
}

// stop ends the process. It must not have panicked or have had a data race.
func (p *process) stop(t *testing.T) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		t.Error("CoreDNS does not stop")
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	for _, bad := range []string{"panic", "DATA RACE", "goroutine "} {
		if strings.Contains(p.out.String(), bad) {
			t.Errorf("the output of CoreDNS has %q", bad)
		}
	}
	if t.Failed() {
		t.Logf("CoreDNS:\n%s", p.out)
	}
}

// logs waits for a line that has all the words and returns it.
func (p *process) logs(t *testing.T, words ...string) string {
	t.Helper()
	for deadline := time.Now().Add(logTime); ; time.Sleep(20 * time.Millisecond) {
		if lines := p.out.lines(words...); len(lines) > 0 {
			return lines[0]
		}
		if time.Now().After(deadline) {
			t.Errorf("no line of the log has %q", words)
			return ""
		}
	}
}

// output collects the output of a process.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// lines returns the lines that have all the words.
func (o *output) lines(words ...string) (found []string) {
	for line := range strings.Lines(o.String()) {
		has := true
		for _, word := range words {
			has = has && strings.Contains(line, word)
		}
		if has {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func (o *output) await(word string, timeout time.Duration, ended <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for {
		if len(o.lines(word)) > 0 {
			return true
		}
		select {
		case <-ended:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// usedPorts has the ports that freePort has returned.
var usedPorts sync.Map

// freePort returns a port that is free for UDP and TCP and not used by another
// test. It is outside of the ephemeral range, so that no client takes it before
// CoreDNS does.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := fmt.Sprint(12000 + rand.IntN(18000))
		if _, there := usedPorts.LoadOrStore(port, true); there {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", port)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		packets, err := net.ListenPacket("udp", addr)
		_ = l.Close()
		if err == nil {
			_ = packets.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return ""
}

func serve(t *testing.T, w *testzone.World) string {
	t.Helper()
	s, err := w.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.Addr()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
