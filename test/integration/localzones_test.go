//go:build integration && linux

package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/peers"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// localUpstream is a resolver that answers names of the registry by itself.
type localUpstream struct {
	name   string
	start  func(t *testing.T, f *serverSet, r resolver, world string)
	locals []string // zones that it surely answers by itself
}

var localUpstreams = []localUpstream{
	{name: "Unbound, its own zones", locals: []string{"test.", "localhost.", "invalid.", "onion.", "home.arpa.", "10.in-addr.arpa.", "127.in-addr.arpa.", "d.f.ip6.arpa.", "100.100.in-addr.arpa."},
		start: func(t *testing.T, f *serverSet, r resolver, world string) {
			f.startUnbound(t, r, `"iterator"`, forwardTo(world))
		}},
	{name: "Unbound, that validates", locals: []string{"test.", "localhost.", "10.in-addr.arpa."},
		start: func(t *testing.T, f *serverSet, r resolver, world string) {
			f.startUnbound(t, r, `"validator iterator"`, forwardTo(world))
		}},
	{name: "Unbound, all zones of the registry", locals: anchor.BuiltinNegativeZones(),
		start: func(t *testing.T, f *serverSet, r resolver, world string) {
			var zones strings.Builder
			for _, zone := range anchor.BuiltinNegativeZones() {
				fmt.Fprintf(&zones, "local-zone: %q static\nlocal-data: \"%s SOA localhost. nobody.invalid. 1 3600 1200 604800 60\"\nlocal-data: \"host.%s A 192.0.2.1\"\n", zone, zone, zone)
			}
			f.startUnbound(t, r, `"iterator"`, zones.String()+forwardTo(world))
		}},
	{name: "BIND, its own zones", locals: []string{"10.in-addr.arpa.", "127.in-addr.arpa.", "d.f.ip6.arpa.", "100.100.in-addr.arpa."},
		start: func(t *testing.T, f *serverSet, r resolver, world string) {
			path := filepath.Join(f.dir, "bind.conf")
			addr, port, _ := strings.Cut(world, ":")
			writeFile(t, path, fmt.Sprintf(`options { directory %q; port %s; listen-on { %s; }; listen-on-v6 { none; }; dnssec-validation no; empty-zones-enable yes;
	forwarders { %s port %s; }; forward first; pid-file none; session-keyfile none; lock-file none; };
controls { };
`, f.dir, r.port, host, addr, port))
			start(t, f.dir, r, f.named, "-g", "-4", "-n", "1", "-c", path)
		}},
}

func forwardTo(world string) string {
	return fmt.Sprintf("forward-zone:\n\tname: \".\"\n\tforward-addr: %s\n", strings.Replace(world, ":", "@", 1))
}

// localQuestions are the questions about a zone of the registry.
func localQuestions(zone string) (list []question) {
	for _, name := range []string{zone, "host." + zone, "1.2.3." + zone} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeSOA, dns.TypeDS} {
			list = append(list, question{name, qtype})
		}
	}
	return list
}

// TestLocallyServed asks about all zones of the registry of locally served zones with resolvers
// that answer them by themselves: none is SERVFAIL, none is logged or counted as a failure, and
// none of a resolver's own answers has AD. What the tree proves has AD.
func TestLocallyServed(t *testing.T) {
	const alg = dns.ECDSAP256SHA256
	w, err := testzone.New(time.Now(), testzone.Spec{Name: "arpa.", Algorithm: alg}, testzone.Spec{Name: "in-addr.arpa.", Algorithm: alg},
		testzone.Spec{Name: "ip6.arpa.", Algorithm: alg}, testzone.Spec{Name: "example.", Algorithm: alg, Records: []string{"www A 192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := w.Serve(host + ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	f := &serverSet{dir: t.TempDir(), anchor: w.Anchors(".")[0]}
	writeFile(t, filepath.Join(f.dir, "anchor"), f.anchor+"\n")
	f.named, f.unbound = private(t, f.dir, "named"), private(t, f.dir, "unbound")
	binary, err := filepath.Abs(*program)
	if err != nil {
		t.Fatal(err)
	}
	for i, upstream := range localUpstreams {
		t.Run(upstream.name, func(t *testing.T) {
			ports := freePorts(t, 2)
			theirs, ours := resolver{name: fmt.Sprintf("upstream-%d", i), port: ports[0]}, resolver{name: fmt.Sprintf("ours-%d", i), port: ports[1]}
			upstream.start(t, f, theirs, server.Addr())
			path := filepath.Join(f.dir, "Corefile-"+ours.name)
			writeFile(t, path, fmt.Sprintf(".:%s {\nbind %s\nerrors\ndnssec {\nvalidate\nlog-failures\ntrust-anchor %s\n}\nforward . %s\n}\n",
				ours.port, host, filepath.Join(f.dir, "anchor"), theirs.addr()))
			coredns, err := peers.Start(f.dir, ours.name, ours.addr(), binary, "-conf", path)
			if err != nil {
				t.Fatal(err)
			}
			stopAtEnd(t, coredns)
			upstream.check(t, theirs, ours)
			for _, line := range strings.Split(coredns.Log(), "\n") {
				if strings.Contains(line, "bogus") || strings.Contains(line, "is not validated") || strings.Contains(line, "[ERROR]") {
					t.Errorf("the log has %s", line)
				}
			}
		})
	}
}

func (u localUpstream) check(t *testing.T, theirs, ours resolver) {
	t.Helper()
	local := make(map[string]bool)
	for _, zone := range u.locals {
		local[zone] = true
	}
	for _, zone := range anchor.BuiltinNegativeZones() {
		for _, q := range localQuestions(zone) {
			got, want := exchange(t, ours, q), exchange(t, theirs, q)
			switch {
			case got.Rcode == dns.RcodeServerFailure || got.Rcode != want.Rcode || len(got.Answer) != len(want.Answer):
				t.Errorf("%s: %s with %d records, the upstream says %s with %d", q, dns.RcodeToString[got.Rcode], len(got.Answer), dns.RcodeToString[want.Rcode], len(want.Answer))
			case got.AuthenticatedData != signedAnswer(want):
				t.Errorf("%s: AD %t, the upstream's answer is signed: %t", q, got.AuthenticatedData, signedAnswer(want))
			case local[zone] && q.qtype != dns.TypeDS && got.AuthenticatedData:
				t.Errorf("%s: AD although the upstream answers by itself", q)
			}
		}
	}
	if got := exchange(t, ours, question{"www.example.", dns.TypeA}); got.Rcode != dns.RcodeSuccess || !got.AuthenticatedData {
		t.Errorf("a signed name: %s", got)
	}
}

// signedAnswer reports whether the answer has signatures.
func signedAnswer(m *dns.Msg) bool {
	for _, rr := range append(m.Answer, m.Ns...) {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			return true
		}
	}
	return false
}

// exchange asks with DO.
func exchange(t *testing.T, r resolver, q question) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(q.name, q.qtype)
	m.SetEdns0(1232, true)
	client := dns.Client{Timeout: answerTimeout}
	answer, _, err := client.Exchange(m, r.addr())
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.Exchange(m, r.addr())
	}
	if err != nil {
		t.Fatalf("%s asks %s: %v", r.name, q, err)
	}
	return answer
}
