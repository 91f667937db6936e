package validator

import (
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// islandWorld has an island of security below an insecure zone, and beside it a secure zone
// with a DNAME.
func islandWorld(t *testing.T) *testzone.World {
	const alg = dns.ECDSAP256SHA256
	www := []string{"www A 192.0.2.1", "db A 192.0.2.2"}
	return newWorld(t,
		testzone.Spec{Name: "test.", Algorithm: alg, Records: []string{"moved DNAME signed.test."}},
		testzone.Spec{Name: "signed.test.", Algorithm: alg, Records: append(www, "db.island A 192.0.2.3")},
		testzone.Spec{Name: "lab.test."}, testzone.Spec{Name: "old.test."},
		testzone.Spec{Name: "corp.lab.test.", Algorithm: alg, DS: []uint8{}, Records: append(www, "*.wild A 192.0.2.3")},
		testzone.Spec{Name: "unsigned.corp.lab.test.", Records: www})
}

// TestRedirection: a link of an alias chain speaks for the name that it redirects. What is
// not proven must not redirect a name in a secure zone, whose trust anchor is deeper than
// the link (RFC 4035, section 5.3.1; RFC 6840, section 5.10 and appendix C.1).
func TestRedirection(t *testing.T) {
	forged := func(t *testing.T, lines ...string) (rrs []dns.RR) {
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			rrs = append(rrs, rr)
		}
		return rrs
	}
	dname := []string{"lab.test. 60 DNAME old.test.", "db.corp.lab.test. 60 CNAME db.corp.old.test.", "db.corp.old.test. 60 A 203.0.113.66"}
	for _, tc := range []struct {
		name     string
		question string
		qtype    uint16
		answer   []string
		rcode    int
		negative bool // a negative trust anchor for lab.test.
		anchored bool // a trust anchor for corp.lab.test.
		known    bool // the keys of corp.lab.test. are known
		want     dnssec.Status
		reason   dnssec.Reason
	}{
		{name: "DNAME above the anchor", question: "db.corp.lab.test.", qtype: typeA, answer: dname, anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "the same with known keys", question: "db.corp.lab.test.", qtype: typeA, answer: dname, anchored: true, known: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "below a negative trust anchor", question: "db.corp.lab.test.", qtype: typeA, answer: dname, anchored: true, negative: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "NXDOMAIN of the target", question: "db.corp.lab.test.", qtype: typeA, answer: dname[:2], rcode: dns.RcodeNameError, anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "without CNAME", question: "db.corp.lab.test.", qtype: typeA, answer: []string{dname[0], dname[2]}, anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "question for the CNAME", question: "db.corp.lab.test.", qtype: dns.TypeCNAME, answer: dname[:2], anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "name that does not exist", question: "none.corp.lab.test.", qtype: typeA, anchored: true, want: dnssec.Secure, // which the chain proves
			answer: []string{dname[0], "none.corp.lab.test. 60 CNAME none.corp.old.test.", "none.corp.old.test. 60 A 203.0.113.66"}},
		{name: "apex of the anchor", question: "corp.lab.test.", qtype: typeA, anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing,
			answer: []string{dname[0], "corp.lab.test. 60 CNAME corp.old.test.", "corp.old.test. 60 A 203.0.113.66"}},
		{name: "behind an alias", question: "alias.old.test.", qtype: typeA, answer: append([]string{"alias.old.test. 60 CNAME db.corp.lab.test."}, dname...), anchored: true,
			want: dnssec.Insecure, reason: dnssec.DelegationInsecure}, // the target is asked for, and is what the anchor proves
		{name: "name too long", question: "db.corp.lab.test.", qtype: typeA, rcode: dns.RcodeYXDomain, anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing,
			answer: []string{"lab.test. 60 DNAME " + strings.Repeat("x23456789012345678901234567890123456789.", 6)}},
		{name: "CNAME at the name", question: "db.corp.lab.test.", qtype: typeA, answer: dname[1:], anchored: true, want: dnssec.Bogus, reason: dnssec.SignatureMissing},
		{name: "insecure delegation below the anchor", question: "www.unsigned.corp.lab.test.", qtype: typeA, anchored: true, want: dnssec.Insecure, reason: dnssec.DelegationInsecure,
			answer: []string{dname[0], "www.unsigned.corp.lab.test. 60 CNAME www.unsigned.corp.old.test.", "www.unsigned.corp.old.test. 60 A 192.0.2.66"}},
		{name: "no deeper anchor", question: "db.corp.lab.test.", qtype: typeA, answer: dname, want: dnssec.Insecure, reason: dnssec.DelegationInsecure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := islandWorld(t)
			lines := w.Anchors(".")
			if tc.anchored {
				lines = append(lines, w.Anchors("corp.lab.test.")...)
			}
			opts := []option{trusting(lines...)}
			if tc.negative {
				opts = append(opts, negative("lab.test."))
			}
			v := newTestValidator(t, w, opts...)
			if tc.known {
				if got := judged(t, v, "www.corp.lab.test.", typeA); got.Status != dnssec.Secure {
					t.Fatal(got)
				}
			}
			records := forged(t, tc.answer...)
			w.Intercept(func(q, a *dns.Msg) *dns.Msg {
				if q.Question[0].Name == tc.question && q.Question[0].Qtype == tc.qtype {
					a.Answer, a.Ns, a.Rcode = copies(records), nil, tc.rcode
				}
				return a
			})
			got := judged(t, v, tc.question, tc.qtype)
			if got.Status != tc.want || got.Reason != tc.reason {
				t.Errorf("%s %s, want %s %s", got.Status, got.Finding, tc.want, tc.reason)
			}
			m := ask(t, v, tc.question, tc.qtype, withDO)
			if tc.want == dnssec.Bogus && (m.Rcode != servfail || len(m.Answer)+len(m.Ns) > 0) || m.AuthenticatedData != (tc.want == dnssec.Secure) || tc.anchored && strings.Contains(m.String(), "203.0.113.66") {
				t.Errorf("%s", m)
			}
		})
	}
}

// TestProvenAboveAnchor: proven records of a zone above count below a deeper trust anchor if
// their owner names lie above it: a DNAME redirects, NSEC records deny. The zone above has
// a trust anchor too, and shows that there is no zone for the deeper one. Records at names
// below the deeper anchor have to be proven by it (RFC 6840, appendix C.1).
func TestProvenAboveAnchor(t *testing.T) {
	const noKey = " IN DS 255 13 2 0000000000000000000000000000000000000000000000000000000000000000"
	for _, tc := range []struct {
		name, anchor, question string
		want                   dnssec.Status
	}{
		{name: "DNAME", anchor: "corp.moved.test.", question: "db.corp.moved.test.", want: dnssec.Secure},
		{name: "DNAME to a name that does not exist", anchor: "corp.moved.test.", question: "none.corp.moved.test.", want: dnssec.Secure},
		{name: "denial", anchor: "corp.signed.test.", question: "none.corp.signed.test.", want: dnssec.Secure},
		{name: "denial by a record below the anchor", anchor: "island.signed.test.", question: "none.island.signed.test.", want: dnssec.Bogus},
		{name: "data below the anchor", anchor: "island.signed.test.", question: "db.island.signed.test.", want: dnssec.Bogus},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := islandWorld(t)
			v := newTestValidator(t, w, trusting(append(w.Anchors("."), tc.anchor+noKey)...))
			if got := judged(t, v, tc.question, typeA); got.Status != tc.want {
				t.Errorf("%s %s, want %s", got.Status, got.Finding, tc.want)
			}
		})
	}
}
