package validator

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestFlights: however many clients wait, each question of the chain is asked once. The
// world answers when all clients have asked, and the questions of the chain so late that
// all clients wait for them.
func TestFlights(t *testing.T) {
	const clients = 50
	for _, tc := range []struct {
		what string
		name func(i int) string
	}{
		{what: "one name", name: func(int) string { return "www.nsec3.test." }},
		{what: "many names of a zone", name: func(i int) string { return fmt.Sprintf("x%d.wild.nsec3.test.", i) }},
		{what: "an unsigned zone", name: func(int) string { return "www.unsigned.nsec3.test." }},
	} {
		w := newWorld(t, richSpecs()...)
		var arrived sync.WaitGroup
		arrived.Add(clients)
		w.Intercept(func(q, a *dns.Msg) *dns.Msg {
			qtype := q.Question[0].Qtype
			if qtype == dns.TypeA {
				arrived.Done()
			}
			arrived.Wait()
			if qtype != dns.TypeA {
				time.Sleep(400 * time.Millisecond)
			}
			return a
		})
		v := newTestValidator(t, w)
		done := make(chan *dns.Msg)
		for i := range clients {
			go func() { done <- ask(t, v, tc.name(i), dns.TypeA, withDO) }()
		}
		for range clients {
			if m := <-done; m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 {
				t.Errorf("%s:\n%s", tc.what, m)
			}
		}
		for q, n := range w.Questions() {
			if (q.Type == dns.TypeDS || q.Type == dns.TypeDNSKEY) && n > 1 {
				t.Errorf("%s: %s %s was asked %d times", tc.what, q.Name, dns.Type(q.Type), n)
			}
		}
	}
}

// roundTrips measures how many round trips a name takes. It returns the fewest of some
// tries, since the machine may be busy.
func roundTrips(t *testing.T, w *testzone.World, name string, enough float64, known ...string) float64 {
	t.Helper()
	const delay = 40 * time.Millisecond
	best := 1000.0
	for try := 0; try < 8 && best > enough; try++ {
		w.SetDelay(0)
		v := newTestValidator(t, w)
		for _, k := range known {
			ask(t, v, k, dns.TypeA, withDO)
		}
		w.SetDelay(delay)
		start := time.Now()
		if m := ask(t, v, name, dns.TypeA, withDO); len(m.Answer) == 0 {
			t.Errorf("%s:\n%s", name, m)
		}
		best = min(best, float64(time.Since(start))/float64(delay))
	}
	return best
}

// TestRoundTrips: the questions of the chain are asked at once, not in turn.
func TestRoundTrips(t *testing.T) {
	w := newWorld(t, append(richSpecs(), testzone.Spec{Name: "deep.down.nsec3.test.", Algorithm: dns.ECDSAP256SHA256, Records: richRecords})...)
	for _, tc := range []struct {
		what, name string
		known      []string
		most       float64
	}{
		{what: "all known", name: "www.nsec3.test.", known: []string{"alias.nsec3.test."}, most: 1},
		{what: "cold", name: "www.nsec3.test.", most: 1},
		{what: "cold, zone of four labels", name: "www.deep.down.nsec3.test.", most: 2},
		{what: "new TLD", name: "www.nsec3.test.", known: []string{"www.example."}, most: 1},
		{what: "known TLD", name: "www.nsec3.test.", known: []string{"www.test."}, most: 1},
		{what: "alias into a signed zone of a new TLD", name: "across.test.", known: []string{"www.test."}, most: 2},
		{what: "unsigned, cold", name: "www.unsigned.example.", most: 1},
		{what: "unsigned, known TLD", name: "www.unsigned.example.", known: []string{"www.example."}, most: 1},
		{what: "unsigned, known", name: "www.unsigned.example.", known: []string{"alias.unsigned.example."}, most: 1},
		{what: "opt-out, known TLD", name: "www.unsigned.test.", known: []string{"www.test."}, most: 1},
	} {
		if got := roundTrips(t, w, tc.name, tc.most+0.6, tc.known...); got > tc.most+0.6 {
			t.Errorf("%s, %s: %.1f round trips, want %.0f", tc.name, tc.what, got, tc.most)
		}
	}
}

// TestQuestionsOfTheChain counts the questions for a name: nothing that is known is asked.
func TestQuestionsOfTheChain(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	v := newTestValidator(t, w)
	for _, tc := range []struct {
		name string
		most int
	}{
		{name: "www.nsec3.test.", most: 6}, // itself, three DNSKEY and two DS
		{name: "www.nsec3.test.", most: 1},
		{name: "no.nsec3.test.", most: 1},
		{name: "x.wild.nsec3.test.", most: 1},
		{name: "www.test.", most: 3},    // itself, a DS and a DNSKEY: there might be a signed zone
		{name: "across.test.", most: 7}, // the same, and those of csk.example.
	} {
		w.ResetQuestions()
		ask(t, v, tc.name, dns.TypeA, withDO)
		time.Sleep(5 * time.Millisecond) // for questions that were asked ahead
		if n := askedInAll(w); n > tc.most {
			t.Errorf("%s: %v, want %d questions", tc.name, w.Questions(), tc.most)
		}
	}
}

// TestLongNames: names with as many labels as those in ip6.arpa.
func TestLongNames(t *testing.T) {
	const network = "8.b.d.0.1.0.0.2.ip6.arpa." // 2001:db8::/32
	const site, lan = "1.0.0.0." + network, "2.0.0.0.1.0.0.0." + network
	const host = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
	p256 := dns.ECDSAP256SHA256
	ptr := []string{host + " PTR host.example."}
	w := newWorld(t,
		testzone.Spec{Name: "arpa.", Algorithm: p256}, testzone.Spec{Name: "ip6.arpa.", Algorithm: p256},
		testzone.Spec{Name: network, Algorithm: p256, Denial: testzone.NSEC3, Records: []string{host + ".4.0.0.0.1.0.0.0 PTR host.example."}},
		testzone.Spec{Name: lan, Records: ptr},
		testzone.Spec{Name: "3.0.0.0." + site, Algorithm: p256, Records: ptr},
	)
	for _, tc := range []struct {
		name   string
		secure bool
	}{
		{name: host + ".4.0.0.0.1.0.0.0." + network, secure: true},
		{name: host + ".3.0.0.0." + site, secure: true},
		{name: host + "." + lan, secure: false},
	} {
		w.ResetQuestions()
		m := ask(t, newTestValidator(t, w), tc.name, dns.TypePTR, withDO)
		if m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 || m.AuthenticatedData != tc.secure {
			t.Errorf("%s", m)
		}
		if n := askedInAll(w); n > 1+maxQuestions {
			t.Errorf("%s: %d questions", tc.name, n)
		}
	}
}

// TestKeysExpire: keys are used until their TTL ends, or their signature expires.
func TestKeysExpire(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	now := fakeClock(v)
	keys := testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}
	for _, tc := range []struct {
		after  time.Duration
		asked  bool
		secure bool
	}{
		{after: 0, asked: true, secure: true},
		{after: 3200 * time.Second, asked: false, secure: true}, // too early for a renewal
		{after: 401 * time.Second, asked: true, secure: true},
		{after: 17 * 24 * time.Hour, asked: true, secure: false}, // the signatures have expired
	} {
		now.advance(tc.after)
		w.ResetQuestions()
		m := ask(t, v, "www.example.", dns.TypeA, withDO)
		if m.AuthenticatedData != tc.secure || w.Questions()[keys] > 0 != tc.asked {
			t.Errorf("%s later: %v\n%s", tc.after, w.Questions(), m)
		}
	}
}

// TestCapacity: the caches are bounded, and what was evicted is asked for again.
func TestCapacity(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	v := newTestValidator(t, w, capacity(3))
	breakZone(t, w, "csk.example.", testzone.DropAllSignatures())
	for range 2 {
		for _, zone := range slices.Concat(secureZones(), []string{"unsigned.example.", "unsigned.test."}) {
			for _, name := range []string{"www.", "no.", "x.wild."} {
				m := ask(t, v, name+zone, dns.TypeA, withDO)
				if secure := zone != "csk.example." && zone[:3] != "uns"; m.AuthenticatedData != secure {
					t.Errorf("%s%s:\n%s", name, zone, m)
				}
				if a, b, c := v.cache.cuts.Len(), v.cache.verdicts.Len(), v.cache.failed.Len(); a > 3 || b > 12 || c > 3 {
					t.Fatalf("%d zones, %d signatures and %d failures are kept", a, b, c)
				}
			}
		}
	}
}
