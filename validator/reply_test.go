package validator

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestBits: AD and CD (RFC 4035, section 3.2, and RFC 6840, sections 5.7 to 5.9). The
// upstream sets AD in each response.
func TestBits(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	breakZone(t, w, "csk.example.", testzone.FlipSignatureBit("www.csk.example.", dns.TypeA))
	w.Intercept(func(_, a *dns.Msg) *dns.Msg {
		a.AuthenticatedData = true
		return a
	})
	for _, tc := range []struct {
		name       string
		bits       bits
		rcode      int
		ad, sigs   bool
		unanswered bool
	}{
		{name: "www.example.", bits: bits{}},
		{name: "www.example.", bits: bits{ad: true}, ad: true},
		{name: "www.example.", bits: bits{edns: true}},
		{name: "www.example.", bits: bits{edns: true, ad: true}, ad: true},
		{name: "www.example.", bits: bits{edns: true, do: true}, ad: true, sigs: true},
		{name: "www.example.", bits: bits{edns: true, do: true, ad: true}, ad: true, sigs: true},
		{name: "www.example.", bits: bits{cd: true}},
		{name: "www.example.", bits: bits{cd: true, ad: true}},
		{name: "www.example.", bits: bits{edns: true, do: true, cd: true}, sigs: true},
		{name: "www.example.", bits: bits{edns: true, do: true, cd: true, ad: true}, sigs: true},
		{name: "www.unsigned.example.", bits: bits{}},
		{name: "www.unsigned.example.", bits: bits{ad: true}},
		{name: "www.unsigned.example.", bits: bits{edns: true, do: true, ad: true}},
		{name: "www.unsigned.example.", bits: bits{edns: true, do: true, cd: true}},
		{name: "www.csk.example.", bits: bits{}, rcode: servfail, unanswered: true},
		{name: "www.csk.example.", bits: bits{ad: true}, rcode: servfail, unanswered: true},
		{name: "www.csk.example.", bits: bits{edns: true, do: true, ad: true}, rcode: servfail, unanswered: true},
		{name: "www.csk.example.", bits: bits{cd: true, ad: true}},
		{name: "www.csk.example.", bits: bits{edns: true, do: true, cd: true}, sigs: true},
	} {
		v := newTestValidator(t, w)
		for range 2 {
			m := ask(t, v, tc.name, dns.TypeA, tc.bits)
			opt := m.IsEdns0()
			if m.Rcode != tc.rcode || m.AuthenticatedData != tc.ad || hasType(m.Answer, dns.TypeRRSIG) != tc.sigs || hasType(m.Answer, dns.TypeA) == tc.unanswered {
				t.Errorf("%s %+v:\n%s", tc.name, tc.bits, m)
			}
			if m.CheckingDisabled != tc.bits.cd || !m.RecursionDesired || !m.Response {
				t.Errorf("%s %+v: the header is %+v", tc.name, tc.bits, m.MsgHdr)
			}
			if !tc.bits.edns && opt != nil || opt != nil && opt.Do() != tc.bits.do || tc.unanswered && tc.bits.edns && edeOf(m) != dns.ExtendedErrorCodeDNSBogus {
				t.Errorf("%s %+v: OPT %v", tc.name, tc.bits, opt)
			}
		}
	}
}

// TestStripping: a client without DO gets DNSSEC records only if it asks for their type
// (RFC 4035, section 3.2.1).
func TestStripping(t *testing.T) {
	w := richWorld(t)
	for _, tc := range []struct {
		name     string
		qtype    uint16
		has, not []uint16
	}{
		{name: "www.example.", qtype: dns.TypeA, has: []uint16{dns.TypeA}, not: []uint16{dns.TypeRRSIG, dns.TypeNSEC}},
		{name: "x.wild.example.", qtype: dns.TypeA, has: []uint16{dns.TypeA}, not: []uint16{dns.TypeRRSIG, dns.TypeNSEC}},
		{name: "x.wild.nsec3.test.", qtype: dns.TypeA, has: []uint16{dns.TypeA}, not: []uint16{dns.TypeRRSIG, dns.TypeNSEC3}},
		{name: "no.example.", qtype: dns.TypeA, has: []uint16{dns.TypeSOA}, not: []uint16{dns.TypeRRSIG, dns.TypeNSEC}},
		{name: "no.nsec3.test.", qtype: dns.TypeA, has: []uint16{dns.TypeSOA}, not: []uint16{dns.TypeRRSIG, dns.TypeNSEC3}},
		{name: "www.example.", qtype: dns.TypeNSEC, has: []uint16{dns.TypeNSEC}, not: []uint16{dns.TypeRRSIG}},
		{name: "www.example.", qtype: dns.TypeRRSIG, has: []uint16{dns.TypeRRSIG}},
		{name: "csk.example.", qtype: dns.TypeDS, has: []uint16{dns.TypeDS}, not: []uint16{dns.TypeRRSIG}},
		{name: "example.", qtype: dns.TypeDNSKEY, has: []uint16{dns.TypeDNSKEY}, not: []uint16{dns.TypeRRSIG}},
		{name: "www.example.", qtype: dns.TypeANY, has: []uint16{dns.TypeA, dns.TypeTXT, dns.TypeRRSIG, dns.TypeNSEC}},
		{name: "www.unsigned.example.", qtype: dns.TypeA, has: []uint16{dns.TypeA}},
	} {
		m := ask(t, newTestValidator(t, w), tc.name, tc.qtype, bits{ad: true})
		all := slices.Concat(m.Answer, m.Ns)
		for _, rtype := range tc.has {
			if !hasType(all, rtype) {
				t.Errorf("%s %s lacks %s:\n%s", tc.name, dns.Type(tc.qtype), dns.Type(rtype), m)
			}
		}
		for _, rtype := range tc.not {
			if hasType(all, rtype) {
				t.Errorf("%s %s has %s:\n%s", tc.name, dns.Type(tc.qtype), dns.Type(rtype), m)
			}
		}
	}
}

// upstreamSees returns the requests with a question that came to the world.
func upstreamSees(w *testzone.World, question testzone.Question) func() []*dns.Msg {
	var mu sync.Mutex
	var seen []*dns.Msg
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		if dns.CanonicalName(q.Question[0].Name) == question.Name && q.Question[0].Qtype == question.Type {
			seen = append(seen, q)
		}
		return a
	})
	return func() []*dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// TestQuestionUpstream: what of the client's request is sent to the upstream, and what is
// not.
func TestQuestionUpstream(t *testing.T) {
	w := richWorld(t)
	seen := upstreamSees(w, wwwA)
	q := newQuestion("wWw.ExAmPlE.", dns.TypeA, bits{edns: true, ad: true})
	opt := q.IsEdns0()
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)}
	opt.Option = []dns.EDNS0{
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID}, subnet, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
		&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}, &dns.EDNS0_PADDING{Padding: make([]byte, 9)},
	}
	q.SetTsig("key.", dns.HmacSHA256, 300, time.Now().Unix())
	before := q.String()
	m, _ := newTestValidator(t, w).Resolve(t.Context(), q)
	if q.String() != before {
		t.Errorf("the client's message was changed:\n%s\nwas\n%s", q, before)
	}
	if m.Question[0].Name != "wWw.ExAmPlE." || !m.AuthenticatedData || m.Id != q.Id {
		t.Errorf("the reply is\n%s", m)
	}
	got := seen()[0]
	if got.Question[0].Name != "wWw.ExAmPlE." || len(got.Extra) != 1 || !got.RecursionDesired || got.CheckingDisabled {
		t.Errorf("the upstream was asked\n%s", got)
	}
	own := got.IsEdns0()
	if own == nil || !own.Do() || own.UDPSize() != 1232 || len(own.Option) != 2 || own.Option[0].Option() != dns.EDNS0NSID || own.Option[1].Option() != dns.EDNS0SUBNET {
		t.Errorf("the upstream was asked with OPT %v", own)
	}
}

// TestPassedOn: a request that is not judged is sent on as it is, and its response has no AD.
func TestPassedOn(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	w.Intercept(func(_, a *dns.Msg) *dns.Msg {
		a.AuthenticatedData = true
		return a
	})
	notify := new(dns.Msg).SetNotify("example.")
	chaos := newQuestion("version.bind.", dns.TypeTXT, bits{ad: true})
	chaos.Question[0].Qclass = dns.ClassCHAOS
	for _, tc := range []struct {
		what  string
		q     *dns.Msg
		rcode int
	}{
		{what: "other opcode", q: notify, rcode: dns.RcodeNotImplemented},
		{what: "other class", q: chaos, rcode: dns.RcodeRefused},
		{what: "CD", q: newQuestion("www.csk.example.", dns.TypeA, bits{edns: true, do: true, cd: true}), rcode: dns.RcodeSuccess},
	} {
		w.ResetQuestions()
		m, r := newTestValidator(t, w).Resolve(t.Context(), tc.q)
		if m.Rcode != tc.rcode || m.AuthenticatedData || m.Id != tc.q.Id || r.Status != dnssec.Indeterminate || askedInAll(w) != 1 {
			t.Errorf("%s: %d questions\n%s", tc.what, askedInAll(w), m)
		}
	}
}

// TestNXNAME: a question for NXNAME is a format error and is not forwarded (RFC 9824,
// section 3.5).
func TestNXNAME(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	for _, b := range []bits{{}, {edns: true}, withDO, {edns: true, do: true, cd: true}} {
		v := newTestValidator(t, w)
		m := ask(t, v, "www.example.", dns.TypeNXNAME, b)
		want := noCode
		if b.edns {
			want = dns.ExtendedErrorCodeInvalidQueryType
		}
		if m.Rcode != dns.RcodeFormatError || edeOf(m) != want || askedInAll(w) != 0 {
			t.Errorf("%+v: %d questions\n%s", b, askedInAll(w), m)
		}
	}
}

// TestTTL: the TTL is no longer than the signature is valid (RFC 4035, section 5.3.3). That
// it is no longer than the original TTL is in TestMutations.
func TestTTL(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www 3600 A 192.0.2.1", "mx 50 MX 1 mx", "late 3600 A 192.0.2.2"}})
	now := time.Now()
	breakZone(t, w, "example.",
		testzone.SignedDuring("www.example.", dns.TypeA, now.Add(-24*time.Hour), now.Add(100*time.Second)),
		testzone.SignedDuring("late.example.", dns.TypeA, now.Add(-24*time.Hour), now.Add(-100*time.Second)))
	v := newTestValidator(t, w)
	fakeClock(v).now = now
	for _, tc := range []struct {
		name     string
		qtype    uint16
		min, max uint32
	}{
		{name: "www.example.", qtype: dns.TypeA, min: 98, max: 100},
		{name: "mx.example.", qtype: dns.TypeMX, min: 50, max: 50},
		{name: "late.example.", qtype: dns.TypeA, min: 0, max: 3600}, // within the skew
	} {
		m := ask(t, v, tc.name, tc.qtype, withDO)
		if len(m.Answer) != 2 || !m.AuthenticatedData {
			t.Fatalf("%s: %s", tc.name, m)
		}
		for _, rr := range m.Answer {
			if ttl := rr.Header().Ttl; ttl < tc.min || ttl > tc.max {
				t.Errorf("%s: TTL %d, want %d to %d", tc.name, ttl, tc.min, tc.max)
			}
		}
	}
}

// TestNegativeTTL: the TTL of the SOA of a denial is no longer than its signed minimum,
// whatever TTL it comes with (RFC 2308, section 5).
func TestNegativeTTL(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	intercept(w, testzone.Question{Name: "no.example.", Type: dns.TypeA}, func(a *dns.Msg) *dns.Msg {
		for _, rr := range a.Ns {
			rr.Header().Ttl = 86400
		}
		return a
	})
	m := ask(t, newTestValidator(t, w), "no.example.", dns.TypeA, withDO)
	if !m.AuthenticatedData || len(m.Ns) == 0 {
		t.Fatalf("%s", m)
	}
	for _, rr := range m.Ns {
		if ttl := rr.Header().Ttl; ttl > 300 {
			t.Errorf("TTL %d: %s", ttl, rr)
		}
	}
}

// TestOtherCodes: a response with a code that can't be proven is passed on without data and
// AD. YXDOMAIN is bogus without a DNAME that makes the name too long.
func TestOtherCodes(t *testing.T) {
	w := richWorld(t)
	for _, rcode := range []int{dns.RcodeRefused, dns.RcodeFormatError, dns.RcodeNotImplemented, servfail, dns.RcodeYXDomain, dns.RcodeNotZone} {
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == "www.example." {
				a.Rcode, a.AuthenticatedData = rcode, true
			}
			return a
		})
		m := ask(t, newTestValidator(t, w), "www.example.", dns.TypeA, withDO)
		want := rcode
		if rcode == dns.RcodeYXDomain {
			want = servfail
		}
		if m.Rcode != want || m.AuthenticatedData || len(m.Answer) > 0 {
			t.Errorf("%s:\n%s", dns.RcodeToString[rcode], m)
		}
	}
}
