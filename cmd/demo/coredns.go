package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// config is the configuration of CoreDNS.
type config struct {
	listen   netip.AddrPort
	metrics  string
	upstream string
	anchors  []string // if empty, the built-in ones are used
}

// corefile returns the Corefile. anchorFile is used if there are anchors.
func (c config) corefile(anchorFile string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".:%d {\n", c.listen.Port())
	fmt.Fprintf(&b, "    bind %s\n", c.listen.Addr())
	fmt.Fprintln(&b, "    errors")
	if c.metrics != "" {
		fmt.Fprintf(&b, "    prometheus %s\n", c.metrics)
	}
	fmt.Fprintln(&b, "    cache")
	fmt.Fprintln(&b, "    dnssec {")
	fmt.Fprintln(&b, "        validate")
	if len(c.anchors) > 0 {
		fmt.Fprintf(&b, "        trust-anchor %q\n", anchorFile)
	}
	fmt.Fprintln(&b, "        log-failures")
	fmt.Fprintln(&b, "    }")
	fmt.Fprintf(&b, "    forward . %s\n", c.upstream)
	fmt.Fprintln(&b, "}")
	return b.String()
}

// child is a running CoreDNS.
type child struct {
	cmd  *exec.Cmd
	addr string        // listen address
	done chan struct{} // closed when it has ended
	err  error         // exit error of the process, valid once done is closed
}

// startCoreDNS writes the Corefile and the anchors into dir and starts CoreDNS.
// Its output, which includes the log of failures, goes to stderr.
func startCoreDNS(binary, dir string, conf config) (*child, error) {
	anchorFile := filepath.Join(dir, "anchors")
	if err := os.WriteFile(anchorFile, []byte(strings.Join(conf.anchors, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	corefile := filepath.Join(dir, "Corefile")
	if err := os.WriteFile(corefile, []byte(conf.corefile(anchorFile)), 0o600); err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(binary, "-conf", corefile), addr: conf.listen.String(), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = os.Stderr, os.Stderr
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("CoreDNS can't be started (see -coredns): %w", err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// waitReady waits until CoreDNS answers.
func (c *child) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	client := dns.Client{Timeout: time.Second}
	// CoreDNS refuses this EDNS version (BADVERS) without asking the upstream.
	q := new(dns.Msg).SetQuestion(".", dns.TypeNS).SetEdns0(1232, false)
	q.IsEdns0().SetVersion(1)
	for {
		if _, _, err := client.ExchangeContext(ctx, q, c.addr); err == nil {
			return nil
		}
		select {
		case <-c.done:
			return c.died()
		case <-ctx.Done():
			return fmt.Errorf("CoreDNS does not answer on %s", c.addr)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// show calls ready when CoreDNS answers, and returns when ctx is done. It
// returns an error if CoreDNS ends first.
func (c *child) show(ctx context.Context, ready func()) error {
	err := c.waitReady(ctx)
	if err == nil {
		ready()
		select {
		case <-ctx.Done():
		case <-c.done:
			err = c.died()
			// Ctrl-C reaches both processes, and CoreDNS may end first.
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// died returns the error for a CoreDNS that ended unexpectedly.
func (c *child) died() error {
	state := "exit status 0"
	if c.err != nil {
		state = c.err.Error()
	}
	return fmt.Errorf("CoreDNS has ended by itself (%s)", state)
}

// end terminates CoreDNS and waits for it.
func (c *child) end() error {
	select {
	case <-c.done:
		return nil
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.done:
	case <-time.After(10 * time.Second):
		if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-c.done
	}
	return nil
}
