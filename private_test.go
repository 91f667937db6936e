package dnssecval

import (
	"context"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// worlds are what a resolver at the internal address says, and the public one.
func worlds(t *testing.T) (public, internal *testzone.World) {
	t.Helper()
	p256 := dns.ECDSAP256SHA256
	www := []string{"www A 192.0.2.1"}
	signed := testzone.Spec{Name: "signed.example.com.", Algorithm: p256, Records: www}
	public = newWorld(t,
		testzone.Spec{Name: "com.", Algorithm: p256, Denial: testzone.NSEC3OptOut},
		testzone.Spec{Name: "example.com.", Algorithm: p256, Records: www}, signed,
		testzone.Spec{Name: "unsigned.example.com.", Records: www},
		testzone.Spec{Name: "arpa.", Algorithm: p256}, testzone.Spec{Name: "in-addr.arpa.", Algorithm: p256},
		testzone.Spec{Name: "10.in-addr.arpa."}, testzone.Spec{Name: "home.arpa."})
	internal = newWorld(t,
		testzone.Spec{Name: "corp.internal.", Records: www},
		testzone.Spec{Name: "corp.example.com.", Records: www},
		testzone.Spec{Name: "corp.com.", Records: www},
		testzone.Spec{Name: "unsigned.example.com.", Records: www},
		testzone.Spec{Name: "10.in-addr.arpa.", Records: []string{"1.0.0 PTR host.corp.internal."}},
		testzone.Spec{Name: "168.192.in-addr.arpa.", Records: []string{"1.0 PTR host.corp.internal."}},
		testzone.Spec{Name: "home.arpa.", Records: www},
		testzone.Spec{Name: "fake.com.", Records: www})
	return public, internal
}

// inOrder asks the first stanza that takes the name, as the chain of forwards does.
type inOrder []*placement.Stanza

func (o inOrder) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	for _, s := range o {
		if s.Takes(dns.CanonicalName(r.Question[0].Name)) {
			return s.Handler.ServeDNS(ctx, w, r)
		}
	}
	return servfail, nil
}

func (inOrder) Name() string { return "forward" }

func forward(from string, h plugin.Handler, except ...string) *placement.Stanza {
	return &placement.Stanza{Directive: "forward", From: from, Handler: h, Except: except, Upstream: new(upstream)}
}

// withBlocks has the validator stand in the first of the blocks.
func withBlocks(v *Validator, blocks ...*placement.Block) *Validator {
	v.routes = newRoutes(placement.NewRoutes(blocks[0], blocks[1:]...), nil)
	v.Next = inOrder(blocks[0].Stanzas)
	return v
}

// TestPrivateZones: a zone that the operator forwards by name, and that the public
// tree does not show to be signed, is passed on and told once.
func TestPrivateZones(t *testing.T) {
	public, internal := worlds(t)
	root := func(stanzas ...*placement.Stanza) *placement.Block {
		return &placement.Block{Zones: []string{"."}, Stanzas: stanzas}
	}
	of := func(zone string, stanzas ...*placement.Stanza) *placement.Block {
		return &placement.Block{Zones: []string{zone}, Stanzas: stanzas}
	}
	private, unproven := outcome{reason: dnssec.PrivateZone, ede: noCode}, outcome{rcode: servfail, reason: dnssec.SignatureMissing, ede: ede10}
	split := handlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if qtype := r.Question[0].Qtype; qtype == dns.TypeDS || qtype == dns.TypeDNSKEY {
			return public.ServeDNS(ctx, w, r)
		}
		return internal.ServeDNS(ctx, w, r)
	})
	for _, tc := range []struct {
		what, name string
		qtype      uint16
		blocks     []*placement.Block
		want       outcome
		told       string // the zone that is named in the log, if any
	}{
		{"FROM beside the root", "www.corp.internal.", typeA, []*placement.Block{root(forward("corp.internal.", internal), forward(".", public))}, private, "corp.internal."},
		{"FROM, no such name", "no.corp.internal.", typeA, []*placement.Block{root(forward("corp.internal.", internal), forward(".", public))},
			outcome{rcode: dns.RcodeNameError, reason: dnssec.PrivateZone, ede: noCode}, "corp.internal."},
		{"FROM in a signed zone", "www.corp.example.com.", typeA, []*placement.Block{root(forward("corp.example.com.", internal), forward(".", public))}, private, "corp.example.com."},
		{"FROM in an opt-out zone", "www.corp.com.", typeA, []*placement.Block{root(forward("corp.com.", internal), forward(".", public))}, private, "corp.com."},
		{"FROM, proven insecure", "www.unsigned.example.com.", typeA, []*placement.Block{root(forward("unsigned.example.com.", internal), forward(".", public))}, private, "unsigned.example.com."},
		{"FROM, proven signed", "www.signed.example.com.", typeA, []*placement.Block{root(forward("signed.example.com.", public), forward(".", public))},
			outcome{ad: true, ede: noCode}, ""},
		{"FROM, proven signed, answered unsigned", "www.signed.example.com.", typeA,
			[]*placement.Block{root(forward("signed.example.com.", newWorld(t, testzone.Spec{Name: "signed.example.com.", Records: []string{"www A 192.0.2.66"}})), forward(".", public))},
			outcome{rcode: servfail, reason: dnssec.DNSKEYUnavailable, ede: dns.ExtendedErrorCodeNoReachableAuthority}, "signed.example.com."},
		{"beside FROM", "www.example.com.", typeA, []*placement.Block{root(forward("corp.example.com.", internal), forward(".", public))}, outcome{ad: true, ede: noCode}, ""},
		{"not by name", "www.corp.internal.", typeA, []*placement.Block{root(forward(".", split))}, unproven, ""},
		{"except", "www.corp.internal.", typeA, []*placement.Block{root(forward(".", public, "corp.internal."), forward("corp.internal.", internal))}, private, "corp.internal."},
		{"block of its own with a way to the root", "www.corp.example.com.", typeA,
			[]*placement.Block{of("corp.example.com.", forward(".", internal)), root(forward(".", public))}, private, "corp.example.com."},
		{"block of its own without a way to the root", "www.corp.example.com.", typeA, []*placement.Block{of("corp.example.com.", forward(".", internal))}, private, "corp.example.com."},
		{"block of its own, proven signed", "www.signed.example.com.", typeA,
			[]*placement.Block{of("signed.example.com.", forward(".", public)), root(forward(".", public))}, outcome{ad: true, ede: noCode}, ""},
		{"10.0.0.0/8", "1.0.0.10.in-addr.arpa.", dns.TypePTR, []*placement.Block{root(forward("10.in-addr.arpa.", internal), forward(".", public))}, private, "10.in-addr.arpa."},
		{"192.168.0.0/16, not delegated", "1.0.168.192.in-addr.arpa.", dns.TypePTR,
			[]*placement.Block{root(forward("168.192.in-addr.arpa.", internal), forward(".", public))}, private, "168.192.in-addr.arpa."},
		{"home.arpa by name", "www.home.arpa.", typeA, []*placement.Block{root(forward("home.arpa.", internal), forward(".", public))}, private, "home.arpa."},
	} {
		out := captureLog(t)
		v := withBlocks(newTestValidator(t, public), tc.blocks...)
		for range 2 {
			if got := observe(t, v, tc.name, tc.qtype); got != tc.want {
				t.Errorf("%s, %s: %+v %s, want %+v %s", tc.what, tc.name, got, got.reason, tc.want, tc.want.reason)
			}
		}
		checkTold(t, tc.what, out.String(), tc.told)
	}
}

// checkTold wants one line that names the zone and the lines to paste, or none.
func checkTold(t *testing.T, what, log, zone string) {
	t.Helper()
	if zone == "" && log != "" {
		t.Errorf("%s: logged %q", what, log)
	}
	if zone == "" {
		return
	}
	for _, part := range []string{"plugin/dnssecval: " + zone + " is not validated: ", "`trust-anchor FILE`", "`negative-trust-anchor " + zone + "`"} {
		if strings.Count(log, part) != 1 {
			t.Errorf("%s: %q is not there once: %q", what, part, log)
		}
	}
}

// TestPrivateZoneWithAnchor: with an anchor of its own it is validated, with a
// negative one nothing is told.
func TestPrivateZoneWithAnchor(t *testing.T) {
	public, _ := worlds(t)
	internal := newWorld(t, testzone.Spec{Name: "corp.internal.", Algorithm: dns.ED25519, Records: []string{"www A 192.0.2.1", "bad A 192.0.2.2"}})
	breakZone(t, internal, "corp.internal.", testzone.ChangeRDATA("bad.corp.internal.", typeA))
	root := "trust-anchor " + anchorFile(t, public.Anchors(".")...)
	own := "trust-anchor " + anchorFile(t, internal.Anchors("corp.internal.")...)
	for _, tc := range []struct {
		name  string
		lines []string
		want  outcome
	}{
		{"www.corp.internal.", []string{root, own}, outcome{ad: true, ede: noCode}},
		{"no.corp.internal.", []string{root, own}, outcome{rcode: dns.RcodeNameError, ad: true, ede: noCode}},
		{"bad.corp.internal.", []string{root, own}, outcome{rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6}},
		{"www.corp.internal.", []string{root, "negative-trust-anchor corp.internal"}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
		{"www.corp.internal.", []string{root, "negative-trust-anchor internal"}, outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
	} {
		for _, b := range [][]*placement.Block{
			{{Zones: []string{"."}, Stanzas: []*placement.Stanza{forward("corp.internal.", internal), forward(".", public)}}},
			{{Zones: []string{"corp.internal."}, Stanzas: []*placement.Stanza{forward(".", internal)}}},
		} {
			out := captureLog(t)
			if got := observe(t, withBlocks(newTestValidator(t, public, tc.lines...), b...), tc.name, typeA); got != tc.want || out.Len() > 0 {
				t.Errorf("%s in %v with %q: %+v %s, want %+v; logged %q", tc.name, b[0].Zones, tc.lines, got, got.reason, tc.want, out)
			}
		}
	}
}
