package validator

import (
	"fmt"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// An attacker who asks for names that fail has it look as if there were an outage, and asks
// again at each moment that one of the names is to be asked again, so that the turn never is
// another name's. A name that failed once must not be refused for longer than a failure is
// kept by itself all the same (RFC 9520, section 3.2, has five minutes as the most for any
// failure; maxFailureTTL is ours).
func TestAttackOutageThatIsMade(t *testing.T) {
	for _, others := range []bool{false, true} {
		w := newWorld(t, testzone.Spec{Name: "honest.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "* A 192.0.2.2"}},
			testzone.Spec{Name: "evil.", Algorithm: p256, Records: []string{"a CNAME a"}})
		v := newTestValidator(t, w, noSynthesis)
		clock := fakeClock(v)
		loop := 0
		evil := func() {
			loop++
			name := fmt.Sprintf("x%d.evil.", loop%7)
			forge := newRR(t, name+" 60 IN CNAME "+name)
			w.Intercept(func(q, a *dns.Msg) *dns.Msg {
				if q.Question[0].Name == name {
					a.Rcode, a.Answer = dns.RcodeSuccess, []dns.RR{forge}
				}
				return a
			})
			ask(t, v, name, typeA, withDO)
		}
		for range 7 {
			evil()
		}
		intercept(w, testzone.Question{Name: "www.honest.", Type: typeA}, forged)
		if m := ask(t, v, "www.honest.", typeA, withDO); m.Rcode != servfail {
			t.Fatalf("%s", m)
		}
		failed := clock.Now()
		for i := 0; ; i++ {
			clock.advance(time.Second / 4)
			for range 7 {
				evil()
			}
			if others {
				ask(t, v, fmt.Sprintf("o%d.honest.", i), typeA, withDO)
			}
			for range 7 {
				evil()
			}
			w.Intercept(nil)
			m := ask(t, v, "www.honest.", typeA, withDO)
			after := clock.Now().Sub(failed)
			if m.AuthenticatedData {
				t.Logf("others: %t: after %s", others, after)
				break
			}
			if after > maxFailureTTL {
				t.Errorf("others: %t: www.honest. still fails after %s", others, after)
				break
			}
		}
	}
}

// A name that is answered without proof does not end an outage, and what was not answered says
// nothing of what can be proven: that is refused for no longer than by itself. Nor is a name
// that fails alone refused until the end because it was the last to be asked again.
func TestAttackOutageAndOneName(t *testing.T) {
	for _, name := range []string{"www.plain.", "www.honest."} {
		w := newWorld(t, testzone.Spec{Name: "honest.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}}, testzone.Spec{Name: "plain.", Records: []string{"www A 192.0.2.1"}})
		v := newTestValidator(t, w, noSynthesis)
		clock := fakeClock(v)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == typeA && q.Question[0].Name == "www.plain." {
				return nil
			}
			return unsigned(a)
		})
		for range 8 {
			for _, n := range []string{"a.honest.", "b.honest.", "c.honest.", name} {
				ask(t, v, n, typeA, withDO)
			}
			clock.advance(5 * time.Second)
		}
		clock.advance(2 * time.Second)
		ask(t, v, name, typeA, withDO)
		w.Intercept(nil)
		clock.advance(maxFailureTTL)
		if m := ask(t, v, name, typeA, withDO); m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s", m)
		}
	}
}
