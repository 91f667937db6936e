package validator

import (
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// chainQuestions are questions of the authentication chain of a name.
var chainQuestions = []struct {
	kind  string
	link  testzone.Question // whose response is changed
	asked string
}{
	{kind: "keys of the root", link: testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, asked: "www.nsec3.test."},
	{kind: "DS of a TLD", link: testzone.Question{Name: "test.", Type: dns.TypeDS}, asked: "www.nsec3.test."},
	{kind: "keys of a TLD", link: testzone.Question{Name: "test.", Type: dns.TypeDNSKEY}, asked: "www.nsec3.test."},
	{kind: "DS of a zone", link: testzone.Question{Name: "nsec3.test.", Type: dns.TypeDS}, asked: "www.nsec3.test."},
	{kind: "keys of a zone", link: testzone.Question{Name: "nsec3.test.", Type: dns.TypeDNSKEY}, asked: "www.nsec3.test."},
	{kind: "denial of DS by NSEC", link: testzone.Question{Name: "unsigned.example.", Type: dns.TypeDS}, asked: "www.unsigned.example."},
	{kind: "denial of DS by NSEC3", link: testzone.Question{Name: "unsigned.nsec3.test.", Type: dns.TypeDS}, asked: "www.unsigned.nsec3.test."},
	{kind: "denial of DS by opt-out", link: testzone.Question{Name: "unsigned.test.", Type: dns.TypeDS}, asked: "www.unsigned.test."},
	{kind: "denial of DS above a cut", link: testzone.Question{Name: "out.test.", Type: dns.TypeDS}, asked: "www.deep.in.out.test."},
}

// TestMutatedChain changes one thing in a response of the chain. The status of the name
// becomes Bogus or stays as it was: a secure name does not become insecure, nor an insecure
// one secure.
func TestMutatedChain(t *testing.T) {
	w := richWorld(t)
	for _, tc := range chainQuestions {
		w.Intercept(nil)
		honest := w.Answer(newQuestion(tc.link.Name, tc.link.Type, withDO))
		want := judged(t, newTestValidator(t, w), tc.asked, dns.TypeA).Status
		for _, mu := range mutations(honest) {
			mutated := honest.Copy()
			mu.apply(mutated)
			intercept(w, tc.link, func(a *dns.Msg) *dns.Msg {
				a.Answer, a.Ns, a.Extra, a.Rcode = copies(mutated.Answer), copies(mutated.Ns), copies(mutated.Extra), mutated.Rcode
				return a
			})
			got := judged(t, newTestValidator(t, w), tc.asked, dns.TypeA)
			if got.Status != dnssec.Bogus && got.Status != want {
				t.Errorf("%s, %s: %s %s, want bogus or %s", tc.kind, mu.what, got.Status, got, want)
			}
		}
	}
}

// TestUnsignedChain removes the signatures of one response of the chain, and of all.
func TestUnsignedChain(t *testing.T) {
	w := richWorld(t)
	for _, tc := range chainQuestions {
		intercept(w, tc.link, unsigned)
		if got := judged(t, newTestValidator(t, w), tc.asked, dns.TypeA); got.Status != dnssec.Bogus {
			t.Errorf("%s without signatures: %s %s", tc.kind, got.Status, got)
		}
	}
	w.Intercept(func(_, a *dns.Msg) *dns.Msg { return unsigned(a) })
	for _, tc := range chainQuestions {
		if got := judged(t, newTestValidator(t, w), tc.asked, dns.TypeA); got.Status != dnssec.Bogus {
			t.Errorf("%s from an upstream without DNSSEC: %s %s", tc.asked, got.Status, got)
		}
	}
}

// TestSignedRecordsInInsecureAnswer: forged records of a signed zone do not get into the
// answer for a name of an unsigned one.
func TestSignedRecordsInInsecureAnswer(t *testing.T) {
	w := richWorld(t)
	for _, name := range []string{"www.unsigned.example.", "alias.unsigned.example.", "www.dn.unsigned.example.", "toinsecure.example."} {
		for _, line := range []string{"www.example. 60 IN A 203.0.113.66", "unsigned.example. 60 IN A 203.0.113.66"} {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			intercept(w, testzone.Question{Name: name, Type: dns.TypeA}, func(a *dns.Msg) *dns.Msg {
				a.Answer = append(a.Answer, dns.Copy(rr))
				return a
			})
			m := ask(t, newTestValidator(t, w), name, dns.TypeA, withDO)
			if got, want := records(m.Answer), records(w.Answer(newQuestion(name, dns.TypeA, withDO)).Answer); got != want {
				t.Errorf("%s with %q:\n got %s\nwant %s", name, line, got, want)
			}
		}
	}
}
