package validator

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestLocallyServed: each zone of the registry, as a resolver answers it that serves the zone,
// with and without the public proof that it is not signed (RFC 6303, section 4; RFC 6761).
func TestLocallyServed(t *testing.T) {
	w := publicTree(t)
	for _, publicDS := range []bool{false, true} {
		r := servingAll(w)
		r.publicDS = publicDS
		v := localValidator(t, r)
		for zone := range r.data {
			for _, test := range []struct {
				name  string
				qtype uint16
				want  outcome
			}{
				{name: "host." + zone, qtype: dns.TypeA, want: locally(dns.RcodeSuccess)},
				{name: "host." + zone, qtype: dns.TypeTXT, want: locally(dns.RcodeSuccess)},
				{name: "nobody." + zone, qtype: dns.TypePTR, want: locally(dns.RcodeNameError)},
				{name: "a.b.c." + zone, qtype: dns.TypeA, want: locally(dns.RcodeNameError)},
				{name: zone, qtype: dns.TypeSOA, want: locally(dns.RcodeSuccess)},
				{name: zone, qtype: dns.TypeA, want: locally(dns.RcodeSuccess)},
				{name: zone, qtype: dns.TypeDNSKEY, want: locally(dns.RcodeSuccess)},
				{name: "sub." + zone, qtype: dns.TypeDS, want: locally(dns.RcodeNameError)},
			} {
				if got := observe(t, v, test.name, test.qtype); got != test.want {
					t.Errorf("%s %s, public DS %t: %+v %s, want %+v", test.name, dns.Type(test.qtype), publicDS, got, got.reason, test.want)
				}
			}
			if got := observe(t, v, zone, dns.TypeDS); !publicDS && got != locally(dns.RcodeSuccess) || publicDS && !got.ad {
				t.Errorf("%s DS, public DS %t: %+v %s", zone, publicDS, got, got.reason)
			}
		}
		if failures := v.Stats().Failures; failures > 0 {
			t.Errorf("public DS %t: %d failures are kept", publicDS, failures)
		}
	}
}

// TestLocallyServedProven: an answer that the public tree proves is Secure, or Insecure for
// what it proves.
func TestLocallyServedProven(t *testing.T) {
	w := publicTree(t, testzone.Spec{Name: "10.in-addr.arpa."}, testzone.Spec{Name: "home.arpa.", Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w, locallyServed(w.Anchors(".")...), noSynthesis)
	denied := outcome{rcode: dns.RcodeNameError, ad: true, ede: noCode}
	unsigned := outcome{reason: dnssec.DelegationInsecure, ede: noCode}
	for _, zone := range anchor.BuiltinNegativeZones() {
		if zone == "10.in-addr.arpa." || zone == "home.arpa." {
			continue
		}
		if got := observe(t, v, "host."+zone, typeA); got != denied {
			t.Errorf("%s: %+v %s", zone, got, got.reason)
		}
	}
	if got := observe(t, v, "www.home.arpa.", typeA); got != unsigned {
		t.Errorf("an unsigned zone: %+v %s", got, got.reason)
	}
	unsigned.rcode = dns.RcodeNameError
	if got := observe(t, v, "1.0.0.10.in-addr.arpa.", dns.TypePTR); got != unsigned {
		t.Errorf("a name in an unsigned zone: %+v %s", got, got.reason)
	}
}

// TestLocallyServedScope: what the rule does not apply to.
func TestLocallyServedScope(t *testing.T) {
	w := publicTree(t)
	signed := newWorld(t, testzone.Spec{Name: "test.", Algorithm: p256}, testzone.Spec{Name: "corp.test.", Algorithm: p256})
	served := servingAll(w)
	lying := localResolver{world: w, data: map[string][]string{"latest.": nil, "11.in-addr.arpa.": nil, "example.": {"www.example. A 192.0.2.66"}, "arpa.": nil, "localhost.example.": nil}}
	own := func(zones ...string) option {
		lines := w.Anchors(".")
		for _, zone := range zones {
			lines = append(lines, signed.Anchors(zone)...)
		}
		return locallyServed(lines...)
	}
	refused := func(reason dnssec.Reason, ede uint16) outcome {
		return outcome{rcode: servfail, reason: reason, ede: ede}
	}
	unavailable := refused(dnssec.DNSKEYAbsent, dns.ExtendedErrorCodeDNSKEYMissing)
	for _, test := range []struct {
		name, asked string
		resolver    localResolver
		opts        []option
		want        outcome
	}{
		{name: "switched off", asked: "host.test.", resolver: served, opts: []option{trusting(w.Anchors(".")...)}, want: refused(dnssec.DenialMissing, ede12)},
		{name: "name that ends alike", asked: "host.latest.", resolver: lying, want: refused(dnssec.DenialMissing, ede12)},
		{name: "beside the zone", asked: "1.11.in-addr.arpa.", resolver: lying, want: refused(dnssec.DenialMissing, ede12)},
		{name: "zone above", asked: "foo.arpa.", resolver: lying, want: refused(dnssec.DenialMissing, ede12)},
		{name: "label elsewhere", asked: "host.localhost.example.", resolver: lying, want: refused(dnssec.DenialMissing, ede12)},
		{name: "signed zone", asked: "www.example.", resolver: lying, want: refused(dnssec.DenialMissing, ede12)},
		{name: "own trust anchor", asked: "host.test.", resolver: served, opts: []option{own("test.")}, want: unavailable},
		{name: "own trust anchor below", asked: "host.corp.test.", resolver: served, opts: []option{own("corp.test.")}, want: unavailable},
		{name: "beside an own trust anchor", asked: "host.test.", resolver: served, opts: []option{own("corp.test.")}, want: locally(dns.RcodeSuccess)},
		{name: "own negative trust anchor", asked: "host.test.", resolver: served, opts: []option{negative("test.")}, want: outcome{reason: dnssec.NegativeTrustAnchor, ede: 33}},
		{name: "own negative trust anchor below", asked: "x.corp.test.", resolver: served, opts: []option{negative("corp.test.")},
			want: outcome{rcode: dns.RcodeNameError, reason: dnssec.NegativeTrustAnchor, ede: 33}},
		{name: "own negative trust anchor above", asked: "1.10.in-addr.arpa.", resolver: served, opts: []option{negative("arpa.")},
			want: outcome{rcode: dns.RcodeNameError, reason: dnssec.NegativeTrustAnchor, ede: 33}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := localValidator(t, test.resolver, test.opts...)
			for range 2 {
				if got := observe(t, v, test.asked, typeA); got != test.want {
					t.Errorf("%+v %s, want %+v %s", got, got.reason, test.want, test.want.reason)
				}
			}
		})
	}
}

// TestLocallyServedSigned: in a zone that the tree proves to be signed, as a private root may
// have one, everything has to be proven, and nothing that is wrong passes.
func TestLocallyServedSigned(t *testing.T) {
	specs := []testzone.Spec{{Name: "test.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "mx MX 10 www"}}, {Name: "corp.test.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}}}
	for _, test := range []struct {
		name, zone, asked string
		breakage          testzone.Breakage
		reason            dnssec.Reason
	}{
		{name: "signature missing", zone: "test.", asked: "www.test.", breakage: testzone.DropSignatures("www.test.", typeA), reason: dnssec.SignatureMissing},
		{name: "denial missing", zone: "test.", asked: "no.test.", breakage: testzone.DropDenial(), reason: dnssec.DenialMissing},
		{name: "denial incomplete", zone: "test.", asked: "no.test.", breakage: testzone.DropDenialOf("no.test."), reason: dnssec.DenialIncomplete},
		{name: "signature wrong", zone: "test.", asked: "www.test.", breakage: testzone.FlipSignatureBit("www.test.", typeA), reason: dnssec.SignatureInvalid},
		{name: "DS wrong", zone: "test.", asked: "www.test.", breakage: testzone.WrongDSTag(), reason: dnssec.DNSKEYNoDSMatch},
		{name: "keys without signatures", zone: "test.", asked: "www.test.", breakage: testzone.DropSignatures("test.", dns.TypeDNSKEY), reason: dnssec.SignatureMissing},
		{name: "below, signature missing", zone: "corp.test.", asked: "www.corp.test.", breakage: testzone.DropSignatures("www.corp.test.", typeA), reason: dnssec.SignatureMissing},
		{name: "below, keys without signatures", zone: "corp.test.", asked: "www.corp.test.", breakage: testzone.DropSignatures("corp.test.", dns.TypeDNSKEY), reason: dnssec.SignatureMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, specs...)
			breakZone(t, w, test.zone, test.breakage)
			if got := judged(t, newTestValidator(t, w, locallyServed(w.Anchors(".")...)), test.asked, typeA); got.Status != dnssec.Bogus || got.Reason != test.reason {
				t.Errorf("%s, %s", got.Status, got.Finding)
			}
		})
	}
	t.Run("below, DS denied without proof", func(t *testing.T) {
		w := newWorld(t, specs...)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == "corp.test." && q.Question[0].Qtype == dns.TypeDS {
				a.Answer, a.Ns = nil, nil
			}
			return strippedBelow(q, a, "corp.test.")
		})
		for _, name := range []string{"www.corp.test.", "no.corp.test."} {
			if got := judged(t, newTestValidator(t, w, locallyServed(w.Anchors(".")...)), name, typeA); got.Status != dnssec.Bogus {
				t.Errorf("%s: %s, %s", name, got.Status, got.Finding)
			}
		}
	})
}

// strippedBelow takes the signatures and denials out of an answer for a name at or below a zone.
func strippedBelow(q, a *dns.Msg, zone string) *dns.Msg {
	if !dns.IsSubDomain(zone, q.Question[0].Name) {
		return a
	}
	without := func(section []dns.RR) []dns.RR {
		return slices.DeleteFunc(slices.Clone(section), func(rr dns.RR) bool {
			rtype := rr.Header().Rrtype
			return rtype == dns.TypeRRSIG || rtype == dns.TypeNSEC || rtype == dns.TypeNSEC3
		})
	}
	a.Answer, a.Ns = without(a.Answer), without(a.Ns)
	return a
}

// TestLocallyServedWrong: signatures of zones above that do not verify are no answer of a
// resolver's own, which has none. So they are Bogus, as elsewhere.
func TestLocallyServedWrong(t *testing.T) {
	for _, test := range []struct {
		name      string
		breakage  testzone.Breakage
		intercept func(q, a *dns.Msg) *dns.Msg
		reason    dnssec.Reason
	}{
		{name: "denial expired", breakage: testzone.Expired(".", dns.TypeNSEC), reason: dnssec.SignatureExpired},
		{name: "denial changed", breakage: testzone.FlipSignatureBit(".", dns.TypeNSEC), reason: dnssec.SignatureInvalid},
		{name: "data with a signature of the root", intercept: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == typeA {
				sig := a.Ns[slices.IndexFunc(a.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG })]
				sig = dns.Copy(sig)
				sig.Header().Name = q.Question[0].Name
				sig.(*dns.RRSIG).TypeCovered, sig.(*dns.RRSIG).Labels = typeA, 2
				a.Rcode, a.Ns, a.Answer = dns.RcodeSuccess, nil, []dns.RR{record(q.Question[0].Name + " A 192.0.2.66"), sig}
			}
			return a
		}, reason: dnssec.ReasonNone}, // the chain proves that there is no such name
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, testzone.Spec{Name: "zzz.", Algorithm: p256})
			if test.intercept == nil {
				breakZone(t, w, ".", test.breakage)
			}
			w.Intercept(test.intercept)
			if got := judged(t, newTestValidator(t, w, locallyServed(w.Anchors(".")...)), "host.invalid.", typeA); got.Status != test.reason.Status() || got.Reason != test.reason || got.Status == dnssec.Secure && got.Rcode() != dns.RcodeNameError {
				t.Errorf("%s, %s", got.Status, got.Finding)
			}
		})
	}
}

// TestLocallyServedOffline: a resolver that has lost its way to the Internet, or passes on no
// DNSSEC records, goes on to answer these names.
func TestLocallyServedOffline(t *testing.T) {
	for _, test := range []struct {
		name      string
		intercept func(q, a *dns.Msg) *dns.Msg
	}{
		{name: "SERVFAIL", intercept: func(q, _ *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, servfail) }},
		{name: "stripped", intercept: func(q, a *dns.Msg) *dns.Msg { return strippedBelow(q, a, ".") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := publicTree(t)
			w.Intercept(test.intercept)
			for _, publicDS := range []bool{false, true} {
				r := servingAll(w)
				r.publicDS = publicDS
				v := localValidator(t, r)
				for _, name := range []string{"host.localhost.", "host.10.in-addr.arpa.", "nobody.d.f.ip6.arpa."} {
					if got := ask(t, v, name, typeA, withDO); got.Rcode == servfail || got.AuthenticatedData {
						t.Errorf("%s: %s", name, got)
					}
				}
				if got := ask(t, v, "www.example.", typeA, withDO); got.Rcode != servfail {
					t.Errorf("another name: %s", got)
				}
			}
		})
	}
}

// TestLocallyServedAfterDenials: records of the root that deny a locally served name do not
// answer questions about it, whatever was asked before.
func TestLocallyServedAfterDenials(t *testing.T) {
	v := localValidator(t, servingAll(publicTree(t)))
	for _, name := range []string{"tess.", "tesu.", "local1.", "localhosu.", "b.", "zz.", "foo.arpa.", "9.in-addr.arpa.", "99.in-addr.arpa."} {
		if got := ask(t, v, name, typeA, withDO); got.Rcode != dns.RcodeNameError || !got.AuthenticatedData {
			t.Fatalf("%s: %s", name, got)
		}
	}
	for _, zone := range []string{"test.", "localhost.", "alt.", "home.arpa.", "10.in-addr.arpa."} {
		for _, name := range []string{"host." + zone, zone} {
			if got := ask(t, v, name, typeA, withDO); got.Rcode != dns.RcodeSuccess || got.AuthenticatedData || len(got.Answer) == 0 != (name == zone) {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
}

// TestLocallyServedCost: a name costs no more than its own question once the zone is known.
func TestLocallyServedCost(t *testing.T) {
	r := servingAll(publicTree(t))
	v := localValidator(t, r)
	var questions atomic.Int32
	v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		questions.Add(1)
		return r.Exchange(ctx, request, how)
	})
	for _, zone := range []string{"test.", "d.f.ip6.arpa.", "100.100.in-addr.arpa."} {
		ask(t, v, "warm."+zone, typeA, withDO)
		before := questions.Load()
		for i := range 10 {
			ask(t, v, strings.Repeat("x", i+1)+".a.b."+zone, typeA, withDO)
		}
		if got := questions.Load() - before; got != 10 {
			t.Errorf("%s: %d questions for 10 names", zone, got)
		}
	}
}
