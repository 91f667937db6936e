// Command demo shows a validating CoreDNS. It creates a small tree of signed
// DNS zones, some of them broken, and serves it as a non-validating upstream.
// It starts CoreDNS in front of it, and prints dig commands with the answers to
// expect.
//
//	demo -coredns ./coredns
//	demo -coredns ./coredns -upstream 9.9.9.9
//
// With -upstream, CoreDNS forwards there and validates the public DNS with the
// built-in root anchors. With -check, demo asks the questions itself and fails
// if an answer is not as expected.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dnssecval/dnssecval/internal/demo"
	"github.com/dnssecval/dnssecval/internal/testzone"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseFlags(os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// options has the values of the flags.
type options struct {
	coredns  string
	listen   netip.AddrPort
	metrics  string
	upstream string
	check    bool
}

func parseFlags(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("demo", flag.ExitOnError)
	fs.StringVar(&o.coredns, "coredns", "coredns", "the CoreDNS `binary` to start")
	listen := fs.String("listen", "127.0.0.1:1053", "`address` and port for CoreDNS to listen on")
	fs.StringVar(&o.metrics, "metrics", "127.0.0.1:9153", "`address` and port of the metrics, empty for none")
	fs.StringVar(&o.upstream, "upstream", "", "forward to this `address` instead of to generated zones")
	fs.BoolVar(&o.check, "check", false, "ask the questions, and fail if an answer is not as expected")
	_ = fs.Parse(args) // exits on errors
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var err error
	if o.listen, err = netip.ParseAddrPort(*listen); err != nil || o.listen.Port() == 0 {
		return o, fmt.Errorf("-listen %s: want an address and a port, as in 127.0.0.1:1053", *listen)
	}
	o.upstream, err = withPort(o.upstream)
	return o, err
}

// withPort adds port 53 to an address without a port.
func withPort(upstream string) (string, error) {
	if upstream == "" {
		return "", nil
	}
	if addr, err := netip.ParseAddr(upstream); err == nil {
		return net.JoinHostPort(addr.String(), "53"), nil
	}
	if _, err := netip.ParseAddrPort(upstream); err != nil {
		return "", fmt.Errorf("-upstream %s: want an address, as in 9.9.9.9 or 127.0.0.1:5300", upstream)
	}
	return upstream, nil
}

// run serves the zones and starts CoreDNS, and stops both at the end.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if err := checkFree(o); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dnssecval-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	conf := config{listen: o.listen, metrics: o.metrics, upstream: o.upstream}
	expectations := realExpectations
	if o.upstream == "" {
		server, anchors, err := serveWorld(time.Now())
		if err != nil {
			return err
		}
		defer server.Close()
		conf.upstream, conf.anchors = server.Addr(), anchors
		expectations = worldExpectations
	}
	child, err := startCoreDNS(o.coredns, dir, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, child.end()) }()
	if o.check {
		if err := child.waitReady(ctx); err != nil {
			return err
		}
		return check(ctx, out, o.listen.String(), expectations)
	}
	return child.show(ctx, func() { printTable(out, o, conf.upstream, expectations) })
}

// serveWorld creates and serves the zones of package demo, and returns the trust
// anchors of their root.
func serveWorld(now time.Time) (*testzone.Server, []string, error) {
	w, err := demo.NewWorld(now)
	if err != nil {
		return nil, nil, err
	}
	server, err := w.Serve("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	return server, w.Anchors("."), nil
}

// checkFree returns a readable error if a port is taken, before CoreDNS fails
// on it.
func checkFree(o options) error {
	for flagName, addr := range map[string]string{"-listen": o.listen.String(), "-metrics": o.metrics} {
		if addr == "" {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("%s: %w (choose another address with %s)", addr, err, flagName)
		}
		l.Close()
	}
	p, err := net.ListenPacket("udp", o.listen.String())
	if err != nil {
		return fmt.Errorf("%s: %w (choose another address with -listen)", o.listen, err)
	}
	return p.Close()
}
