package validator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// fuzzedTime is much longer than any response takes, and less than the timeouts.
const fuzzedTime = 2 * time.Second

// change makes another message of one. First it applies a mutation for each pair of octets
// in picks, then it changes octets of the packed message at places. It returns nil if the
// result is not a message.
func change(honest *dns.Msg, picks, places []byte) *dns.Msg {
	m := honest.Copy()
	for i := 0; i+1 < min(len(picks), 16); i += 2 {
		all := mutations(m)
		all[(int(picks[i])<<8|int(picks[i+1]))%len(all)].apply(m)
	}
	if len(places) < 3 {
		return m
	}
	wire, err := m.Pack()
	if err != nil {
		return nil
	}
	for i := 0; i+2 < min(len(places), 24); i += 3 {
		wire[(int(places[i])<<8|int(places[i+1]))%len(wire)] ^= places[i+2]
	}
	changed := new(dns.Msg)
	if changed.Unpack(wire) != nil {
		return nil
	}
	changed.Question, changed.Truncated = honest.Question, false
	return changed
}

// fuzzed is a validator and a world, one response of which is changed.
type fuzzed struct {
	w *testzone.World
	v *Validator
}

func newFuzzed(f *testing.F) *fuzzed {
	w := richWorld(f)
	return &fuzzed{w, newTestValidator(f, w)}
}

// ask asks while one question has another response, and checks that it does not take long.
func (z *fuzzed) ask(t *testing.T, name string, qtype uint16, changed dns.Question, instead *dns.Msg) *dns.Msg {
	t.Helper()
	z.w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0] != changed {
			return a
		}
		m := instead.Copy()
		m.Id = q.Id
		return m
	})
	defer z.w.Intercept(nil)
	z.v.cache.failed.Purge()
	start := time.Now()
	m := ask(t, z.v, name, qtype, withDO)
	if took := time.Since(start); took > fuzzedTime {
		t.Errorf("%s %s took %v", name, dns.Type(qtype), took)
	}
	return m
}

// differsOrFails is differs, but accepts the response code of an upstream without data.
func differsOrFails(m, honest *dns.Msg) string {
	if !provable(m.Rcode) && len(m.Answer)+len(m.Ns)+len(withOPT(m.Extra, nil)) == 0 && !m.AuthenticatedData {
		return ""
	}
	return differs(withLowerNames(m), withLowerNames(honest))
}

// withLowerNames returns a copy with the names in RDATA in lower case. Their case is not
// signed, except in NSEC (RFC 4034, section 6.2, and RFC 6840, section 5.1).
func withLowerNames(m *dns.Msg) *dns.Msg {
	m = m.Copy()
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		switch rr := rr.(type) {
		case *dns.RRSIG:
			rr.SignerName = dns.CanonicalName(rr.SignerName)
		case *dns.CNAME:
			rr.Target = dns.CanonicalName(rr.Target)
		case *dns.DNAME:
			rr.Target = dns.CanonicalName(rr.Target)
		case *dns.NS:
			rr.Ns = dns.CanonicalName(rr.Ns)
		case *dns.MX:
			rr.Mx = dns.CanonicalName(rr.Mx)
		case *dns.SOA:
			rr.Ns, rr.Mbox = dns.CanonicalName(rr.Ns), dns.CanonicalName(rr.Mbox)
		}
	}
	return m
}

// FuzzAnswer changes the response to a client's question. The answer is refused or the same
// as the honest one, and the next client gets the honest one, whatever was kept.
func FuzzAnswer(f *testing.F) {
	z := newFuzzed(f)
	for which := range len(secureAnswers) {
		f.Add(uint8(which), uint8(which), []byte{0, byte(which)}, []byte{})
		f.Add(uint8(which), uint8(which+1), []byte{}, []byte{0, byte(30 + which), 1})
	}
	f.Fuzz(func(t *testing.T, which, zone uint8, picks, places []byte) {
		tc, apex := secureAnswers[int(which)%len(secureAnswers)], mutatedZones[int(zone)%3] // without the one with opt-out
		name := tc.name + apex
		honest := z.w.Answer(newQuestion(name, tc.qtype, withDO))
		changed := change(honest, picks, places)
		if changed == nil {
			t.Skip()
		}
		forgetDenials(z.v) // otherwise names that are denied are not asked for
		for _, instead := range []*dns.Msg{changed, honest} {
			m := z.ask(t, name, tc.qtype, honest.Question[0], instead)
			if m.Rcode == dns.RcodeNameError && apex == "compact.example." {
				m.Rcode = honest.Rcode // NXDOMAIN may be proven; compact denial answers NOERROR
			}
			if wrong := differsOrFails(m, honest); wrong != "" {
				t.Errorf("%s %s: %s\n%s\nfor\n%s", name, dns.Type(tc.qtype), wrong, m, instead)
			}
			if instead == honest && !provable(m.Rcode) {
				t.Errorf("%s %s fails from then on\n%s", name, dns.Type(tc.qtype), changed)
			}
		}
	})
}

// forgetDenials empties the caches of denials, which goroutines may be using.
func forgetDenials(v *Validator) {
	v.denials.mu.Lock()
	defer v.denials.mu.Unlock()
	v.denials.spans.Purge()
	v.denials.wildcards.Purge()
}

func forgetAll(v *Validator) {
	v.cache.cuts.Purge()
	v.cache.verdicts.Purge()
	v.cache.invalid.Purge()
	v.cache.failed.Purge()
	forgetDenials(v)
}

// fuzzedChain has the questions of the chains of signed and unsigned zones.
var fuzzedChain = []struct {
	name  string
	qtype uint16
}{
	{name: ".", qtype: dns.TypeDNSKEY}, {name: "example.", qtype: dns.TypeDS}, {name: "example.", qtype: dns.TypeDNSKEY}, {name: "test.", qtype: dns.TypeDS}, {name: "test.", qtype: dns.TypeDNSKEY},
	{name: "nsec3.test.", qtype: dns.TypeDS}, {name: "nsec3.test.", qtype: dns.TypeDNSKEY}, {name: "csk.example.", qtype: dns.TypeDS}, {name: "csk.example.", qtype: dns.TypeDNSKEY},
	{name: "unsigned.example.", qtype: dns.TypeDS}, {name: "unsigned.test.", qtype: dns.TypeDS},
}

// FuzzChain changes a response of the chain, for a validator that knows nothing yet. Names
// of a signed zone are Secure or refused, those of an unsigned one are never Secure.
func FuzzChain(f *testing.F) {
	z := newFuzzed(f)
	for which := range len(fuzzedChain) {
		f.Add(uint8(which), []byte{0, byte(3 * which)}, []byte{})
		f.Add(uint8(which), []byte{}, []byte{0, byte(30 + which), 1})
	}
	f.Fuzz(func(t *testing.T, which uint8, picks, places []byte) {
		link := fuzzedChain[int(which)%len(fuzzedChain)]
		changed := change(z.w.Answer(newQuestion(link.name, link.qtype, withDO)), picks, places)
		if changed == nil {
			t.Skip()
		}
		forgetAll(z.v)
		for _, name := range []string{"www.nsec3.test.", "www.csk.example.", "no.example.", "www.unsigned.example.", "www.unsigned.test."} {
			m := z.ask(t, name, dns.TypeA, dns.Question{Name: link.name, Qtype: link.qtype, Qclass: dns.ClassINET}, changed)
			honest := z.w.Answer(newQuestion(name, dns.TypeA, withDO))
			if wrong := differsOrFails(m, honest); wrong != "" {
				t.Errorf("%s: %s\n%s\nfor\n%s", name, wrong, m, changed)
			}
			if signed := !strings.Contains(name, "unsigned"); provable(m.Rcode) && m.AuthenticatedData != signed {
				t.Errorf("%s: AD is %v\n%s\nfor\n%s", name, m.AuthenticatedData, m, changed)
			}
		}
	})
}
