package validator

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestRenewal: keys that are in use are asked for again before they expire, so that no
// client waits for them. If that fails the old ones are used until they expire.
func TestRenewal(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "test.", Algorithm: dns.ED25519}, testzone.Spec{Name: "a.test.", Algorithm: dns.ED25519},
		testzone.Spec{Name: "b.a.test.", Algorithm: dns.ED25519, TTL: 100, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	now := fakeClock(v)
	askWhole(t, v, "www.b.a.test.", typeA, withDO)
	keys := func() int { return asked(w, "b.a.test.", dns.TypeDNSKEY) }
	renewed := func(want int) {
		t.Helper()
		for range 200 {
			if keys() == want {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatalf("the keys were asked for %d times, want %d", keys(), want)
	}
	now.advance(85 * time.Second)
	askWhole(t, v, "www.b.a.test.", typeA, withDO)
	renewed(1) // too early
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeDNSKEY {
			a.Rcode, a.Answer = dns.RcodeRefused, nil
		}
		return a
	})
	now.advance(6 * time.Second)
	for range 3 {
		if m := askWhole(t, v, "www.b.a.test.", typeA, withDO); !m.AuthenticatedData {
			t.Errorf("while it is renewed:\n%s", m)
		}
	}
	renewed(2) // once for three questions
	time.Sleep(20 * time.Millisecond)
	if m := askWhole(t, v, "www.b.a.test.", typeA, withDO); !m.AuthenticatedData {
		t.Errorf("after a renewal that failed:\n%s", m)
	}
	w.Intercept(nil)
	now.advance(10 * time.Second) // the keys have expired
	askWhole(t, v, "www.b.a.test.", typeA, withDO)
	renewed(3)
	now.advance(95 * time.Second)
	askWhole(t, v, "www.b.a.test.", typeA, withDO)
	renewed(4)
	w.ResetQuestions()
	now.advance(10 * time.Second)
	time.Sleep(20 * time.Millisecond)
	if m := askWhole(t, v, "www.b.a.test.", typeA, withDO); !m.AuthenticatedData || keys() != 0 {
		t.Errorf("%d questions for keys that were renewed:\n%s", keys(), m)
	}
}
