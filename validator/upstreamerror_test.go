package validator

import (
	"slices"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestUpstreamErrors: what an upstream says of its own failure is handed on as the
// upstream's (RFC 8914, section 3): cut, in ASCII, and no more than a few.
func TestUpstreamErrors(t *testing.T) {
	ede := func(code uint16, text string) dns.EDNS0_EDE {
		return dns.EDNS0_EDE{InfoCode: code, ExtraText: text}
	}
	for _, tc := range []struct {
		name      string
		rcode     int
		errors    []dns.EDNS0_EDE
		wantRcode int
		want      []dns.EDNS0_EDE
	}{
		{name: "SERVFAIL", rcode: servfail, wantRcode: servfail, want: []dns.EDNS0_EDE{ede(22, "the upstream answered SERVFAIL")}},
		{name: "REFUSED", rcode: dns.RcodeRefused, wantRcode: dns.RcodeRefused, want: []dns.EDNS0_EDE{ede(23, "the upstream answered REFUSED")}},
		{name: "unknown code", rcode: 14, wantRcode: 14, want: []dns.EDNS0_EDE{ede(23, "the upstream answered with an unknown response code")}},
		{name: "errors of its own", rcode: servfail, errors: []dns.EDNS0_EDE{ede(9, "no key"), ede(18, "")}, wantRcode: servfail,
			want: []dns.EDNS0_EDE{ede(22, "the upstream answered SERVFAIL"), ede(9, "upstream: no key"), ede(18, "upstream")}},
		{name: "hostile text", rcode: servfail, errors: []dns.EDNS0_EDE{ede(0, "a\nb\x1b[31m\xff"+strings.Repeat("x", 1000))}, wantRcode: servfail,
			want: []dns.EDNS0_EDE{ede(22, "the upstream answered SERVFAIL"), ede(0, "upstream: a.b.[31m."+strings.Repeat("x", 255-len("upstream: a.b.[31m.")))}},
		{name: "many", rcode: servfail, errors: []dns.EDNS0_EDE{ede(1, ""), ede(2, ""), ede(3, ""), ede(4, ""), ede(5, "")}, wantRcode: servfail,
			want: []dns.EDNS0_EDE{ede(22, "the upstream answered SERVFAIL"), ede(1, "upstream"), ede(2, "upstream"), ede(3, "upstream")}},
		// Codes that are between the upstream and us say nothing to a client (RFC 6891, section 6.1.1).
		{name: "BADVERS", rcode: dns.RcodeBadVers, wantRcode: servfail, want: []dns.EDNS0_EDE{ede(23, "the upstream answered BADVERS")}},
		{name: "BADCOOKIE", rcode: dns.RcodeBadCookie, wantRcode: servfail, want: []dns.EDNS0_EDE{ede(23, "the upstream answered BADCOOKIE")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := exampleWorld(t)
			w.Intercept(func(q, a *dns.Msg) *dns.Msg {
				if q.Question[0].Qtype != typeA {
					return a
				}
				m := new(dns.Msg).SetRcode(q, tc.rcode)
				m.SetEdns0(1232, true)
				for _, e := range tc.errors {
					m.IsEdns0().Option = append(m.IsEdns0().Option, &e)
				}
				return m
			})
			m := ask(t, newTestValidator(t, w), "www.example.", typeA, bits{edns: true})
			var got []dns.EDNS0_EDE
			for _, e := range testzone.ExtendedErrors(m) {
				got = append(got, *e)
			}
			if m.Rcode != tc.wantRcode || !slices.Equal(got, tc.want) {
				t.Errorf("%s %+v, want %s %+v", dns.RcodeToString[m.Rcode], got, dns.RcodeToString[tc.wantRcode], tc.want)
			}
			if m := ask(t, newTestValidator(t, w), "www.example.", typeA, bits{}); m.IsEdns0() != nil {
				t.Errorf("%s", m)
			}
		})
	}
}

// TestBadVersion: an upstream that answers BADVERS to version 0 is asked without EDNS, as one
// that answers FORMERR (RFC 6891, section 7).
func TestBadVersion(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "unsigned.", Records: []string{"www A 192.0.2.1"}})
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == typeA && q.IsEdns0() != nil {
			return new(dns.Msg).SetRcode(q, dns.RcodeBadVers)
		}
		return a
	})
	if m := ask(t, newTestValidator(t, w), "www.unsigned.", typeA, withDO); m.Rcode != dns.RcodeSuccess || !hasType(m.Answer, typeA) {
		t.Errorf("%s", m)
	}
}

// TestDuplicates: an RRset has no duplicates (RFC 2181, section 5), whatever the upstream
// sends or the validator synthesizes.
func TestDuplicates(t *testing.T) {
	many := []string{"www A 192.0.2.1"}
	for _, host := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		many = append(many, "many A 192.0.2.1"+host, "many A 192.0.2.2"+host, "many A 192.0.2.3"+host, "many A 192.0.2.4"+host)
	}
	w := newWorld(t, testzone.Spec{Name: "signed.", Algorithm: dns.ECDSAP256SHA256, Records: many}, testzone.Spec{Name: "unsigned.", Records: many},
		testzone.Spec{Name: "nsec3.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3})
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		double := func(section []dns.RR) []dns.RR {
			doubled := copies(section)
			for _, rr := range doubled {
				rr.Header().Name = strings.ToUpper(rr.Header().Name)
			}
			return append(section, doubled...)
		}
		if q.Question[0].Qtype == typeA {
			a.Answer, a.Ns = double(a.Answer), double(a.Ns)
		}
		return a
	})
	v := newTestValidator(t, w)
	for _, tc := range []struct {
		name, question string
		answer, ns     int
	}{
		{name: "secure", question: "www.signed.", answer: 2},
		{name: "secure, many", question: "many.signed.", answer: 37},
		{name: "insecure", question: "www.unsigned.", answer: 1},
		{name: "insecure, many", question: "many.unsigned.", answer: 36},
		{name: "denial", question: "none.signed.", ns: 6},
		{name: "NSEC3 that matches and covers", question: "none.nsec3.", ns: 4},
		{name: "synthesized from it", question: "other.nsec3.", ns: 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := ask(t, v, tc.question, typeA, withDO)
			if len(m.Answer) != tc.answer || len(m.Ns) != tc.ns {
				t.Errorf("%d and %d records, want %d and %d\n%s", len(m.Answer), len(m.Ns), tc.answer, tc.ns, m)
			}
		})
	}
}
