// Command demo shows a validating CoreDNS at work. It makes a small tree of
// DNS zones, freshly signed, of which some are broken on purpose, serves it
// as an upstream that does not validate, starts CoreDNS in front of it, and
// prints what to ask with dig and what each answer will show.
//
//	demo -coredns ./coredns
//	demo -coredns ./coredns -upstream 9.9.9.9
//
// With -upstream CoreDNS forwards there and validates the real tree with the
// built-in root anchors. With -check demo asks itself, and fails if an
// answer is not what it promised.
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

// options are the flags.
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
	fs.StringVar(&o.upstream, "upstream", "", "forward to this `address` instead of to zones that are made here")
	fs.BoolVar(&o.check, "check", false, "ask what is printed, and fail if an answer is another one")
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

// run serves the world, starts CoreDNS, and undoes both at the end.
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
	promises := realPromises
	if o.upstream == "" {
		server, anchors, err := serveWorld(time.Now())
		if err != nil {
			return err
		}
		defer server.Close()
		conf.upstream, conf.anchors = server.Addr(), anchors
		promises = worldPromises
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
		return check(ctx, out, o.listen.String(), promises)
	}
	return child.show(ctx, func() { printTable(out, o, conf.upstream, promises) })
}

// serveWorld makes and serves the zones of package demo. It returns the trust
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

// checkFree says in plain words that a port is taken, before CoreDNS says it
// in its own.
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
