package validator

import (
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// cutWorld has a signed parent zone with an unsigned child, a signed one, and an island of
// security that has no trust anchor.
func cutWorld(t *testing.T, denial testzone.Denial) *testzone.World {
	t.Helper()
	records := []string{"www A 192.0.2.1", "www MX 10 www"}
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Denial: denial, Records: append(records,
			"toplain CNAME plain", "tosub CNAME sub", "*.wild A 192.0.2.2", "a.ent A 192.0.2.3")},
		testzone.Spec{Name: "plain.example.", Records: records},
		testzone.Spec{Name: "island.example.", Algorithm: p256, DS: []uint8{}, Records: records},
		testzone.Spec{Name: "sub.example.", Algorithm: p256, Denial: denial, Records: records},
		testzone.Spec{Name: "plain.sub.example.", Records: records})
}

var cutDenials = []testzone.Denial{testzone.NSEC, testzone.NSEC3, testzone.NSEC3OptOut}

// matching returns the parent zone's denial of a name's DS, or for a signed delegation the
// record that matches it, with the SOA.
func matching(t *testing.T, w *testzone.World, parent, name string) []dns.RR {
	t.Helper()
	ns := w.Answer(newQuestion(name, dns.TypeDS, withDO)).Ns
	if len(ns) > 0 {
		return ns
	}
	hash := ""
	for _, rr := range allDenials(w, parent) {
		if nsec3, ok := rr.(*dns.NSEC3); ok && nsec3.Match(name) {
			hash = nsec3.Hdr.Name
		}
	}
	for _, rr := range allDenials(w, parent) {
		if owner := rr.Header().Name; owner == hash || owner == name {
			ns = append(ns, dns.Copy(rr))
		}
	}
	return append(ns, rrset(t, w, parent, parent, dns.TypeSOA)...)
}

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
	}{
		{name: "NODATA at the delegation", question: "plain.example.", qtype: typeMX, of: "plain.example."},
		{name: "without SOA", question: "plain.example.", qtype: typeMX, of: "plain.example.", withoutSOA: true},
		{name: "behind a CNAME", question: "toplain.example.", qtype: typeMX, of: "plain.example."},
		{name: "NODATA below the delegation", question: "x.plain.example.", qtype: typeMX, of: "plain.example."},
		{name: "NXDOMAIN below the delegation", question: "no.plain.example.", qtype: typeA, of: "plain.example.", rcode: dns.RcodeNameError},
		{name: "NXDOMAIN at the delegation", question: "plain.example.", qtype: typeA, of: "plain.example.", rcode: dns.RcodeNameError},
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
				if tc.bogus {
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

// parentOf returns the zone that delegates a name.
func parentOf(w *testzone.World, name string) string {
	for {
		_, name, _ = cutLabel(name)
		if w.Zone(name) != nil {
			return name
		}
	}
}

func cutLabel(name string) (label, rest string, ok bool) {
	i, end := dns.NextLabel(name, 0)
	if end {
		return name, ".", false
	}
	return name[:i], name[i:], true
}
