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

// linked returns a zone for each link of an alias chain and one for its end. The name of
// zone i is that of the function; www in each is an alias of www in the next.
func linked(links int, algorithm uint8, denial testzone.Denial, name func(i int) string) (specs []testzone.Spec) {
	for i := range links + 1 {
		spec := testzone.Spec{Name: name(i), Algorithm: algorithm, Denial: denial, Records: []string{"www CNAME www." + name(i+1)}}
		if i == links {
			spec.Records = []string{"www A 192.0.2.1"}
		}
		specs = append(specs, spec)
	}
	return specs
}

// parents adds a signed zone at each of so many last labels of the zones.
func parents(specs []testzone.Spec, algorithm uint8, labels int) []testzone.Spec {
	for _, spec := range slices.Clone(specs) {
		names := dns.SplitDomainName(spec.Name)
		for n := 1; n <= labels; n++ {
			name := strings.Join(names[len(names)-n:], ".") + "."
			if !slices.ContainsFunc(specs, func(s testzone.Spec) bool { return s.Name == name }) {
				specs = append(specs, testzone.Spec{Name: name, Algorithm: algorithm, Denial: testzone.NSEC3})
			}
		}
	}
	return specs
}

// TestLongColdChains: chains of 11 aliases, of which nothing is known, are within the
// budgets (RFC 1034, section 3.6.2: "CNAME chains should be followed"), however many zones
// they lead through.
func TestLongColdChains(t *testing.T) {
	oneTLD := func(i int) string { return fmt.Sprintf("z%d.test.", i) }
	ownTLD := func(i int) string { return fmt.Sprintf("z.t%d.", i) }
	deeper := func(i int) string { return fmt.Sprintf("z.co.t%d.", i) }
	deepest := func(i int) string { return fmt.Sprintf("z.city.co.t%d.", i) }
	for _, tc := range []struct {
		what   string
		specs  []testzone.Spec
		name   string
		secure bool
		most   int // questions
	}{
		{what: "signed, in one TLD", specs: linked(maxLinks, p256, testzone.NSEC, oneTLD), name: "www.z0.test.", secure: true, most: 40},
		{what: "signed, over TLDs", specs: parents(linked(maxLinks, p256, testzone.NSEC, ownTLD), p256, 1), name: "www.z.t0.", secure: true, most: 65},
		{what: "signed, two zones below TLDs", specs: parents(linked(maxLinks, p256, testzone.NSEC, deeper), p256, 2), name: "www.z.co.t0.", secure: true, most: 90},
		{what: "signed with P-384 below TLDs", specs: parents(linked(maxLinks, p384, testzone.NSEC, ownTLD), p256, 1), name: "www.z.t0.", secure: true, most: 65},
		{what: "signed, three zones below TLDs", specs: parents(linked(maxLinks, p256, testzone.NSEC, deepest), p256, 3), name: "www.z.city.co.t0.", secure: true, most: 120},
		{what: "unsigned, in one TLD", specs: parents(linked(maxLinks, 0, testzone.NSEC, oneTLD), p256, 1), name: "www.z0.test.", most: 40},
		{what: "unsigned, over TLDs", specs: parents(linked(maxLinks, 0, testzone.NSEC, ownTLD), p256, 1), name: "www.z.t0.", most: 60},
		{what: "unsigned, two zones below TLDs", specs: parents(linked(maxLinks, 0, testzone.NSEC, deeper), p256, 2), name: "www.z.co.t0.", most: 90},
	} {
		for how, upset := range map[string]func(q, a *dns.Msg) *dns.Msg{"": func(_, a *dns.Msg) *dns.Msg { return a }, ", each alias alone": aliasesAlone} {
			w := newWorld(t, tc.specs...)
			w.Intercept(upset)
			m := ask(t, newTestValidator(t, w), tc.name, dns.TypeA, withDO)
			time.Sleep(5 * time.Millisecond) // for questions that were asked ahead
			records := slices.DeleteFunc(slices.Clone(m.Answer), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG })
			if m.AuthenticatedData != tc.secure || m.Rcode != dns.RcodeSuccess || len(records) != maxLinks+1 {
				t.Errorf("%s%s: %v, %d records, %v", tc.what, how, m.MsgHdr, len(records), testzone.ExtendedError(m))
			}
			if n := askedInAll(w); n > tc.most+maxLinks {
				t.Errorf("%s%s: %d questions, want %d", tc.what, how, n, tc.most)
			}
		}
	}
}

// TestManyWildcards: each alias of a chain may come from a wildcard, and needs a proof of
// its own (RFC 4035, section 5.3.4; RFC 5155, section 8.8).
func TestManyWildcards(t *testing.T) {
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		records := []string{"www A 192.0.2.1"}
		for i := range maxLinks {
			target := fmt.Sprintf("x.w%d.wild.", i+1)
			if i == maxLinks-1 {
				target = "www.wild."
			}
			records = append(records, fmt.Sprintf("*.w%d CNAME %s", i, target))
		}
		w := newWorld(t, testzone.Spec{Name: "wild.", Algorithm: p256, Denial: denial, Records: records})
		for qtype, n := range map[uint16]int{dns.TypeA: maxLinks + 1, dns.TypeMX: maxLinks} {
			m := ask(t, newTestValidator(t, w), "x.w0.wild.", qtype, withDO)
			if !m.AuthenticatedData || len(m.Answer) != 2*n {
				t.Errorf("%v, %s: %v %v", denial, dns.Type(qtype), m.MsgHdr, testzone.ExtendedError(m))
			}
		}
	}
}

// TestDeepInsecureCuts: a zone cut is found at any depth of ip6.arpa, whichever form of
// denial the zone above has (RFC 4035, section 5.2). A cut is as deep as the operator of
// the network likes.
func TestDeepInsecureCuts(t *testing.T) {
	const network = "8.b.d.0.1.0.0.2.ip6.arpa." // 2001:db8::/32
	const nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		for _, prefix := range []int{36, 48, 60, 64, 80, 96, 112, 116, 120, 124} {
			cut := nibbles[len(nibbles)-2*(prefix/4-8):] + network
			host := nibbles + network
			w := newWorld(t,
				testzone.Spec{Name: "arpa.", Algorithm: p256}, testzone.Spec{Name: "ip6.arpa.", Algorithm: p256},
				testzone.Spec{Name: network, Algorithm: p256, Denial: denial},
				testzone.Spec{Name: cut, Records: []string{host + " PTR host.example."}},
			)
			for _, known := range []bool{false, true} {
				v := newTestValidator(t, w)
				if known {
					ask(t, v, network, dns.TypeSOA, withDO)
				}
				w.ResetQuestions()
				m := ask(t, v, host, dns.TypePTR, withDO)
				if m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 || m.AuthenticatedData {
					t.Errorf("%v, cut at /%d, known %t: %v %v", denial, prefix, known, m.MsgHdr, testzone.ExtendedError(m))
				}
				if n := askedInAll(w); n > 28 {
					t.Errorf("%v, cut at /%d, known %t: %d questions", denial, prefix, known, n)
				}
			}
			// What is not below an insecure delegation has to be signed all the same.
			w.Intercept(func(q, a *dns.Msg) *dns.Msg {
				if q.Question[0].Qtype == dns.TypePTR {
					a.Rcode, a.Ns, a.Answer = dns.RcodeSuccess, nil, []dns.RR{newRR(t, q.Question[0].Name+" 60 IN PTR forged.example.")}
				}
				return a
			})
			forged := strings.Replace(host, cut, "f"+cut[1:], 1)
			if m := ask(t, newTestValidator(t, w), forged, dns.TypePTR, withDO); len(m.Answer) > 0 || m.Rcode != dns.RcodeServerFailure && (m.Rcode != dns.RcodeNameError || !m.AuthenticatedData) {
				t.Errorf("%v, cut at /%d, forged %s beside it:\n%s", denial, prefix, forged, m)
			}
		}
	}
}

// TestLeapShowsZone: a record deep below a zone shows that no zone cut lies between only if
// it is of that zone: a zone below it may have one as well (RFC 4035, section 5.2).
func TestLeapShowsZone(t *testing.T) {
	for cut := 1; cut <= 24; cut++ {
		for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
			zone := strings.Repeat("x.", cut) + "test."
			w := newWorld(t,
				testzone.Spec{Name: "test.", Algorithm: p256, Denial: denial},
				testzone.Spec{Name: zone, Algorithm: p256, Denial: denial, Records: []string{strings.Repeat("x.", 24-cut) + "www A 192.0.2.1"}},
			)
			for _, tc := range []struct {
				what  string
				upset func(a *dns.Msg) *dns.Msg
				want  dnssec.Reason
			}{
				{what: "as it is", upset: func(a *dns.Msg) *dns.Msg { return a }},
				{what: "unsigned", upset: unsigned, want: dnssec.SignatureMissing},
			} {
				name := strings.Repeat("x.", 24-cut) + "www." + zone
				intercept(w, testzone.Question{Name: name, Type: dns.TypeA}, tc.upset)
				if r := judged(t, newTestValidator(t, w), name, dns.TypeA); r.Reason != tc.want {
					t.Errorf("cut after %d labels, %v, %s: %s", cut, denial, tc.what, r)
				}
			}
		}
	}
}
