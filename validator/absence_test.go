package validator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// lyingFor has an upstream answer questions of clients for names below a zone by itself,
// unsigned, with a response code and records.
func lyingFor(t *testing.T, w *testzone.World, zone string, rcode int, answer ...string) {
	t.Helper()
	soa := newRR(t, zone+" 60 IN SOA ns."+zone+" admin."+zone+" 1 1 1 1 60")
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		qtype := q.Question[0].Qtype
		if !dns.IsSubDomain(zone, q.Question[0].Name) || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY {
			return a
		}
		a.Rcode, a.Answer, a.Ns = rcode, nil, nil
		for _, line := range answer {
			a.Answer = append(a.Answer, newRR(t, strings.ReplaceAll(line, "QNAME", q.Question[0].Name)))
		}
		if len(answer) == 0 {
			a.Ns = []dns.RR{dns.Copy(soa)}
		}
		return a
	})
}

// absentWorld has a root without internal., with a kind of denial and more records.
func absentWorld(t *testing.T, denial testzone.Denial, records ...string) *testzone.World {
	t.Helper()
	return newWorld(t, testzone.Spec{Name: ".", Algorithm: p256, Denial: denial, Records: records},
		testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "alias CNAME x.eu-west-1.compute.internal."}},
		testzone.Spec{Name: "plain.", Records: []string{"alias CNAME x.eu-west-1.compute.internal."}})
}

// TestAbsentName: where the chain proves that the name that was asked for, or one above it,
// does not exist, there is no such name, whatever the upstream says by itself (RFC 8020,
// section 2; RFC 8198, section 5.1).
func TestAbsentName(t *testing.T) {
	const name = "x.eu-west-1.compute.internal."
	wildcard := []string{"*.compute.internal. A 192.0.2.1"}
	refused := outcome{rcode: servfail, reason: dnssec.DenialMissing, ede: ede12}
	nxdomain := outcome{rcode: dns.RcodeNameError, ad: true, ede: noCode}
	for _, tc := range []struct {
		name     string
		denial   testzone.Denial
		records  []string // of the root
		question string
		qtype    uint16
		rcode    int
		answer   []string
		want     outcome
	}{
		{name: "NXDOMAIN", rcode: dns.RcodeNameError, want: nxdomain},
		{name: "NXDOMAIN, NSEC3", denial: testzone.NSEC3, rcode: dns.RcodeNameError, want: nxdomain},
		{name: "NXDOMAIN for a DS", qtype: dns.TypeCAA, rcode: dns.RcodeNameError, want: nxdomain},
		{name: "NODATA", want: nxdomain},
		{name: "data", answer: []string{"QNAME 60 IN A 10.0.0.1"}, want: nxdomain},
		{name: "data, NSEC3", denial: testzone.NSEC3, answer: []string{"QNAME 60 IN A 10.0.0.1"}, want: nxdomain},
		{name: "alias", answer: []string{"QNAME 60 IN CNAME www.example."}, want: nxdomain},
		{name: "behind a secure alias", question: "alias.example.", rcode: dns.RcodeNameError, want: nxdomain},
		{name: "data behind a secure alias", question: "alias.example.", answer: []string{"QNAME 60 IN A 10.0.0.1"}, want: nxdomain},
		{name: "the name itself", question: "internal.", rcode: dns.RcodeNameError, want: nxdomain},
		{name: "behind an insecure alias", question: "alias.plain.", rcode: dns.RcodeNameError, want: outcome{rcode: dns.RcodeNameError, reason: dnssec.DelegationInsecure, ede: noCode}},
		{name: "opt-out span", denial: testzone.NSEC3OptOut, rcode: dns.RcodeNameError, want: outcome{rcode: dns.RcodeNameError, reason: dnssec.OptOut, ede: noCode}},
		{name: "wildcard with the type", records: wildcard, rcode: dns.RcodeNameError, want: refused},
		{name: "wildcard with the type, NSEC3", denial: testzone.NSEC3, records: wildcard, want: refused},
		{name: "wildcard without the type", records: wildcard, qtype: typeMX, rcode: dns.RcodeNameError, want: refused},
		{name: "wildcard without the type, NSEC3", denial: testzone.NSEC3, records: wildcard, qtype: typeMX, rcode: dns.RcodeNameError, want: refused},
		{name: "empty non-terminal", records: []string{"a.compute.internal. TXT x"}, question: "compute.internal.", rcode: dns.RcodeNameError, want: refused},
		{name: "name without the type", records: []string{"compute.internal. TXT x"}, question: "compute.internal.", want: refused},
		{name: "name without the type, NSEC3", denial: testzone.NSEC3, records: []string{"compute.internal. TXT x"}, question: "compute.internal.", want: refused},
		{name: "name with the type", records: []string{"compute.internal. A 192.0.2.1"}, question: "compute.internal.", rcode: dns.RcodeNameError, want: refused},
		{name: "name with the type, NSEC3", denial: testzone.NSEC3, records: []string{"compute.internal. A 192.0.2.1"}, question: "compute.internal.", want: refused},
	} {
		for _, opts := range [][]option{nil, {noSynthesis}} {
			t.Run(fmt.Sprintf("%s, %d options", tc.name, len(opts)), func(t *testing.T) {
				if tc.question == "" {
					tc.question = name
				}
				if tc.qtype == 0 {
					tc.qtype = typeA
				}
				w := absentWorld(t, tc.denial, tc.records...)
				lyingFor(t, w, "internal.", tc.rcode, tc.answer...)
				v := newTestValidator(t, w, opts...)
				for _, when := range []string{"cold", "known"} {
					if got := observe(t, v, tc.question, tc.qtype); got != tc.want {
						t.Errorf("%s: %+v %s, want %+v %s", when, got, got.reason, tc.want, tc.want.reason)
					}
				}
				askWhole(t, v, "other.", tc.qtype, withDO) // after any NXDOMAIN of the root
				v.cache.forgetFailure(question{tc.question, tc.qtype})
				m := askWhole(t, v, tc.question, tc.qtype, withDO)
				if len(tc.records) == 0 && (m.Rcode != tc.want.rcode || m.AuthenticatedData != tc.want.ad) {
					t.Errorf("after another question:\n%s", m)
				}
				if strings.Contains(m.String(), "10.0.0.1") {
					t.Errorf("the upstream's data were passed:\n%s", m)
				}
				if tc.want.ad {
					sameProof(t, tc.name, w, ask(t, newTestValidator(t, w), tc.question, tc.qtype, withDO))
				}
			})
		}
	}
}

// TestAbsentNameInTheZonesName: a denial with the SOA of the secure zone is that zone's, and
// without signatures stays bogus (RFC 4035, section 5.5), though the chain denies the name.
func TestAbsentNameInTheZonesName(t *testing.T) {
	want := outcome{rcode: servfail, reason: dnssec.DenialMissing, ede: ede12}
	for _, rcode := range []int{dns.RcodeNameError, dns.RcodeSuccess} {
		for _, soa := range []string{". 60 IN SOA ns. admin. 1 1 1 1 60", "internal. 60 IN SOA ns. admin. 1 1 1 1 60"} {
			w := absentWorld(t, testzone.NSEC)
			w.Intercept(func(q, a *dns.Msg) *dns.Msg {
				if q.Question[0].Name == "x.internal." {
					a.Rcode, a.Ns = rcode, []dns.RR{newRR(t, soa)}
				}
				return a
			})
			got := observe(t, newTestValidator(t, w), "x.internal.", typeA)
			if inItsName := soa[0] == '.'; inItsName != (got == want) {
				t.Errorf("rcode %d, SOA %q: %+v %s", rcode, soa, got, got.reason)
			}
		}
	}
}

// TestAbsentNamePrivate: a zone that is forwarded by name stays Indeterminate.
func TestAbsentNamePrivate(t *testing.T) {
	w := absentWorld(t, testzone.NSEC)
	lyingFor(t, w, "internal.", dns.RcodeNameError)
	v := forwarding{".": resolver{w}, "eu-west-1.compute.internal.": resolver{w}}.use(newTestValidator(t, w))
	want := outcome{rcode: dns.RcodeNameError, reason: dnssec.PrivateZone, ede: noCode}
	for range 2 {
		askWhole(t, v, "x.other.internal.", typeA, withDO)
		if got := observe(t, v, "x.eu-west-1.compute.internal.", typeA); got != want {
			t.Errorf("%+v %s", got, got.reason)
		}
	}
}

// TestAbsentNameReportOnly: an answer is passed on as it is, except that a name error gets
// its proof.
func TestAbsentNameReportOnly(t *testing.T) {
	w := absentWorld(t, testzone.NSEC)
	v := newTestValidator(t, w, reportOnly)
	lyingFor(t, w, "internal.", dns.RcodeSuccess, "QNAME 60 IN A 10.0.0.1")
	if m := askWhole(t, v, "x.internal.", typeA, withDO); len(m.Answer) != 1 || m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	lyingFor(t, w, "internal.", dns.RcodeNameError)
	if m := askWhole(t, v, "y.internal.", typeA, withDO); m.Rcode != dns.RcodeNameError || !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
}

// TestAbsentNameAlone: Validate judges the response that the caller has, and no other.
func TestAbsentNameAlone(t *testing.T) {
	w := absentWorld(t, testzone.NSEC)
	response := &dns.Msg{Answer: []dns.RR{newRR(t, "x.internal. 60 IN A 10.0.0.1")}}
	if got := newTestValidator(t, w).Validate(t.Context(), newQuestion("x.internal.", typeA, withDO), response); got.Status != dnssec.Bogus {
		t.Errorf("%s %s", got.Status, got.Finding)
	}
}

// TestAbsentNameQuestions: Pods look for names through a search path. Once the chain is
// known nothing is asked for the suffixes, and no name is asked for twice.
func TestAbsentNameQuestions(t *testing.T) {
	suffixes := []string{"default.svc.cluster.local.", "svc.cluster.local.", "cluster.local.", "eu-west-1.compute.internal.", "ec2.internal."}
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		w := absentWorld(t, denial)
		lies := func(zone string) func(q, a *dns.Msg) *dns.Msg {
			return func(q, a *dns.Msg) *dns.Msg {
				if dns.IsSubDomain(zone, q.Question[0].Name) && q.Question[0].Qtype != dns.TypeDS {
					a.Rcode, a.Answer, a.Ns = dns.RcodeNameError, nil, []dns.RR{newRR(t, zone+" 60 IN SOA ns. admin. 1 1 1 1 60")}
				}
				return a
			}
		}
		w.Intercept(func(q, a *dns.Msg) *dns.Msg { return lies("local.")(q, lies("internal.")(q, a)) })
		v := newTestValidator(t, w)
		askWhole(t, v, "www.example.", typeA, withDO) // the keys of the root
		w.ResetQuestions()
		for _, suffix := range suffixes {
			askWhole(t, v, "first.example.com."+suffix, typeA, withDO)
		}
		for q, n := range w.Questions() {
			if n > 1 {
				t.Errorf("%s, cold: %s %s asked %d times", denial, q.Name, dns.Type(q.Type), n)
			}
		}
		if n := askedInAll(w); n > 10 { // a name, and DS and DNSKEY of two labels, for each of internal. and local.
			t.Errorf("%s, cold: %d questions", denial, n)
		}
		w.ResetQuestions()
		for pod := range 20 {
			for _, suffix := range suffixes {
				for _, qtype := range []uint16{typeA, dns.TypeAAAA} {
					name := fmt.Sprintf("host%d.example.com.%s", pod, suffix)
					if m := askWhole(t, v, name, qtype, bits{ad: true}); m.Rcode != dns.RcodeNameError || !m.AuthenticatedData {
						t.Errorf("%s, %s:\n%s", denial, name, m)
					}
				}
			}
		}
		if n := askedInAll(w); n != 0 {
			t.Errorf("%s, warm: %d questions: %v", denial, n, w.Questions())
		}
	}
}

// TestAbsentNameEnds: the proof counts for its TTL, which counts down in the answers.
func TestAbsentNameEnds(t *testing.T) {
	w := absentWorld(t, testzone.NSEC)
	lyingFor(t, w, "internal.", dns.RcodeNameError)
	v := newTestValidator(t, w, noSynthesis)
	now := fakeClock(v)
	for _, tc := range []struct {
		after time.Duration
		ttl   uint32 // the most
		asked int    // for the DS
	}{{ttl: 300, asked: 1}, {after: 200 * time.Second, ttl: 100, asked: 1}, {after: 101 * time.Second, ttl: 300, asked: 2}} {
		now.advance(tc.after)
		m := askWhole(t, v, "x.internal.", typeA, withDO)
		if m.Rcode != dns.RcodeNameError || !m.AuthenticatedData || slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Ttl > tc.ttl }) {
			t.Errorf("TTL over %d:\n%s", tc.ttl, m)
		}
		if n := asked(w, "internal.", dns.TypeDS); n != tc.asked {
			t.Errorf("DS asked %d times, want %d", n, tc.asked)
		}
	}
}
