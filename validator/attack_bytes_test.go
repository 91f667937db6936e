package validator

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// mangle changes octets of a message, so that the result still is a message.
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

// Changed octets in any response, those of the chain too, cause no panic, and a Secure
// answer is the honest one.
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
				m := ask(t, v, name, qtype, withDO)
				if !m.AuthenticatedData {
					continue
				}
				genuine := w.Answer(newQuestion(name, qtype, withDO))
				got, want := data(m.Answer), data(genuine.Answer)
				if len(got) != len(want) || m.Rcode != genuine.Rcode {
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
