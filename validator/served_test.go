package validator

import (
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// serving makes a validator of what the program serves itself, the zones.
func serving(zones ...string) option {
	return func(_ testing.TB, o *Options) {
		o.Served = func(name string) (closest string) {
			for _, zone := range zones {
				if dnsname.IsSubdomain(name, zone) && len(zone) > len(closest) {
					closest = zone
				}
			}
			return closest
		}
	}
}

// servedWorld has served zones: one that is signed, one that is not, and one that is signed
// and not delegated as such.
func servedWorld(t *testing.T) *testzone.World {
	t.Helper()
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: append([]string{"away CNAME www.other."}, richRecords...)},
		testzone.Spec{Name: "child.example.", Algorithm: p256, Records: richRecords},
		testzone.Spec{Name: "unsigned.example.", Records: richRecords},
		testzone.Spec{Name: "island.example.", Algorithm: p256, DS: []uint8{}, Records: richRecords},
		testzone.Spec{Name: "other.", Algorithm: p256, Records: richRecords})
}

var servedNames = []string{"example.", "unsigned.example.", "island.example."}

// authoritative returns the response of an authoritative server.
func authoritative(w *testzone.World, request *dns.Msg) *dns.Msg {
	m := w.Answer(newQuestion(request.Question[0].Name, request.Question[0].Qtype, withDO))
	m.Id, m.Authoritative, m.RecursionAvailable = request.Id, true, false
	return m
}

// withoutDenial removes NSEC records, as authoritative plugins leave some out.
func withoutDenial(m *dns.Msg) {
	ns := m.Ns[:0]
	for _, rr := range m.Ns {
		if covered(rr) != dns.TypeNSEC {
			ns = append(ns, rr)
		}
	}
	m.Ns = ns
}

// referTo makes a referral of a response.
func referTo(w *testzone.World, zone string, ds bool) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.Authoritative, m.Rcode, m.Answer = false, dns.RcodeSuccess, nil
		m.Ns = w.Answer(newQuestion(zone, dns.TypeNS, bits{})).Answer
		if ds {
			m.Ns = append(m.Ns, w.Answer(newQuestion(zone, dns.TypeDS, withDO)).Answer...)
		}
	}
}

// TestServed: what the program serves itself is judged, and answered as it is unless it is
// bogus. Only AD and DO are the client's.
func TestServed(t *testing.T) {
	w := servedWorld(t)
	breakZone(t, w, "example.", testzone.Expired("zero.example.", typeA))
	forged := newRR(t, "www.child.example. 60 IN A 203.0.113.66")
	for _, tc := range []struct {
		what   string
		name   string
		qtype  uint16
		change func(m *dns.Msg)
		status Status
		reason Reason
		ad     bool
		ede    uint16
	}{
		{what: "positive", name: "www.example.", status: Secure, ad: true, ede: noCode},
		{what: "NXDOMAIN", name: "no.example.", status: Secure, ad: true, ede: noCode},
		{what: "NODATA", name: "www.example.", qtype: dns.TypeMX, status: Secure, ad: true, ede: noCode},
		{what: "NXDOMAIN without NSEC", name: "no.example.", change: withoutDenial, status: Insecure, reason: dnssec.DenialMissing, ede: noCode},
		{what: "wildcard without NSEC", name: "x.wild.example.", change: withoutDenial, status: Insecure, reason: dnssec.WildcardDenialMissing, ede: noCode},
		{what: "expired", name: "zero.example.", status: Bogus, reason: dnssec.SignatureExpired, ede: ede7},
		{what: "unsigned zone", name: "www.unsigned.example.", status: Insecure, reason: dnssec.DelegationInsecure, ede: noCode},
		{what: "alias to another zone", name: "away.example.", status: Indeterminate, ede: noCode},
		{what: "alias to a zone that is served", name: "toinsecure.example.", status: Insecure, reason: dnssec.DelegationInsecure, ede: noCode},
		{what: "ANY without answer", name: "www.example.", qtype: dns.TypeANY, change: func(m *dns.Msg) { m.Answer = nil }, status: Indeterminate, reason: dnssec.TypeNotSigned, ede: noCode},
		{what: "referral to a signed zone", name: "www.child.example.", change: referTo(w, "child.example.", true), status: Secure, ede: noCode},
		{what: "referral to an unsigned zone", name: "www.child.example.", change: referTo(w, "child.example.", false), status: Insecure, reason: dnssec.DelegationInsecure, ede: noCode},
		{what: "REFUSED", name: "www.example.", change: func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeRefused, nil }, status: Indeterminate, ede: noCode},
	} {
		t.Run(tc.what, func(t *testing.T) {
			if tc.qtype == 0 {
				tc.qtype = typeA
			}
			v := newTestValidator(t, w, serving(servedNames...))
			for _, b := range []bits{{}, {ad: true}, withDO} {
				request := newQuestion(tc.name, tc.qtype, b)
				response := authoritative(w, request)
				if tc.change != nil {
					tc.change(response)
				}
				before := response.String()
				r := v.Validate(t.Context(), request, response)
				if r.Status != tc.status || r.Reason != tc.reason || !r.Judged {
					t.Errorf("%+v: %s %v, judged: %t", b, r.Status, r, r.Judged)
				}
				m := r.Reply(request, response)
				want := response.Rcode
				if tc.status == Bogus {
					want = servfail
				}
				if m.Rcode != want || m.RecursionAvailable || m.AuthenticatedData != (tc.ad && b != bits{}) || b.do && edeOf(m) != tc.ede || hasType(m.Answer, dns.TypeRRSIG) && !b.do {
					t.Errorf("%+v:\n%s", b, m)
				}
				if response.String() != before {
					t.Errorf("%+v: the response of the zone was changed:\n%s", b, response)
				}
			}
		})
	}
	request := newQuestion("www.example.", typeA, withDO)
	response := authoritative(w, request)
	response.Extra = append(response.Extra, forged)
	if m := newTestValidator(t, w, serving("example.")).Validate(t.Context(), request, response).Reply(request, response); !m.AuthenticatedData || hasRecord(m.Extra, "www.child.example.", typeA) {
		t.Errorf("with a forged additional record:\n%s", m)
	}
}

// TestServedByOwnKeys: a zone that nothing authenticates is judged by the keys in it, without
// AD. The observer gets a DS record for a trust anchor, with which it is Secure.
func TestServedByOwnKeys(t *testing.T) {
	w := servedWorld(t)
	breakZone(t, w, "island.example.", testzone.ChangeRDATA("zero.island.example.", typeA))
	var seen tally
	v := newTestValidator(t, w, serving(servedNames...), tallied(&seen))
	served := func(v *Validator, name string) (*dns.Msg, *Result) {
		request := newQuestion(name, typeA, withDO)
		response := authoritative(w, request)
		r := v.Validate(t.Context(), request, response)
		return r.Reply(request, response), r
	}
	if m, r := served(v, "www.island.example."); r.Status != Secure || m.AuthenticatedData || !hasType(m.Answer, typeA) {
		t.Errorf("%v\n%s", r, m)
	}
	if m, r := served(v, "zero.island.example."); r.Reason != dnssec.SignatureInvalid || m.Rcode != servfail || edeOf(m) != ede6 {
		t.Errorf("%v\n%s", r, m)
	}
	line := seen.ownKeys["island.example."]
	if len(seen.ownKeys) != 1 || !strings.HasPrefix(line, "island.example. IN DS ") {
		t.Fatalf("the observer is told of %q", seen.ownKeys)
	}
	trusted := newTestValidator(t, w, trusting(append(w.Anchors("."), line)...), serving(servedNames...))
	if m, r := served(trusted, "www.island.example."); r.Status != Secure || !m.AuthenticatedData {
		t.Errorf("%v\n%s", r, m)
	}
}

// TestServedKeysChange: a zone that was signed with other keys since is judged by these at
// once, without waiting for the TTL of the former ones.
func TestServedKeysChange(t *testing.T) {
	before, after := servedWorld(t), servedWorld(t)
	v := newTestValidator(t, before, serving("island.example."))
	for _, w := range []*testzone.World{before, after, before} {
		v.exchanger = forwarding{".": resolver{before}, "island.example.": resolver{w}}
		request := newQuestion("www.island.example.", typeA, withDO)
		if r := v.Validate(t.Context(), request, authoritative(w, request)); r.Status != Secure {
			t.Errorf("%v", r)
		}
	}
}

// TestServedNegativeAnchor: a negative trust anchor counts for a served zone too.
func TestServedNegativeAnchor(t *testing.T) {
	w := servedWorld(t)
	breakZone(t, w, "example.", testzone.Expired("zero.example.", typeA))
	v := newTestValidator(t, w, negative("example."), serving("example."))
	request := newQuestion("zero.example.", typeA, withDO)
	response := authoritative(w, request)
	r := v.Validate(t.Context(), request, response)
	if m := r.Reply(request, response); r.Status != Insecure || m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || edeOf(m) != 33 {
		t.Errorf("%v\n%s", r, m)
	}
}
