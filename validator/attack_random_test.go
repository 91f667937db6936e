package validator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// chaos answers at random: honestly, without signatures, with what belongs to another
// question, with genuine denials of other places, with forged data, or not at all.
type chaos struct {
	mu      sync.Mutex
	rnd     *rand.Rand
	w       *testzone.World
	asks    []testzone.Question
	denials []dns.RR
	zones   []string
	honest  int // of 10
}

func (c *chaos) answer(q, a *dns.Msg) *dns.Msg {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := q.Question[0].Name
	for range 1 + c.rnd.IntN(2) {
		if c.rnd.IntN(10) < c.honest {
			continue
		}
		switch c.rnd.IntN(12) {
		case 0:
			a = unsigned(a)
		case 1, 2:
			other := c.asks[c.rnd.IntN(len(c.asks))]
			b := c.w.Answer(newQuestion(other.Name, other.Type, withDO))
			a.Rcode, a.Answer, a.Ns = b.Rcode, b.Answer, b.Ns
			if c.rnd.IntN(2) == 0 {
				for _, rr := range a.Answer {
					if dnsname.Canonical(rr.Header().Name) == other.Name {
						rr.Header().Name = name
					}
				}
			}
		case 3, 4:
			a.Answer, a.Ns = nil, nil
			for range 1 + c.rnd.IntN(8) {
				i := c.rnd.IntN(len(c.denials)/2) * 2
				a.Ns = append(a.Ns, dns.Copy(c.denials[i]), dns.Copy(c.denials[i+1]))
			}
		case 5:
			a.Answer = []dns.RR{&dns.A{Hdr: header(name, typeA), A: []byte{6, 6, 6, 6}}}
		case 6:
			a.Answer = []dns.RR{&dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: c.asks[c.rnd.IntN(len(c.asks))].Name}}
		case 7:
			owner := dnsname.Parent(name)
			a.Answer = append(a.Answer, &dns.DNAME{Hdr: header(owner, dns.TypeDNAME), Target: c.zones[c.rnd.IntN(len(c.zones))]})
		case 8:
			a.Rcode ^= dns.RcodeNameError
		case 9:
			if c.rnd.IntN(3) == 0 {
				return nil
			}
			a.Rcode = servfail
		case 10:
			for _, rr := range slices.Concat(a.Answer, a.Ns) {
				if sig, ok := rr.(*dns.RRSIG); ok && c.rnd.IntN(2) == 0 {
					sig.SignerName = c.zones[c.rnd.IntN(len(c.zones))]
				}
			}
		case 11:
			a.Ns = slices.DeleteFunc(a.Ns, func(rr dns.RR) bool { return c.rnd.IntN(3) == 0 })
			a.Answer = slices.DeleteFunc(a.Answer, func(rr dns.RR) bool { return c.rnd.IntN(5) == 0 })
		}
	}
	return a
}

func dataOf(m *dns.Msg) string {
	var lines []string
	for _, rr := range m.Answer {
		if t := rr.Header().Rrtype; t != dns.TypeRRSIG {
			rr = dns.Copy(rr)
			rr.Header().Ttl = 0
			lines = append(lines, strings.ToLower(rr.String()))
		}
	}
	slices.Sort(lines)
	return dns.RcodeToString[m.Rcode] + " " + strings.Join(lines, "; ")
}

// TestAttackAtRandom: an upstream that lies at random has no name of a signed zone get another
// answer than the honest one or SERVFAIL, and when it has come to its senses all names get
// their answers after as long as a failure is kept.
func TestAttackAtRandom(t *testing.T) {
	const rounds = 30
	deep := strings.Repeat("a.", 20)
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		records := []string{"www A 192.0.2.1", "www MX 10 www", "*.wild A 192.0.2.2", "a.ent TXT t", "alias CNAME www", "nowhere CNAME no", "dn DNAME sub.example.", deep + "deep A 192.0.2.3"}
		w := newWorld(t, testzone.Spec{Name: ".", Algorithm: p256, Denial: denial},
			testzone.Spec{Name: "example.", Algorithm: p256, Denial: denial, Records: append(records, "toplain CNAME www.plain.example.")},
			testzone.Spec{Name: "plain.example.", Records: records},
			testzone.Spec{Name: "island.example.", Algorithm: p256, DS: []uint8{}, Records: records},
			testzone.Spec{Name: "sub.example.", Algorithm: p256, Denial: denial, Records: records},
			testzone.Spec{Name: deep + "far.example.", Algorithm: p256, Denial: denial, Records: records})
		var asks []testzone.Question
		zones := []string{".", "example.", "sub.example.", deep + "far.example.", "plain.example.", "island.example."}
		for _, zone := range zones[1:] {
			for _, n := range []string{"www.", "", "x.wild.", "ent.", "a.ent.", "alias.", "nowhere.", "no.", "x.no.", "www.dn.", deep + "deep.", "a." + deep + "no."} {
				for _, qt := range []uint16{typeA, typeMX, dns.TypeDS} {
					asks = append(asks, testzone.Question{Name: n + zone, Type: qt})
				}
			}
		}
		for _, n := range []string{"no.", "x.no."} {
			asks = append(asks, testzone.Question{Name: n, Type: typeA})
		}
		truth := map[testzone.Question]string{}
		secure := map[testzone.Question]bool{}
		for _, q := range asks {
			m := ask(t, newTestValidator(t, w), q.Name, q.Type, withDO)
			truth[q], secure[q] = dataOf(m), m.AuthenticatedData
			if m.Rcode == servfail {
				t.Fatalf("%v\n%s", q, m)
			}
		}
		var pairs []dns.RR
		for _, zone := range zones[:4] {
			all := allDenials(w, zone)
			for i := 0; i+1 < len(all); i++ {
				if _, ok := all[i+1].(*dns.RRSIG); ok {
					pairs = append(pairs, all[i], all[i+1])
				}
			}
		}
		for seed := range uint64(rounds) {
			c := &chaos{rnd: rand.New(rand.NewPCG(seed, 1)), w: w, asks: asks, denials: pairs, zones: zones, honest: int(seed % 9)}
			var opts []option
			if seed%2 == 1 {
				opts = append(opts, noSynthesis)
			}
			v := newTestValidator(t, w, opts...)
			clock := fakeClock(v)
			w.Intercept(c.answer)
			pick := rand.New(rand.NewPCG(seed, 2))
			label := fmt.Sprintf("%s %d", denial, seed)
			pprof.Do(t.Context(), pprof.Labels("test", label), func(context.Context) {
				for i := range 40 {
					q := asks[pick.IntN(len(asks))]
					start := time.Now()
					m := ask(t, v, q.Name, q.Type, withDO)
					if took := time.Since(start); took > 2*time.Second {
						t.Errorf("%s, seed %d: %v took %s", denial, seed, q, took)
					}
					if got := dataOf(m); !isFailure(m.Rcode) && got != truth[q] && (secure[q] || m.AuthenticatedData) {
						t.Errorf("%s, seed %d, %d: %v: AD %t %s, want %s", denial, seed, i, q, m.AuthenticatedData, got, truth[q])
					}
					clock.advance(time.Duration(pick.IntN(3000)) * time.Millisecond)
				}
			})
			w.Intercept(nil)
			awaitLabelled(t, label)
			clock.advance(maxFailureTTL + 1)
			for _, q := range asks {
				m := ask(t, v, q.Name, q.Type, withDO)
				if got := dataOf(m); got != truth[q] || m.AuthenticatedData != secure[q] {
					t.Errorf("%s, seed %d, after the attack: %v: AD %t %s, want AD %t %s\n%v", denial, seed, q, m.AuthenticatedData, got, secure[q], truth[q], testzone.ExtendedError(m))
				}
			}
		}
	}
}
