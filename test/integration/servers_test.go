//go:build integration && linux

package integration

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/peers"
	"github.com/miekg/dns"
)

// host is the address of all servers; they use different ports.
const host = peers.Host

// nowhere is the address of the name servers in the zones. Nothing listens
// there: stub zones tell the recursor the port for each zone.
const nowhere = "127.0.53.53"

// serverSet has the running servers.
type serverSet struct {
	dir            string
	anchor         string // the root's DS RRset
	named, unbound string // programs
	recursor       string // port
	authorities    []string
}

// resolver is a running server.
type resolver struct {
	name, port string
	peer       bool // Unbound or BIND
}

func (r resolver) addr() string { return net.JoinHostPort(host, r.port) }

// newServerSet signs the world and starts its authoritative servers and a recursor.
// The recursor does not validate, so the validators that share it see
// everything.
func newServerSet(t *testing.T) *serverSet {
	t.Helper()
	f := &serverSet{dir: t.TempDir()}
	f.anchor = sign(t, f.dir)
	writeFile(t, filepath.Join(f.dir, "anchor"), f.anchor)
	f.named, f.unbound = private(t, f.dir, "named"), private(t, f.dir, "unbound")
	ports := freePorts(t, 1+deepest+1)
	f.recursor, f.authorities = ports[0], ports[1:]
	f.startAuthorities(t)
	f.startRecursor(t)
	return f
}

// freePorts returns ports that are free for UDP and TCP.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	addrs, err := peers.FreeAddrs(n)
	if err != nil {
		t.Fatal(err)
	}
	var ports []string
	for _, addr := range addrs {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}

// startAuthorities starts one server for each depth. A server with both parent
// and child zone would answer for the child where the parent is asked.
func (f *serverSet) startAuthorities(t *testing.T) {
	t.Helper()
	zones := make([]string, deepest+1)
	for _, z := range world {
		if !z.unserved {
			zones[z.depth()] += fmt.Sprintf("zone %q { type primary; file %q; };\n", z.name, z.file())
		}
	}
	for depth, list := range zones {
		f.startNamed(t, resolver{name: fmt.Sprintf("authority-%d", depth), port: f.authorities[depth]}, "recursion no; dnssec-validation no;", list)
	}
}

func (f *serverSet) startRecursor(t *testing.T) {
	t.Helper()
	var stubs strings.Builder
	for _, z := range world {
		fmt.Fprintf(&stubs, "stub-zone:\n\tname: %q\n\tstub-addr: %s@%s\n", z.name, host, f.authorities[z.depth()])
	}
	f.startUnbound(t, resolver{name: "recursor", port: f.recursor}, `"iterator"`, stubs.String())
}

// startPeers starts the peers, validators that forward to the recursor.
func (f *serverSet) startPeers(t *testing.T) []resolver {
	t.Helper()
	ports := freePorts(t, 2)
	unbound, named := resolver{"unbound", ports[0], true}, resolver{"named", ports[1], true}
	f.startUnbound(t, unbound, `"validator iterator"`,
		fmt.Sprintf("forward-zone:\n\tname: \".\"\n\tforward-addr: %s@%s\n", host, f.recursor))
	f.startNamed(t, named,
		fmt.Sprintf("dnssec-validation yes; forward only; forwarders { %s port %s; };", host, f.recursor),
		f.bindAnchors(t))
	return []resolver{unbound, named}
}

func (f *serverSet) startNamed(t *testing.T, r resolver, options, statements string) {
	t.Helper()
	path := filepath.Join(f.dir, r.name+".conf")
	writeFile(t, path, fmt.Sprintf(`options {
	directory %q;
	port %s;
	listen-on { %s; };
	empty-zones-enable no;
	pid-file none;
	session-keyfile none;
	lock-file none;
	max-cache-size 32m;
	%s
};
controls { };
%s
`, f.dir, r.port, host, options, statements))
	start(t, f.dir, r, f.named, "-g", "-4", "-n", "1", "-c", path)
}

// bindAnchors returns the trust anchor in BIND's syntax.
func (f *serverSet) bindAnchors(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	zp := dns.NewZoneParser(strings.NewReader(f.anchor), ".", "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		ds := rr.(*dns.DS)
		fmt.Fprintf(&b, "trust-anchors { . static-ds %d %d %d %q; };\n", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	}
	if err := zp.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (f *serverSet) startUnbound(t *testing.T, r resolver, modules, zones string) {
	t.Helper()
	path := filepath.Join(f.dir, r.name+".conf")
	anchor := `trust-anchor-file: "anchor"`
	if !strings.Contains(modules, "validator") {
		anchor = ""
	}
	writeFile(t, path, fmt.Sprintf(`server:
	interface: %s
	port: %s
	directory: %q
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	do-ip6: no
	num-threads: 1
	do-not-query-localhost: no
	module-config: %s
	%s
%s
remote-control:
	control-enable: no
`, host, r.port, f.dir, modules, anchor, zones))
	start(t, f.dir, r, f.unbound, "-d", "-c", path)
}

// startOurs starts CoreDNS without and with a cache.
func (f *serverSet) startOurs(t *testing.T, program string) []resolver {
	t.Helper()
	var list []resolver
	for i, port := range freePorts(t, 2) {
		r, cache := resolver{name: "coredns", port: port}, ""
		if i == 1 {
			r.name, cache = "coredns-cache", "cache"
		}
		path := filepath.Join(f.dir, "Corefile-"+r.name)
		writeFile(t, path, fmt.Sprintf(`.:%s {
	bind %s
	errors
	%s
	dnssec {
		validate
		log-failures
		trust-anchor %s
	}
	forward . %s:%s
}
`, port, host, cache, filepath.Join(f.dir, "anchor"), host, f.recursor))
		start(t, f.dir, r, program, "-conf", path)
		list = append(list, r)
	}
	return list
}
