package worlds

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// TestCounterexamples has what was found, and was wrong in the validator. Each honest
// response is judged as it is, and with all denial records of the zones that denied.
func TestCounterexamples(t *testing.T) {
	for _, tt := range []struct {
		name  string
		world World
		asked question
		want  dnssec.Status
	}{
		{
			name:  "an unsigned delegation in an opt-out span, beside a wildcard with a CNAME (RFC 5155, section 8.6)",
			world: World{Modes: [2]Mode{OptOut, NSEC}, Salts: [2]uint16{1, 1}, Nodes: []Node{{Name: "*.t.", Kind: Alias, Target: "b.t."}, {Name: "a.t.", Kind: Unsigned}}},
			asked: question{"a.t.", dns.TypeDS},
			want:  dnssec.Insecure,
		},
		{
			name:  "an empty non-terminal in an opt-out span, beside such a wildcard (RFC 5155, section 7.1)",
			world: World{Modes: [2]Mode{OptOut, NSEC}, Salts: [2]uint16{0x89ba, 1}, Nodes: []Node{{Name: "*.t.", Kind: Alias, Target: outside}, {Name: "b.a.b.t.", Kind: Unsigned}}},
			asked: question{"a.b.t.", dns.TypeSOA},
			want:  dnssec.Insecure,
		},
		{
			name:  "NSEC of both sides of a zone cut in one response (RFC 4035, section 2.3)",
			world: World{Nodes: []Node{{Name: "*.t.", Kind: Alias, Target: "a.t."}, {Name: "a.t.", Kind: Signed}}},
			asked: question{"b.t.", dns.TypeTXT},
			want:  dnssec.Secure,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := newEngineJudge(newSigner(time.Now()), newTally())
			j.mu.Lock()
			defer j.mu.Unlock()
			j.enter(tt.world, nil)
			a := authority{j.signer, j.versions[0]}
			h := a.answer(tt.asked.name, tt.asked.qtype)
			if !h.ok || h.status != tt.want {
				t.Fatalf("the truth is %s (%t), want %s", h.status, h.ok, tt.want)
			}
			padded := h.response
			padded.authority = append(a.padding(h), h.authority...)
			for _, r := range []response{h.response, padded} {
				s := j.honestScript()
				s.parts[tt.asked] = &r
				v := j.validate(newEngine(j.signer), tt.asked, s)
				if v.finding.Status != tt.want {
					t.Errorf("%s", j.example(tt.asked, s, v, ""))
				}
				if v.finding.Status == dnssec.Secure && strings.Count(dnssecTypes(v.reply.Ns), "NSEC ") < 2 {
					t.Errorf("the reply has %s", dnssecTypes(v.reply.Ns))
				}
			}
		})
	}
}

// dnssecTypes returns the types of a section.
func dnssecTypes(section []dns.RR) (text string) {
	for _, rr := range section {
		text += dns.TypeToString[rr.Header().Rrtype] + " "
	}
	return text
}

// TestForgedCounterexamples has forged responses that were believed, or of which forged
// records were passed on beside AD.
func TestForgedCounterexamples(t *testing.T) {
	for _, tt := range []struct {
		name  string
		world World
		asked question
		forge func(f *forger, a authority) response
	}{
		{
			name:  "an unsigned NSEC of the other side of the apex (RFC 4035, section 3.2.3)",
			world: World{Nodes: []Node{{Name: "a.t.", Kind: Host}}},
			asked: question{"b.t.", dns.TypeA},
			forge: func(f *forger, a authority) response {
				r := a.answer("b.t.", dns.TypeA).response
				forged := &dns.NSEC{Hdr: header(top, dns.TypeNSEC), NextDomain: "a.t.", TypeBitMap: []uint16{dns.TypeNS, dns.TypeRRSIG, dns.TypeNSEC}}
				r.authority = append(r.authority, item{record: forged})
				return r
			},
		},
		{
			name:  "the same, signed by a zone below (RFC 4035, section 5.3.1)",
			world: World{Nodes: []Node{{Name: "a.t.", Kind: Hostile}}},
			asked: question{"*.t.", dns.TypeA},
			forge: func(f *forger, a authority) response {
				r := a.answer("*.t.", dns.TypeA).response
				r.authority = append(r.authority, f.hostileDenials(a.zones["a.t."], "*.t.")...)
				return r
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := newEngineJudge(newSigner(time.Now()), newTally())
			j.mu.Lock()
			defer j.mu.Unlock()
			j.enter(tt.world, nil)
			r := tt.forge(j.forger, authority{j.signer, j.versions[0]})
			s := j.honestScript()
			s.parts[tt.asked] = &r
			v := j.validate(newEngine(j.signer), tt.asked, s)
			if v.finding.Status == dnssec.Secure && !(j.isGenuine(v.reply.Ns) && hasNoneOf("a.t.", v.reply.Ns)) {
				t.Errorf("%s\n%v", j.example(tt.asked, s, v, ""), v.reply.Ns)
			}
			if j.checkReply(tt.asked, s, v, ""); j.tally.Unsound() != 0 {
				t.Errorf("%v", j.tally.Counterexamples)
			}
		})
	}
}

// TestReplayedDelegation checks that the keys of a hostile zone may be secure if its DS RRset
// was signed before, and is still valid (RFC 4033, section 4.4).
func TestReplayedDelegation(t *testing.T) {
	j := newEngineJudge(newSigner(time.Now()), newTally())
	j.mu.Lock()
	defer j.mu.Unlock()
	j.enter(World{Nodes: []Node{{Name: "b.t.", Kind: Host}}, Older: []Node{{Name: "a.t.", Kind: Hostile}}}, nil)
	before := authority{j.signer, j.versions[1]}
	q, s := question{"a.t.", dns.TypeDNSKEY}, j.honestScript()
	s.parts[q] = &before.answer(q.name, q.qtype).response
	s.parts[question{"a.t.", dns.TypeDS}] = &before.answer("a.t.", dns.TypeDS).response
	v := j.validate(newEngine(j.signer), q, s)
	if j.checkReply(q, s, v, ""); v.finding.Status != dnssec.Secure || j.tally.Unsound() != 0 {
		t.Errorf("%s, violations %v", v.finding, j.tally.Counterexamples)
	}
}

// hasNoneOf reports whether a section has no signature of a zone for an NSEC RRset.
func hasNoneOf(zone string, section []dns.RR) bool {
	for _, rr := range section {
		if sig, ok := rr.(*dns.RRSIG); ok && sig.SignerName == zone && sig.TypeCovered == dns.TypeNSEC {
			return false
		}
	}
	return true
}
