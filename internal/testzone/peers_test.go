package testzone

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/peers"
	"github.com/miekg/dns"
)

// TestPeers has Unbound and BIND validate the answers of a World. Signed zones
// must be secure and broken ones SERVFAIL; otherwise this package is wrong. The
// test runs only with TESTZONE_PEERS=1.
func TestPeers(t *testing.T) {
	if os.Getenv("TESTZONE_PEERS") == "" {
		t.Skip("TESTZONE_PEERS is not set")
	}
	cases := append(peerCases(), brokenCases()...)
	w := newWorld(t, peerSpecs(cases)...)
	for _, tc := range cases {
		for _, b := range tc.breakages {
			if err := w.Break(tc.zone, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := w.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	forwarder := peers.Forwarder{Dir: dir, Programs: dir, Upstream: s.Addr(), Anchors: w.Anchors(".")}
	for _, peer := range []struct {
		name  string
		start func() (*peers.Server, error)
	}{{"unbound", forwarder.Unbound}, {"named", forwarder.Named}} {
		t.Run(peer.name, func(t *testing.T) {
			if _, err := peers.Private(dir, peer.name); err != nil {
				t.Fatal(err)
			}
			server, err := peer.start()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			for _, tc := range cases {
				want, other := tc.want, ""
				if alt, ok := tc.except[peer.name]; ok {
					want, other = alt, " (known to differ)"
				}
				if got := askPeer(server.Addr, tc.qname(), tc.typ); got != want {
					t.Errorf("%s %s %s: %s, want %s%s", tc.breakages, tc.qname(), dns.Type(tc.typ), got, want, other)
				}
			}
		})
	}
}

// askPeer returns the rcode and the AD bit of the peer's answer.
func askPeer(addr, name string, typ uint16) string {
	client := dns.Client{Net: "tcp", Timeout: 20 * time.Second}
	a, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, typ).SetEdns0(1232, true), addr)
	if err != nil {
		return err.Error()
	}
	if a.AuthenticatedData {
		return dns.RcodeToString[a.Rcode] + " AD"
	}
	return dns.RcodeToString[a.Rcode]
}

// peerCase is a question and the expected result of validating the answer.
type peerCase struct {
	zone, name string
	typ        uint16
	want       string // rcode and AD bit
	breakages  []Breakage
	except     map[string]string // known different results, by peer
}

func (tc peerCase) qname() string { return tc.name + tc.zone }

func peerSpecs(cases []peerCase) []Spec {
	specs := mixedSpecs()
	for _, tc := range cases {
		if len(tc.breakages) == 0 {
			continue
		}
		spec := Spec{Name: tc.zone, Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "*.wild A 192.0.2.2", "zz A 192.0.2.3"}}
		if strings.HasPrefix(tc.zone, "n3-") {
			spec.Denial = NSEC3
		}
		specs = append(specs, spec)
	}
	return specs
}

const (
	secure    = "NOERROR AD"
	secureNX  = "NXDOMAIN AD"
	plain     = "NOERROR"
	plainNX   = "NXDOMAIN"
	bogus     = "SERVFAIL"
	typeMX    = dns.TypeMX
	typeA     = dns.TypeA
	typeDS    = dns.TypeDS
	typeDNAME = dns.TypeDNAME
)

// peerCases returns questions for every kind of valid answer.
func peerCases() []peerCase {
	var cases []peerCase
	add := func(zone, name string, typ uint16, want string) {
		cases = append(cases, peerCase{zone: zone, name: name, typ: typ, want: want})
	}
	for _, zone := range []string{"example.", "csk.example.", "test.", "nsec3.test.", "compact.example."} {
		add(zone, "", dns.TypeSOA, secure)
		add(zone, "", dns.TypeDNSKEY, secure)
		add(zone, "", typeMX, secure)
		for _, name := range []string{"www.", "wWw.", "alias.", "across.", "zero.", `odd\ name\.x.`, "www.dn."} {
			add(zone, name, typeA, secure)
		}
		for _, name := range []string{"www.", "across.", "b.ent.", "ent.", "*.wild.", "exact.wild."} {
			add(zone, name, typeMX, secure)
		}
		nameError, expansion := secureNX, secure
		switch zone {
		case "test.": // an opt-out span does not prove nonexistence securely (RFC 5155, section 9.2)
			nameError, expansion = plainNX, plain
		case "compact.example.":
			nameError = secure
		}
		for _, name := range []string{"x.wild.", "x.y.wild.", "x.cnames."} {
			add(zone, name, typeA, expansion)
			add(zone, name, typeMX, expansion)
		}
		for _, name := range []string{"no.", "x.no.", "nowhere."} {
			add(zone, name, typeA, nameError)
		}
		add(zone, "www.", dns.TypeANY, secure)
		add(zone, "www.", dns.TypeNSEC, secure)
		add(zone, "www.", dns.TypeTXT, secure)
		add(zone, "mail.", typeMX, secure)
		add(zone, "dn.", typeDNAME, secure)
	}
	for _, alg := range manyAlgorithms {
		for _, q := range []struct{ name, want string }{{"www.", secure}, {"x.wild.", secure}, {"no.", secureNX}} {
			add(algZone(alg), q.name, typeA, q.want)
		}
	}
	for _, zone := range []string{
		"unsigned.example.", "below.unsigned.example.", "private.example.", "island.example.",
		"unsigned.nsec3.test.", "unsigned.test.", "deep.in.out.test.",
	} {
		add(zone, "www.", typeA, plain)
		add(zone, "x.wild.", typeA, plain)
		add(zone, "www.", typeMX, plain)
		add(zone, "no.", typeA, plainNX)
		add(zone, "across.", typeA, plain)
	}
	add("csk.example.", "", typeDS, secure)
	add("unsigned.example.", "", typeDS, secure)
	add("nsec3.test.", "", typeDS, secure)
	add("unsigned.nsec3.test.", "", typeDS, secure)
	add("unsigned.test.", "", typeDS, plain)
	add(".", "", dns.TypeNS, secure)
	add(".", "", typeDS, secure)
	return cases
}

// brokenCases returns questions to zones that are each broken in one way.
func brokenCases() []peerCase {
	var cases []peerCase
	add := func(label, name string, typ uint16, want string, f func(zone string) Breakage) {
		zone := fmt.Sprintf("%s%d.test.", label, len(cases))
		cases = append(cases, peerCase{zone: zone, name: name, typ: typ, want: want, breakages: []Breakage{f(zone)}})
	}
	www := func(f func(string, uint16) Breakage) func(string) Breakage {
		return func(zone string) Breakage { return f("www."+zone, typeA) }
	}
	all := func(f func(string, uint16) Breakage) func(string) Breakage {
		return func(string) Breakage { return f("", 0) }
	}
	just := func(b Breakage) func(string) Breakage { return func(string) Breakage { return b } }
	for _, f := range []func(string, uint16) Breakage{DropSignatures, Expired, NotYetValid, InceptionAfterExpiration, FlipSignatureBit} {
		add("set", "www.", typeA, bogus, www(f))
		add("set", "zz.", typeA, secure, www(f))
		add("all", "www.", typeA, bogus, all(f))
	}
	add("set", "www.", typeA, bogus, www(ChangeRDATA))
	add("foreign", "www.", typeA, bogus, func(z string) Breakage { return ForeignSigner("www."+z, typeA, "nsec3.test.") })
	// All peers accept a signature by the parent zone: the parent could serve
	// the name itself without the delegation.
	add("foreign", "www.", typeA, secure, func(z string) Breakage { return ForeignSigner("www."+z, typeA, "test.") })
	add("labels", "www.", typeA, bogus, func(z string) Breakage { return WrongLabels("www."+z, typeA, 1) })
	add("labels", "www.", typeA, bogus, func(z string) Breakage { return WrongLabels("www."+z, typeA, -1) })
	for _, b := range []Breakage{
		WrongDSDigest(), WrongDSTag(), WrongDSAlgorithm(), RemoveZSK(), RemoveKSK(), ClearZoneFlag(ZSK), WrongProtocol(ZSK),
	} {
		add("key", "www.", typeA, bogus, just(b))
	}
	for _, tc := range []struct {
		breakage Breakage
		lenient  string
	}{{SetRevoke(KSK), "unbound"}, {ClearZoneFlag(KSK), "named"}, {WrongProtocol(KSK), "named"}} {
		add("key", "www.", typeA, bogus, just(tc.breakage))
		cases[len(cases)-1].except = map[string]string{tc.lenient: secure}
	}
	for _, b := range []Breakage{DSAlgorithm(200), DSDigestType(200), RemoveDS()} {
		add("ds", "www.", typeA, plain, just(b))
	}
	for _, label := range []string{"n-", "n3-"} {
		add(label, "no.", typeA, bogus, just(DropDenial()))
		add(label, "www.", typeMX, bogus, just(DropDenial()))
		add(label, "x.wild.", typeA, bogus, just(DropDenial()))
		add(label, "x.wild.", typeA, bogus, just(DropWildcardProofs()))
		add(label, "www.", typeMX, bogus, func(z string) Breakage { return DropDenialOf("www." + z) })
		add(label, "no.", typeA, bogus, func(z string) Breakage { return DropDenialOf("no." + z) })
		add(label, "no.", typeA, bogus, func(z string) Breakage { return DropDenialOf("*." + z) })
		add(label, "www.", typeMX, bogus, func(z string) Breakage { return SetTypeBit("www."+z, typeMX) })
		add(label, "www.", typeMX, secure, func(z string) Breakage { return ClearTypeBit("www."+z, typeA) })
		add(label, "no.", typeA, bogus, func(z string) Breakage { return ReplaceNext("no."+z, justBefore("no."+z)) })
	}
	return cases
}

// justBefore returns a name just before name both in canonical order and in
// hash order, with no name of the zone between them.
func justBefore(name string) string {
	hash := func(n string) string { return dns.HashName(n, dns.SHA1, 0, "") }
	best := ""
	for i := range 1000 {
		candidate := fmt.Sprintf("nn%d%s", i, name[2:])
		if hash(candidate) < hash(name) && (best == "" || hash(candidate) > hash(best)) {
			best = candidate
		}
	}
	return best
}
