package dnssecval

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// fuzzedTime is much more than judging takes, and much less than a hang.
const fuzzedTime = 2 * time.Second

// change makes a message of another one: first as many of the mutations as there are
// pairs of octets in picks, then the octets of the packed message at places. It returns
// nil if that is no message any more.
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

// fuzzed is a validator before a world, one of whose answers is changed.
type fuzzed struct {
	w *testzone.World
	v *Validator
}

func newFuzzed(f *testing.F) *fuzzed {
	w := richWorld(f)
	return &fuzzed{w, newTestValidator(f, w)}
}

// ask asks while the answer to a question is another one, and wants an answer soon.
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

// differsOrFails passes an upstream's code on, if it says nothing else.
func differsOrFails(m, honest *dns.Msg) string {
	if !provable(m.Rcode) && len(m.Answer)+len(m.Ns)+len(withOPT(m.Extra, nil)) == 0 && !m.AuthenticatedData {
		return ""
	}
	return differs(withLowerNames(m), withLowerNames(honest))
}

// withLowerNames puts the names in RDATA into lower case: theirs is not signed (RFC 4034,
// section 6.2), but for NSEC.
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

// FuzzAnswer changes the answer to a client's question: it is refused, or what comes out
// is what the zone says; and so it is when the next client asks, whatever was kept.
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
		forgetDenials(z.v) // else what is denied is not asked for
		for _, instead := range []*dns.Msg{changed, honest} {
			m := z.ask(t, name, tc.qtype, honest.Question[0], instead)
			if m.Rcode == dns.RcodeNameError && apex == "compact.example." {
				m.Rcode = honest.Rcode // it may be proven; compact denial has NOERROR for it
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

// forgetDenials empties what others may be using: what was asked ahead goes on.
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

// fuzzedChain are those on the way to a signed and to an unsigned zone.
var fuzzedChain = []struct {
	name  string
	qtype uint16
}{
	{".", dns.TypeDNSKEY}, {"example.", dns.TypeDS}, {"example.", dns.TypeDNSKEY}, {"test.", dns.TypeDS}, {"test.", dns.TypeDNSKEY},
	{"nsec3.test.", dns.TypeDS}, {"nsec3.test.", dns.TypeDNSKEY}, {"csk.example.", dns.TypeDS}, {"csk.example.", dns.TypeDNSKEY},
	{"unsigned.example.", dns.TypeDS}, {"unsigned.test.", dns.TypeDS},
}

// FuzzChain changes an answer on the way to a zone, for a validator that knows nothing
// yet: a signed zone is proven or refused, an unsigned one is never secure.
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
