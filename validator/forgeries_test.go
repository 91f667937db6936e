package validator

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// trapSpecs is a tree with names that end alike.
func trapSpecs(denial testzone.Denial) []testzone.Spec {
	p256 := dns.ECDSAP256SHA256
	records := []string{"www A 192.0.2.1", "*.wild A 192.0.2.2", "exact.wild TXT t", "a.b.ent A 192.0.2.3", "lame NS ns.elsewhere."}
	return []testzone.Spec{
		{Name: "example.", Algorithm: p256, Denial: denial, Records: records},
		{Name: "evilexample.", Algorithm: p256, Denial: denial, Records: records},
		{Name: "sub.example.", Algorithm: p256, Denial: denial, Records: records},
		{Name: "sister.example.", Algorithm: p256, Denial: denial, Records: records},
		{Name: "unsigned.example.", Records: records},
	}
}

// allDenials returns the NSEC and NSEC3 records of a zone with their signatures.
func allDenials(w *testzone.World, zone string) []dns.RR {
	var all []dns.RR
	for _, rr := range w.Zone(zone).Records() {
		t := rr.Header().Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			t = sig.TypeCovered
		}
		if t == dns.TypeNSEC || t == dns.TypeNSEC3 {
			all = append(all, rr)
		}
	}
	return all
}

// few returns so few records that the limit on NSEC3 records does not decide.
func few(rrs []dns.RR) []dns.RR { return rrs[:min(len(rrs), 16)] }

// forgery is a response that is put together from signed records of zones.
type forgery struct {
	what   string
	q      testzone.Question // whose response is forged
	asked  testzone.Question
	answer []dns.RR
	ns     []dns.RR
	rcode  int
	absent bool // the name does not exist: the answer is the proof that the chain brings
}

// forgeries are responses that early versions of validators accepted.
func forgeries(t *testing.T, w *testzone.World) []forgery {
	t.Helper()
	at := func(name string, qtype uint16) testzone.Question { return testzone.Question{Name: name, Type: qtype} }
	set := func(zone, name string, qtype uint16) []dns.RR { return rrset(t, w, zone, name, qtype) }
	nodata := func(name string, qtype uint16) []dns.RR { return w.Answer(newQuestion(name, qtype, withDO)).Ns }
	wild := set("example.", "*.wild.example.", typeA)
	www := at("www.sub.example.", typeA)
	forged := []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.sub.example.", Rrtype: typeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(203, 0, 113, 66)}}
	soa := &dns.SOA{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60}, Ns: "a.", Mbox: "b."}
	wwwMX := at("www.example.", typeMX)
	list := []forgery{
		{what: "the grandparent's denial for a name below a cut", q: at("no.sub.example.", typeA), ns: few(allDenials(w, "example.")), rcode: dns.RcodeNameError, absent: true},
		{what: "the grandparent's denial of a name that exists", q: at("www.sub.example.", typeA), ns: few(allDenials(w, "example.")), rcode: dns.RcodeNameError},
		{what: "the parent's denial of a type at the child's apex", q: at("sub.example.", typeMX), ns: nodata("sub.example.", dns.TypeDS)},
		{what: "proofs that are not of the name", q: at("www.example.", typeA), ns: nodata("no.example.", typeA), rcode: dns.RcodeNameError},
		{what: "proofs of another zone", q: at("no.example.", typeA), ns: nodata("no.evilexample.", typeA), rcode: dns.RcodeNameError, absent: true},
		{what: "proofs of another zone for a name that exists", q: at("www.example.", typeA), ns: nodata("no.evilexample.", typeA), rcode: dns.RcodeNameError},
		{what: "all proofs of the zone, for a name that exists", q: at("www.example.", typeA), ns: few(allDenials(w, "example.")), rcode: dns.RcodeNameError},
		{what: "all proofs of the zone, for a type that exists", q: at("www.example.", typeA), ns: few(allDenials(w, "example."))},
		{what: "a signature of another type", q: wwwMX, ns: renameTypes(nodata("www.example.", typeMX), set("example.", "www.example.", typeA))},
		{what: "a wildcard not at the closest encloser", q: at("x.exact.wild.example.", typeA), answer: renamed(wild, "x.exact.wild.example."), ns: few(allDenials(w, "example."))},
		{what: "a wildcard for a name that exists", q: at("exact.wild.example.", typeA), answer: renamed(wild, "exact.wild.example."), ns: few(allDenials(w, "example."))},
		{what: "a wildcard over a zone cut", q: at("x.wild.sub.example.", typeA), answer: renamed(wild, "x.wild.sub.example."), ns: few(allDenials(w, "example."))},
		{what: "a wildcard and the denial of the type", q: at("x.wild.example.", typeA), answer: renamed(wild, "x.wild.example."), ns: nodata("www.example.", typeMX)},
		{what: "a sister's DS", q: at("sub.example.", dns.TypeDS), asked: www, answer: set("example.", "sister.example.", dns.TypeDS)},
		{what: "a sister's DS, renamed", q: at("sub.example.", dns.TypeDS), asked: www, answer: renamed(set("example.", "sister.example.", dns.TypeDS), "sub.example.")},
		{what: "a sister's denial of the DS", q: at("sub.example.", dns.TypeDS), asked: www, ns: nodata("unsigned.example.", dns.TypeDS)},
		{what: "the denial of the DS by the child", q: at("sub.example.", dns.TypeDS), asked: www, ns: nodata("sub.example.", typeMX)},
		{what: "the denial of the DS by a zone that ends alike", q: at("example.", dns.TypeDS), asked: at("www.example.", typeA), ns: nodata("evilexample.", dns.TypeDS)},
		{what: "DS without a signature", q: at("sub.example.", dns.TypeDS), asked: www, answer: set("example.", "sub.example.", dns.TypeDS)[:1]},
		{what: "no DS and no proof", q: at("sub.example.", dns.TypeDS), asked: www},
		{what: "no such zone, and no proof", q: at("sub.example.", dns.TypeDS), asked: www, rcode: dns.RcodeNameError},
		{what: "keys of a sister", q: at("sub.example.", dns.TypeDNSKEY), asked: www, answer: renamed(set("sister.example.", "sister.example.", dns.TypeDNSKEY), "sub.example.")},
		{what: "an unsigned answer", q: www, answer: forged},
		{what: "an unsigned answer with the denial of another zone's DS", q: www, answer: forged, ns: nodata("unsigned.example.", dns.TypeDS)},
		{what: "a SOA that is not of a zone", q: wwwMX, ns: []dns.RR{soa}},
		{what: "a SOA of an unsigned zone", q: wwwMX, ns: nodata("no.unsigned.example.", typeA)},
	}
	for i := range list {
		if list[i].asked.Name == "" {
			list[i].asked = list[i].q
		}
	}
	return list
}

// renameTypes replaces the signatures of a denial by those of other records.
func renameTypes(ns, other []dns.RR) []dns.RR {
	out := slices.DeleteFunc(copies(ns), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG })
	for _, denial := range out {
		for _, rr := range copies(other) {
			if sig, ok := rr.(*dns.RRSIG); ok {
				sig.Hdr.Name, sig.TypeCovered = denial.Header().Name, denial.Header().Rrtype
				sig.Labels = uint8(dns.CountLabel(sig.Hdr.Name))
				out = append(out, sig)
			}
		}
	}
	return out
}

// TestForgeries: each is bogus, with an empty cache and with a filled one, and without
// waiting for a timeout.
func TestForgeries(t *testing.T) {
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		w := newWorld(t, trapSpecs(denial)...)
		for _, f := range forgeries(t, w) {
			for _, warm := range []bool{false, true} {
				v := newTestValidator(t, w)
				w.Intercept(nil)
				if warm && f.q == f.asked {
					ask(t, v, "www.example.", dns.TypeTXT, withDO)
					ask(t, v, "www.sub.example.", dns.TypeTXT, withDO)
				}
				intercept(w, f.q, func(m *dns.Msg) *dns.Msg {
					m.Rcode, m.Answer, m.Ns = f.rcode, copies(f.answer), copies(f.ns)
					return m
				})
				start := time.Now()
				got := judged(t, v, f.asked.Name, f.asked.Type)
				if f.absent {
					alone := v.Validate(t.Context(), newQuestion(f.q.Name, f.q.Type, withDO), &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: f.rcode}, Ns: copies(f.ns)})
					if alone.Status != dnssec.Bogus || got.Status != dnssec.Secure || got.rcode != dns.RcodeNameError {
						t.Errorf("%s, %s, warm %v: %s %s, alone %s %s", f.what, denial, warm, got.Status, got, alone.Status, alone)
					}
					continue
				}
				if got.Status != dnssec.Bogus || time.Since(start) > Patience/2 {
					t.Errorf("%s, %s, warm %v: %s %s after %s", f.what, denial, warm, got.Status, got, time.Since(start))
				}
			}
		}
	}
}

// TestAncestorDelegation: a denial by the parent does not make names below an insecure
// delegation Secure (RFC 6840, section 4.1).
func TestAncestorDelegation(t *testing.T) {
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		w := newWorld(t, trapSpecs(denial)...)
		intercept(w, testzone.Question{Name: "www.lame.example.", Type: typeA}, func(m *dns.Msg) *dns.Msg {
			m.Rcode, m.Ns = dns.RcodeNameError, few(allDenials(w, "example."))
			return m
		})
		want := outcome{rcode: dns.RcodeNameError, reason: dnssec.DelegationInsecure, ede: noCode}
		if got := observe(t, newTestValidator(t, w), "www.lame.example.", typeA); got != want {
			t.Errorf("%s: %+v %s", denial, got, got.reason)
		}
	}
}

// TestImpostor: a forged tree that is signed with other keys.
func TestImpostor(t *testing.T) {
	w, other := newWorld(t, trapSpecs(testzone.NSEC)...), newWorld(t, trapSpecs(testzone.NSEC)...)
	for _, tc := range []struct {
		zone string
		want dnssec.Reason
	}{{zone: "sub.example.", want: dnssec.DNSKEYNoDSMatch}, {zone: "example.", want: dnssec.DNSKEYNoAnchorMatch}, {zone: ".", want: dnssec.DNSKEYNoAnchorMatch}} {
		w.Intercept(func(q, m *dns.Msg) *dns.Msg {
			name := dns.CanonicalName(q.Question[0].Name)
			if !dns.IsSubDomain(tc.zone, name) || name == tc.zone && q.Question[0].Qtype == dns.TypeDS {
				return m
			}
			return other.Answer(q)
		})
		anchors := w.Anchors(".")
		if tc.zone == "example." {
			anchors = append(anchors, w.Anchors("example.")...)
		}
		if got := judged(t, newTestValidator(t, w, trusting(anchors...)), "www.sub.example.", typeA); got.Status != dnssec.Bogus || got.Reason != tc.want {
			t.Errorf("%s of an impostor: %s %s", tc.zone, got.Status, got)
		}
	}
}

// TestNamesThatEndAlike: example. is not above evilexample.
func TestNamesThatEndAlike(t *testing.T) {
	w := newWorld(t, trapSpecs(testzone.NSEC)...)
	breakZone(t, w, "evilexample.", testzone.ForeignSigner("www.evilexample.", typeA, "example."))
	if got := judged(t, newTestValidator(t, w), "www.evilexample.", typeA); got.Reason != dnssec.SignatureSignerInvalid {
		t.Errorf("%s %s", got.Status, got)
	}
}

// TestCDBetween: the answers for clients with CD have no influence on those for others.
func TestCDBetween(t *testing.T) {
	w := newWorld(t, trapSpecs(testzone.NSEC)...)
	breakZone(t, w, "sub.example.", testzone.ChangeRDATA("www.sub.example.", typeA))
	v := newTestValidator(t, w)
	fakeClock(v)
	cd := bits{edns: true, do: true, cd: true}
	for range 3 {
		for _, name := range []string{"www.sub.example.", "www.example."} {
			if m := ask(t, v, name, typeA, cd); m.Rcode != dns.RcodeSuccess || m.AuthenticatedData || !hasType(m.Answer, typeA) {
				t.Errorf("with CD:\n%s", m)
			}
			if m := ask(t, v, name, typeA, withDO); m.AuthenticatedData != (name == "www.example.") || hasType(m.Answer, typeA) != m.AuthenticatedData {
				t.Errorf("without CD:\n%s", m)
			}
		}
	}
}
