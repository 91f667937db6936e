package validator

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// senseless are signatures of a secure zone that do not verify for the RRset that they come
// with.
func senseless(t *testing.T, w *testzone.World, signer, name string) map[string][]*dns.RRSIG {
	t.Helper()
	set, _ := w.Zone(signer).RRset(signer, dns.TypeSOA)
	sig := func(edit func(*dns.RRSIG)) []*dns.RRSIG {
		s := dns.Copy(set.Sigs[0]).(*dns.RRSIG)
		s.Hdr.Name, s.TypeCovered, s.Labels = name, typeA, uint8(dns.CountLabel(name))
		edit(s)
		return []*dns.RRSIG{s}
	}
	return map[string][]*dns.RRSIG{
		"of another RRset": sig(func(*dns.RRSIG) {}),
		"by no key":        sig(func(s *dns.RRSIG) { s.KeyTag++ }),
		"expired":          sig(func(s *dns.RRSIG) { s.Expiration = uint32(time.Now().Add(-30 * 24 * time.Hour).Unix()) }),
		"too many labels":  sig(func(s *dns.RRSIG) { s.Labels++ }),
		"of no algorithm":  sig(func(s *dns.RRSIG) { s.Algorithm = 200 }),
		"two":              append(sig(func(s *dns.RRSIG) { s.KeyTag++ }), sig(func(*dns.RRSIG) {})...),
	}
}

// TestSenselessSignatures: data of an unsigned zone are insecure, whatever signatures come
// with them (RFC 4035, section 5.2). Where the way down does not prove an insecure
// delegation they are bogus (RFC 4035, section 5.5).
func TestSenselessSignatures(t *testing.T) {
	for _, tc := range []struct {
		name, signer string
		bogus        bool
	}{
		{name: "www.plain.example.", signer: "example."},
		{name: "www.plain.example.", signer: "."},
		{name: "plain.example.", signer: "example."},
		{name: "www.island.example.", signer: "example."},
		{name: "www.plain.sub.example.", signer: "sub.example."},
		{name: "www.plain.sub.example.", signer: "example."},
		{name: "www.example.", signer: "example.", bogus: true},
		{name: "www.example.", signer: ".", bogus: true},
		{name: "www.sub.example.", signer: "example.", bogus: true},
		{name: "www.sub.example.", signer: "sub.example.", bogus: true},
		{name: "sub.example.", signer: "example.", bogus: true},
	} {
		for _, denial := range cutDenials {
			w := cutWorld(t, denial)
			for what, sigs := range senseless(t, w, tc.signer, tc.name) {
				t.Run(tc.name+" by "+tc.signer+" "+what+", "+denial.String(), func(t *testing.T) {
					forge(w, tc.name, typeA, func(a *dns.Msg) {
						a.Rcode, a.Ns, a.Answer = dns.RcodeSuccess, nil, []dns.RR{newRR(t, tc.name+" 60 IN A 203.0.113.66")}
						for _, sig := range sigs {
							a.Answer = append(a.Answer, sig)
						}
					})
					v := newTestValidator(t, w)
					want := dnssec.Insecure
					if tc.bogus {
						want = dnssec.Bogus
					}
					for range 2 {
						if got := judged(t, v, tc.name, typeA); got.Status != want {
							t.Errorf("%s %s, want %s", got.Status, got.Finding, want)
						}
					}
				})
			}
		}
	}
}

// TestAttackSenselessSignaturesAndForgedDelegation: data of a signed zone with a signature
// that does not verify, and a genuine record of another place as the denial of the DS that
// the way down asks for.
func TestAttackSenselessSignaturesAndForgedDelegation(t *testing.T) {
	for _, denial := range cutDenials {
		w := cutWorld(t, denial)
		genuine := func(name string, qtype uint16) []dns.RR { return w.Answer(newQuestion(name, qtype, withDO)).Ns }
		for what, ns := range map[string][]dns.RR{
			"nothing":                       nil,
			"a sister's denial of DS":       genuine("plain.example.", dns.TypeDS),
			"the record of the delegation":  matching(t, w, "example.", "sub.example."),
			"the child's apex":              genuine("sub.example.", typeMX),
			"another child of the child":    genuine("plain.sub.example.", dns.TypeDS),
			"a name that does not exist":    genuine("no.example.", typeA),
			"no name below a wildcard":      genuine("x.wild.example.", typeMX),
			"a denial of the zone above":    genuine("example.", typeMX),
			"a name error of the root":      genuine("no.", typeA),
			"no name, and a sister's cut":   append(genuine("no.example.", typeA), genuine("plain.example.", dns.TypeDS)...),
			"everything, as far as allowed": few(allDenials(w, "example.")),
		} {
			for _, name := range []string{"www.sub.example.", "sub.example.", "www.example."} {
				v := newTestValidator(t, w)
				w.Intercept(func(q, a *dns.Msg) *dns.Msg {
					switch q.Question[0] {
					case dns.Question{Name: name, Qtype: typeA, Qclass: dns.ClassINET}:
						a.Rcode, a.Ns = dns.RcodeSuccess, copies(ns)
						a.Answer = []dns.RR{newRR(t, name+" 60 IN A 203.0.113.66"), senseless(t, w, "example.", name)["of another RRset"][0]}
					case dns.Question{Name: "sub.example.", Qtype: dns.TypeDS, Qclass: dns.ClassINET}, dns.Question{Name: name, Qtype: dns.TypeDS, Qclass: dns.ClassINET}:
						a.Rcode, a.Answer, a.Ns = dns.RcodeSuccess, nil, copies(ns)
					}
					return a
				})
				for range 2 {
					if m := ask(t, v, name, typeA, withDO); len(m.Answer) > 0 || m.AuthenticatedData && m.Rcode == dns.RcodeSuccess {
						t.Errorf("%s, %s: %s was passed:\n%s", denial, what, name, m)
					}
				}
			}
		}
	}
}

// TestAttackSenselessSignatureInOptOut: a signature of a wildcard expansion that does not
// verify is not excused by the opt-out span that an honest expansion lies in, and none is by
// too many iterations, which show no delegation (RFC 5155, section 8.8; RFC 9276, section 3.2).
func TestAttackSenselessSignatureInOptOut(t *testing.T) {
	for _, tc := range []struct {
		name, question string
		denial         testzone.Denial
		iterations     uint16
	}{
		{name: "wildcard expansion", question: "x.wild.example.", denial: testzone.NSEC3OptOut},
		{name: "name of a zone with opt-out", question: "www.example.", denial: testzone.NSEC3OptOut},
		{name: "too many iterations", question: "www.example.", denial: testzone.NSEC3, iterations: 200},
		{name: "too many iterations, a name that does not exist", question: "x.wild.example.", denial: testzone.NSEC3, iterations: 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Denial: tc.denial, Iterations: tc.iterations,
				Records: []string{"www A 192.0.2.1", "*.wild A 192.0.2.2"}})
			forge(w, tc.question, typeA, func(a *dns.Msg) {
				for _, rr := range a.Answer {
					if rr, ok := rr.(*dns.A); ok {
						rr.A[len(rr.A)-1] = 66
					}
				}
			})
			v := newTestValidator(t, w)
			for range 2 {
				if got := judged(t, v, tc.question, typeA); got.Status != dnssec.Bogus || got.Reason != dnssec.SignatureInvalid {
					t.Errorf("%s %s", got.Status, got.Finding)
				}
			}
		})
	}
}
