package dnssecval

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// mangle changes octets of a message until one comes out that can be read.
func mangle(r *rand.Rand, a *dns.Msg) *dns.Msg {
	wire, err := a.Pack()
	if err != nil {
		return a
	}
	for range 20 {
		changed := append([]byte(nil), wire...)
		for range 1 + r.IntN(6) {
			i := r.IntN(len(changed))
			if r.IntN(2) == 0 {
				changed[i] = byte(r.IntN(256))
			} else {
				changed[i] ^= 1 << r.IntN(8)
			}
		}
		m := new(dns.Msg)
		if m.Unpack(changed) == nil && len(m.Answer)+len(m.Ns) > 0 {
			m.Truncated = false
			return m
		}
	}
	return a
}

// Changed octets in any answer, those of the chain too, crash nothing, and what is
// secure all the same is what the zone says.
func TestAttackChangedOctets(t *testing.T) {
	rounds := 200
	if n, err := strconv.Atoi(os.Getenv("ATTACK_ROUNDS")); err == nil {
		rounds = n
	}
	for _, denial := range []testzone.Denial{testzone.NSEC, testzone.NSEC3} {
		w := replayWorld(t, denial)
		r := newReplayer(w, 11)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.rand.IntN(4) > 0 {
				return a
			}
			return mangle(r.rand, a)
		})
		for range rounds {
			v := newTestValidator(t, w)
			for range 10 {
				name, qtype := r.next(dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeSOA, dns.TypeCNAME)
				c := new(client)
				_, _ = v.ServeDNS(t.Context(), c, newQuestion(name, qtype, withDO))
				if c.msg == nil || !c.msg.AuthenticatedData {
					continue
				}
				genuine := w.Answer(newQuestion(name, qtype, withDO))
				got, want := data(c.msg.Answer), data(genuine.Answer)
				if len(got) != len(want) || c.msg.Rcode != genuine.Rcode {
					t.Errorf("%v %s %s:\n%v\n%v", denial, name, dns.Type(qtype), got, want)
					continue
				}
				for i := range got {
					if !strings.EqualFold(got[i], want[i]) { // the case of names in RDATA is not signed
						t.Errorf("%v %s %s:\n%v\n%v", denial, name, dns.Type(qtype), got, want)
					}
				}
			}
		}
	}
}
