package validator

import (
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestDenialAtInsecureDelegation: the parent's record at a delegation without DS proves that
// the name is in an unsigned zone, so that a denial with it is insecure (RFC 4035, section
// 5.2; RFC 5155, sections 8.6 and 8.9). At a signed delegation it proves nothing of the
// child (RFC 6840, section 4.1).
func TestDenialAtInsecureDelegation(t *testing.T) {
	for _, tc := range []struct {
		name, question string
		qtype          uint16
		of             string // the delegation whose record comes with the denial
		rcode          int
		withoutSOA     bool
		bogus          bool
		incomplete     bool // a denial of the zone itself in an opt-out span, which lacks a record
	}{
		{name: "NODATA at the delegation", question: "plain.example.", qtype: typeMX, of: "plain.example."},
		{name: "without SOA", question: "plain.example.", qtype: typeMX, of: "plain.example.", withoutSOA: true},
		{name: "behind a CNAME", question: "toplain.example.", qtype: typeMX, of: "plain.example."},
		{name: "NODATA below the delegation", question: "x.plain.example.", qtype: typeMX, of: "plain.example."},
		{name: "NXDOMAIN below the delegation", question: "no.plain.example.", qtype: typeA, of: "plain.example.", rcode: dns.RcodeNameError, incomplete: true},
		{name: "NXDOMAIN at the delegation", question: "plain.example.", qtype: typeA, of: "plain.example.", rcode: dns.RcodeNameError, incomplete: true},
		{name: "island of security", question: "island.example.", qtype: typeMX, of: "island.example."},
		{name: "below a signed child", question: "plain.sub.example.", qtype: typeMX, of: "plain.sub.example."},
		{name: "signed child", question: "sub.example.", qtype: typeMX, of: "sub.example.", bogus: true},
		{name: "signed child, without SOA", question: "sub.example.", qtype: typeMX, of: "sub.example.", withoutSOA: true, bogus: true},
		{name: "signed child behind a CNAME", question: "tosub.example.", qtype: typeMX, of: "sub.example.", bogus: true},
		{name: "name of a signed child", question: "www.sub.example.", qtype: typeMX, of: "sub.example.", bogus: true},
		{name: "NXDOMAIN in a signed child", question: "www.sub.example.", qtype: typeMX, of: "sub.example.", rcode: dns.RcodeNameError, bogus: true},
		{name: "signed child with a sister's record", question: "sub.example.", qtype: typeMX, of: "plain.example.", bogus: true},
		{name: "name of a signed child with a sister's record", question: "www.sub.example.", qtype: typeMX, of: "plain.example.", bogus: true},
		{name: "name of the parent", question: "www.example.", qtype: typeMX, of: "plain.example.", bogus: true},
		{name: "empty non-terminal of the parent, as NXDOMAIN", question: "a.ent.example.", qtype: typeA, of: "plain.example.", rcode: dns.RcodeNameError, bogus: true},
	} {
		for _, denial := range cutDenials {
			t.Run(tc.name+", "+denial.String(), func(t *testing.T) {
				w := cutWorld(t, denial)
				ns := matching(t, w, parentOf(w, tc.of), tc.of)
				if tc.withoutSOA {
					ns = slices.DeleteFunc(ns, func(rr dns.RR) bool { return covered(rr) == dns.TypeSOA })
				}
				w.Intercept(func(q, a *dns.Msg) *dns.Msg {
					if name := q.Question[0].Name; q.Question[0].Qtype != tc.qtype || name != tc.question && name != tc.of {
						return a
					}
					a.Answer = slices.DeleteFunc(a.Answer, func(rr dns.RR) bool { return covered(rr) != dns.TypeCNAME })
					a.Rcode, a.Ns = tc.rcode, copies(ns)
					return a
				})
				want := dnssec.Insecure
				if tc.bogus = tc.bogus || tc.incomplete && denial == testzone.NSEC3OptOut; tc.bogus {
					want = dnssec.Bogus
				}
				for _, opts := range [][]option{nil, {noSynthesis}} {
					v := newTestValidator(t, w, opts...)
					got := judged(t, v, tc.question, tc.qtype)
					if got.Status != want {
						t.Errorf("%s %s, want %s", got.Status, got.Finding, want)
					}
					if m := ask(t, v, tc.question, tc.qtype, withDO); m.AuthenticatedData || (m.Rcode == servfail) != tc.bogus {
						t.Errorf("%s", m)
					}
				}
			})
		}
	}
}
