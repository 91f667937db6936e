package dnssecval

import (
	"slices"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// chainQuestions are those of the chain down to the names that are asked for.
var chainQuestions = []struct {
	kind  string
	link  testzone.Question // whose answer is changed
	asked string
}{
	{"keys of the root", testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, "www.nsec3.test."},
	{"DS of a TLD", testzone.Question{Name: "test.", Type: dns.TypeDS}, "www.nsec3.test."},
	{"keys of a TLD", testzone.Question{Name: "test.", Type: dns.TypeDNSKEY}, "www.nsec3.test."},
	{"DS of a zone", testzone.Question{Name: "nsec3.test.", Type: dns.TypeDS}, "www.nsec3.test."},
	{"keys of a zone", testzone.Question{Name: "nsec3.test.", Type: dns.TypeDNSKEY}, "www.nsec3.test."},
	{"denial of DS by NSEC", testzone.Question{Name: "unsigned.example.", Type: dns.TypeDS}, "www.unsigned.example."},
	{"denial of DS by NSEC3", testzone.Question{Name: "unsigned.nsec3.test.", Type: dns.TypeDS}, "www.unsigned.nsec3.test."},
	{"denial of DS by opt-out", testzone.Question{Name: "unsigned.test.", Type: dns.TypeDS}, "www.unsigned.test."},
	{"denial of DS above a cut", testzone.Question{Name: "out.test.", Type: dns.TypeDS}, "www.deep.in.out.test."},
}

// TestMutatedChain changes one thing in an answer of the chain: a secure name does
// not become insecure by it, nor an insecure one secure. What a change leaves as
// good as it was may be answered.
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

// TestUnsignedChain strips the signatures of one answer of the chain, and of all.
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

// intercept has f change the answers to one question.
func intercept(w *testzone.World, q testzone.Question, f func(a *dns.Msg) *dns.Msg) {
	w.Intercept(func(asked, a *dns.Msg) *dns.Msg {
		if dns.CanonicalName(asked.Question[0].Name) == q.Name && asked.Question[0].Qtype == q.Type {
			return f(a)
		}
		return a
	})
}

func copies(rrs []dns.RR) []dns.RR {
	out := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		out[i] = dns.Copy(rr)
	}
	return out
}

// unsigned takes out what only a signed zone has, as an upstream that knows nothing
// of DNSSEC does.
func unsigned(a *dns.Msg) *dns.Msg {
	strip := func(rr dns.RR) bool {
		switch rr.Header().Rrtype {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
			return true
		}
		return false
	}
	a.Answer, a.Ns = slices.DeleteFunc(a.Answer, strip), slices.DeleteFunc(a.Ns, strip)
	return a
}

// TestShade: records of a signed zone do not pass in the answer of an unsigned one.
func TestShade(t *testing.T) {
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
