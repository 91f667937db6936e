package validator

import (
	"context"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// forwarding is the Exchanger and the Topology of an operator who forwards zones by name.
// The entry of the root is for all other names.
type forwarding map[string]Exchanger

// use has a validator ask so.
func (f forwarding) use(v *Validator) *Validator {
	v.exchanger, v.options.Topology = f, f
	return v
}

// zone returns the zone by which a name is forwarded.
func (f forwarding) zone(name string) (zone string, ok bool) {
	for zone = name; ; zone = dnsname.Parent(zone) {
		if _, ok := f[zone]; ok || zone == dnsname.Root {
			return zone, ok
		}
	}
}

// Exchange asks for the DS of a zone where its parent is asked.
func (f forwarding) Exchange(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
	name := dnsname.Canonical(request.Question[0].Name)
	zone, ok := f.zone(container(name, request.Question[0].Qtype))
	if !ok {
		return nil, ErrNoRoute
	}
	return f[zone].Exchange(ctx, request, how)
}

func (f forwarding) Private(name string) string {
	zone, _ := f.zone(name)
	return zone
}

func (f forwarding) Forwarded(name string) bool {
	_, ok := f.zone(name)
	return ok
}

func (f forwarding) Silent(string) bool { return false }

// worlds returns the public tree, and what a resolver inside the operator's network
// answers.
func worlds(t *testing.T) (public, internal *testzone.World) {
	t.Helper()
	www := []string{"www A 192.0.2.1"}
	public = newWorld(t,
		testzone.Spec{Name: "com.", Algorithm: p256, Denial: testzone.NSEC3OptOut},
		testzone.Spec{Name: "example.com.", Algorithm: p256, Records: www},
		testzone.Spec{Name: "signed.example.com.", Algorithm: p256, Records: www},
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
		testzone.Spec{Name: "home.arpa.", Records: www})
	return public, internal
}

// TestPrivateZones: a zone that the operator forwards by name is Indeterminate if the
// public tree does not prove it signed, and the observer is told so.
func TestPrivateZones(t *testing.T) {
	public, internal := worlds(t)
	unsigned := newWorld(t, testzone.Spec{Name: "signed.example.com.", Records: []string{"www A 192.0.2.66"}})
	split := ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		if how.Chain {
			return resolver{public}.Exchange(ctx, request, how)
		}
		return resolver{internal}.Exchange(ctx, request, how)
	})
	root := func(zone string, e Exchanger) forwarding { return forwarding{".": resolver{public}, zone: e} }
	private := outcome{reason: dnssec.PrivateZone, ede: noCode}
	secure := outcome{ad: true, ede: noCode}
	for _, tc := range []struct {
		what, name   string
		qtype        uint16
		forwards     forwarding
		want         outcome
		notValidated string // the zone, if any
	}{
		{what: "beside the root", name: "www.corp.internal.", forwards: root("corp.internal.", resolver{internal}), want: private, notValidated: "corp.internal."},
		{what: "no such name", name: "no.corp.internal.", forwards: root("corp.internal.", resolver{internal}),
			want: outcome{rcode: dns.RcodeNameError, reason: dnssec.PrivateZone, ede: noCode}, notValidated: "corp.internal."},
		{what: "in a signed zone", name: "www.corp.example.com.", forwards: root("corp.example.com.", resolver{internal}), want: private, notValidated: "corp.example.com."},
		{what: "in an opt-out zone", name: "www.corp.com.", forwards: root("corp.com.", resolver{internal}), want: private, notValidated: "corp.com."},
		{what: "proven insecure", name: "www.unsigned.example.com.", forwards: root("unsigned.example.com.", resolver{internal}), want: private, notValidated: "unsigned.example.com."},
		{what: "proven signed", name: "www.signed.example.com.", forwards: root("signed.example.com.", resolver{public}), want: secure},
		{what: "proven signed, answered unsigned", name: "www.signed.example.com.", forwards: root("signed.example.com.", resolver{unsigned}),
			want: outcome{rcode: servfail, reason: dnssec.DNSKEYAbsent, ede: dns.ExtendedErrorCodeDNSKEYMissing}, notValidated: "signed.example.com."},
		{what: "beside the zone", name: "www.example.com.", forwards: root("corp.example.com.", resolver{internal}), want: secure},
		{what: "not by name", name: "www.corp.internal.", forwards: forwarding{".": split},
			want: outcome{rcode: dns.RcodeNameError, ad: true, ede: noCode}}, // what the public tree proves (RFC 8020, section 2)
		{what: "without a way to the root", name: "www.corp.example.com.", forwards: forwarding{"corp.example.com.": resolver{internal}}, want: private, notValidated: "corp.example.com."},
		{what: "10.0.0.0/8", name: "1.0.0.10.in-addr.arpa.", qtype: dns.TypePTR, forwards: root("10.in-addr.arpa.", resolver{internal}), want: private, notValidated: "10.in-addr.arpa."},
		{what: "192.168.0.0/16, not delegated", name: "1.0.168.192.in-addr.arpa.", qtype: dns.TypePTR, forwards: root("168.192.in-addr.arpa.", resolver{internal}),
			want: private, notValidated: "168.192.in-addr.arpa."},
		{what: "home.arpa", name: "www.home.arpa.", forwards: root("home.arpa.", resolver{internal}), want: private, notValidated: "home.arpa."},
	} {
		t.Run(tc.what, func(t *testing.T) {
			if tc.qtype == 0 {
				tc.qtype = dns.TypeA
			}
			var seen tally
			v := tc.forwards.use(newTestValidator(t, public, tallied(&seen)))
			for range 2 {
				if got := observe(t, v, tc.name, tc.qtype); got != tc.want {
					t.Errorf("%s: %+v %s, want %+v %s", tc.name, got, got.reason, tc.want, tc.want.reason)
				}
			}
			zones := seen.zonesNotValidated()
			if len(zones) > 1 || zones[tc.notValidated] == "" != (tc.notValidated == "") {
				t.Errorf("not validated: %q, want %q", zones, tc.notValidated)
			}
		})
	}
}

// TestPrivateZoneWithAnchor: a zone with a trust anchor of its own is validated, and for
// one with a negative trust anchor the observer is told nothing.
func TestPrivateZoneWithAnchor(t *testing.T) {
	public, _ := worlds(t)
	internal := newWorld(t, testzone.Spec{Name: "corp.internal.", Algorithm: dns.ED25519, Records: []string{"www A 192.0.2.1", "bad A 192.0.2.2"}})
	breakZone(t, internal, "corp.internal.", testzone.ChangeRDATA("bad.corp.internal.", typeA))
	own := trusting(append(public.Anchors("."), internal.Anchors("corp.internal.")...)...)
	disabled := outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}
	for _, tc := range []struct {
		what, name string
		anchors    option
		want       outcome
	}{
		{what: "trust anchor", name: "www.corp.internal.", anchors: own, want: outcome{ad: true, ede: noCode}},
		{what: "trust anchor, no such name", name: "no.corp.internal.", anchors: own, want: outcome{rcode: dns.RcodeNameError, ad: true, ede: noCode}},
		{what: "trust anchor, forged", name: "bad.corp.internal.", anchors: own, want: outcome{rcode: servfail, reason: dnssec.SignatureInvalid, ede: ede6}},
		{what: "negative trust anchor", name: "www.corp.internal.", anchors: negative("corp.internal."), want: disabled},
		{what: "negative trust anchor above", name: "www.corp.internal.", anchors: negative("internal."), want: disabled},
	} {
		for _, f := range []forwarding{{".": resolver{public}, "corp.internal.": resolver{internal}}, {"corp.internal.": resolver{internal}}} {
			var seen tally
			v := f.use(newTestValidator(t, public, tc.anchors, tallied(&seen)))
			if got := observe(t, v, tc.name, typeA); got != tc.want || len(seen.zonesNotValidated()) > 0 {
				t.Errorf("%s, %d resolvers: %+v %s, want %+v; not validated: %v", tc.what, len(f), got, got.reason, tc.want, seen.zonesNotValidated())
			}
		}
	}
}
