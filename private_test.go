package dnssecval

import (
	"context"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
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
type inOrder []*stanza

func (o inOrder) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	for _, s := range o {
		if s.takes(dns.CanonicalName(r.Question[0].Name)) {
			return s.handler.ServeDNS(ctx, w, r)
		}
	}
	return servfail, nil
}

func (inOrder) Name() string { return "forward" }

func forward(from string, h plugin.Handler, except ...string) *stanza {
	return &stanza{directive: "forward", from: from, handler: h, except: except}
}

// withBlocks has the validator stand in the first of the blocks.
func withBlocks(v *Validator, blocks ...*block) *Validator {
	v.routes = &routes{own: blocks[0], blocks: blocks}
	v.Next = inOrder(blocks[0].stanzas)
	return v
}

// TestPrivateZones: a zone that the operator forwards by name, and that the public
// tree does not show to be signed, is passed on and told once.
func TestPrivateZones(t *testing.T) {
	public, internal := worlds(t)
	root := func(stanzas ...*stanza) *block { return &block{zones: []string{"."}, stanzas: stanzas} }
	of := func(zone string, stanzas ...*stanza) *block { return &block{zones: []string{zone}, stanzas: stanzas} }
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
		blocks     []*block
		want       outcome
		told       string // the zone that is named in the log, if any
	}{
		{"FROM beside the root", "www.corp.internal.", typeA, []*block{root(forward("corp.internal.", internal), forward(".", public))}, private, "corp.internal."},
		{"FROM, no such name", "no.corp.internal.", typeA, []*block{root(forward("corp.internal.", internal), forward(".", public))},
			outcome{rcode: dns.RcodeNameError, reason: dnssec.PrivateZone, ede: noCode}, "corp.internal."},
		{"FROM in a signed zone", "www.corp.example.com.", typeA, []*block{root(forward("corp.example.com.", internal), forward(".", public))}, private, "corp.example.com."},
		{"FROM in an opt-out zone", "www.corp.com.", typeA, []*block{root(forward("corp.com.", internal), forward(".", public))}, private, "corp.com."},
		{"FROM, proven insecure", "www.unsigned.example.com.", typeA, []*block{root(forward("unsigned.example.com.", internal), forward(".", public))}, private, "unsigned.example.com."},
		{"FROM, proven signed", "www.signed.example.com.", typeA, []*block{root(forward("signed.example.com.", public), forward(".", public))},
			outcome{ad: true, ede: noCode}, ""},
		{"FROM, proven signed, answered unsigned", "www.signed.example.com.", typeA,
			[]*block{root(forward("signed.example.com.", newWorld(t, testzone.Spec{Name: "signed.example.com.", Records: []string{"www A 192.0.2.66"}})), forward(".", public))},
			outcome{rcode: servfail, reason: dnssec.DNSKEYUnavailable, ede: dns.ExtendedErrorCodeNoReachableAuthority}, "signed.example.com."},
		{"beside FROM", "www.example.com.", typeA, []*block{root(forward("corp.example.com.", internal), forward(".", public))}, outcome{ad: true, ede: noCode}, ""},
		{"not by name", "www.corp.internal.", typeA, []*block{root(forward(".", split))}, unproven, ""},
		{"except", "www.corp.internal.", typeA, []*block{root(forward(".", public, "corp.internal."), forward("corp.internal.", internal))}, private, "corp.internal."},
		{"block of its own with a way to the root", "www.corp.example.com.", typeA,
			[]*block{of("corp.example.com.", forward(".", internal)), root(forward(".", public))}, private, "corp.example.com."},
		{"block of its own without a way to the root", "www.corp.example.com.", typeA, []*block{of("corp.example.com.", forward(".", internal))}, private, "corp.example.com."},
		{"block of its own, proven signed", "www.signed.example.com.", typeA,
			[]*block{of("signed.example.com.", forward(".", public)), root(forward(".", public))}, outcome{ad: true, ede: noCode}, ""},
		{"10.0.0.0/8", "1.0.0.10.in-addr.arpa.", dns.TypePTR, []*block{root(forward("10.in-addr.arpa.", internal), forward(".", public))}, private, "10.in-addr.arpa."},
		{"192.168.0.0/16, not delegated", "1.0.168.192.in-addr.arpa.", dns.TypePTR,
			[]*block{root(forward("168.192.in-addr.arpa.", internal), forward(".", public))}, private, "168.192.in-addr.arpa."},
		{"home.arpa by name", "www.home.arpa.", typeA, []*block{root(forward("home.arpa.", internal), forward(".", public))}, private, "home.arpa."},
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
		for _, b := range [][]*block{
			{{zones: []string{"."}, stanzas: []*stanza{forward("corp.internal.", internal), forward(".", public)}}},
			{{zones: []string{"corp.internal."}, stanzas: []*stanza{forward(".", internal)}}},
		} {
			out := captureLog(t)
			if got := observe(t, withBlocks(newTestValidator(t, public, tc.lines...), b...), tc.name, typeA); got != tc.want || out.Len() > 0 {
				t.Errorf("%s in %v with %q: %+v %s, want %+v; logged %q", tc.name, b[0].zones, tc.lines, got, got.reason, tc.want, out)
			}
		}
	}
}

// TestRoutes: the DS of a zone is asked where its parent is asked.
func TestRoutes(t *testing.T) {
	h := func(name string) plugin.Handler { return named(name) }
	own := &block{zones: []string{"."}, stanzas: []*stanza{
		forward("corp.example.com.", h("corp")), forward("example.com.", h("example"), "except.example.com."), forward(".", h("root"), "internal.")}}
	other := &block{zones: []string{"other.", "example.org."}, stanzas: []*stanza{forward(".", h("other"))}}
	r := &routes{own: own, blocks: []*block{own, other}}
	for _, tc := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{".", dns.TypeDNSKEY, "root"},
		{"com.", dns.TypeDS, "root"},
		{"example.com.", dns.TypeDS, "root"},
		{"example.com.", dns.TypeDNSKEY, "example"},
		{"sub.example.com.", dns.TypeDS, "example"},
		{"corp.example.com.", dns.TypeDS, "example"},
		{"corp.example.com.", dns.TypeDNSKEY, "corp"},
		{"badcorp.example.com.", dns.TypeDNSKEY, "example"},
		{"x.corp.example.com.", dns.TypeDS, "corp"},
		{"except.example.com.", dns.TypeDNSKEY, "root"},
		{"internal.", dns.TypeDNSKEY, ""},
		{"other.", dns.TypeDS, "root"},
		{"other.", dns.TypeDNSKEY, "other"},
		{"x.other.", dns.TypeDS, "other"},
		{"example.org.", dns.TypeDNSKEY, "other"},
	} {
		got, ok := r.handler(context.Background(), tc.name, tc.qtype)
		if ok != (tc.want != "") || ok && got.Name() != tc.want {
			t.Errorf("%s %s: %v, %v, want %s", tc.name, dns.Type(tc.qtype), got, ok, tc.want)
		}
	}
}

// named is a handler with nothing but a name.
type named string

func (n named) ServeDNS(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
	return servfail, nil
}

func (n named) Name() string { return string(n) }
