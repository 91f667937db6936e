package validator

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestRecovery: an upstream strips signatures for a while under load. A few questions a
// second go to it meanwhile, and all names resolve 5 s after it is well again, although
// failures are kept for longer (RFC 9520, section 3.2: caching a failure "SHOULD" back off,
// and "at least 1 second" is the least).
func TestRecovery(t *testing.T) {
	const zones, perSecond = 40, 20
	w := manyZones(t, zones)
	for _, tc := range []struct {
		what  string
		known []string      // before the outage
		lasts time.Duration // of the outage
		upset func(a *dns.Msg) *dns.Msg
	}{
		{what: "nothing is known", lasts: 20 * time.Second, upset: unsigned},
		{what: "nothing is known, long", lasts: 3 * time.Minute, upset: unsigned},
		{what: "the TLD is known", known: []string{"www.z1.test."}, lasts: 20 * time.Second, upset: unsigned},
		{what: "all zones are known", known: namesOf(zones), lasts: 20 * time.Second, upset: unsigned},
		{what: "all zones are known, long", known: namesOf(zones), lasts: 3 * time.Minute, upset: unsigned},
		{what: "forged", known: []string{"www.z1.test."}, lasts: 20 * time.Second, upset: forged},
	} {
		v := newTestValidator(t, w, noSynthesis)
		clock := fakeClock(v)
		w.Intercept(nil)
		for _, name := range tc.known {
			if m := askWhole(t, v, name, dns.TypeA, withDO); !m.AuthenticatedData {
				t.Fatalf("%s: %s", tc.what, m)
			}
		}
		well := clock.Now().Add(tc.lasts)
		w.Intercept(func(_, a *dns.Msg) *dns.Msg {
			if clock.Now().Before(well) {
				return tc.upset(a)
			}
			return a
		})
		w.ResetQuestions()
		var last time.Duration // after the end, that a name failed
		begun := 0             // questions in the first 5 s
		for i := range int((tc.lasts + 10*time.Second) / time.Second * perSecond) {
			if i == 5*perSecond {
				begun = askedInAll(w)
			}
			if !clock.Now().Before(well) && clock.Now().Add(-time.Second/perSecond).Before(well) {
				seconds := int(tc.lasts/time.Second) - 5
				t.Logf("%s: %d questions in the first 5 s, %d in %d s after", tc.what, begun, askedInAll(w)-begun, seconds)
				if n := askedInAll(w) - begun; n > 5*seconds {
					t.Errorf("%s: %d questions in %d s", tc.what, n, seconds)
				}
			}
			m := askWhole(t, v, fmt.Sprintf("www.z%d.test.", i%zones+1), dns.TypeA, withDO)
			if after := clock.Now().Sub(well); after >= 0 && !m.AuthenticatedData {
				last = after
			}
			clock.advance(time.Second / perSecond)
		}
		t.Logf("%s: the last name fails %s after the end", tc.what, last)
		if last > 5*time.Second {
			t.Errorf("%s: a name fails %s after the end", tc.what, last)
		}
	}
}

// forged changes the addresses and the keys of a response.
func forged(a *dns.Msg) *dns.Msg {
	for _, rr := range a.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			rr.A[3]++
		case *dns.DNSKEY:
			rr.Flags ^= 1
		}
	}
	return a
}

func namesOf(zones int) (names []string) {
	for i := range zones {
		names = append(names, fmt.Sprintf("www.z%d.test.", i+1))
	}
	return names
}

// TestBrokenNamesAreNoOutage: names that are broken for good are asked again as rarely as
// before as long as others resolve, and are refused while an upstream is bad.
func TestBrokenNamesAreNoOutage(t *testing.T) {
	w := manyZones(t, 10)
	var broken atomic.Int32
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Name != "www.z10.test." && q.Question[0].Qtype == dns.TypeA {
			broken.Add(1)
			return unsigned(a)
		}
		return a
	})
	v := newTestValidator(t, w, noSynthesis)
	clock := fakeClock(v)
	const seconds = 300
	for range seconds {
		for i := range 10 {
			name := fmt.Sprintf("www.z%d.test.", i+1)
			if m := askWhole(t, v, name, dns.TypeA, withDO); m.AuthenticatedData != (i == 9) {
				t.Fatalf("%s", m)
			}
		}
		clock.advance(time.Second)
	}
	if n := broken.Load(); n > 9*3*(5+seconds/30+10) {
		t.Errorf("names that are broken were asked for %d times in %d s", n, seconds)
	}
}

// TestInheritedFailureEnds: a failure that comes from a zone above ends with that of the zone.
func TestInheritedFailureEnds(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	clock := fakeClock(v)
	intercept(w, testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, lost)
	for range 4 { // the zone fails for 8 s now
		askWhole(t, v, "www.example.", dns.TypeA, withDO)
		clock.advance(8 * time.Second)
	}
	clock.advance(-2 * time.Second)
	for _, name := range []string{"www.csk.example.", "alias.example.", "no.example."} {
		if m := askWhole(t, v, name, dns.TypeA, withDO); m.Rcode != servfail {
			t.Errorf("%s", m)
		}
	}
	w.Intercept(nil)
	clock.advance(2 * time.Second)
	for _, name := range []string{"www.csk.example.", "alias.example.", "no.example.", "www.example."} {
		if m := askWhole(t, v, name, dns.TypeA, withDO); !m.AuthenticatedData {
			t.Errorf("when the failure of the zone ended:\n%s", m)
		}
	}
}

// TestRecoveryOfTheTrustAnchor: once its keys are proven, what failed with them is asked
// again, and a name that fails by itself once more is not refused for the 30 s of a failure in
// an outage (RFC 9520, section 3.2).
func TestRecoveryOfTheTrustAnchor(t *testing.T) {
	const zones = 5
	w := manyZones(t, zones)
	v := newTestValidator(t, w, noSynthesis)
	clock := fakeClock(v)
	for _, tc := range []struct {
		what  string
		upset func(q, a *dns.Msg) *dns.Msg
		lost  []string
	}{
		{what: "all fail", upset: func(_, a *dns.Msg) *dns.Msg { return unsigned(a) }, lost: namesOf(zones)},
		{what: "the first one fails", upset: func(q, a *dns.Msg) *dns.Msg {
			if q.Question[0].Name == "www.z1.test." {
				return unsigned(a)
			}
			return a
		}, lost: []string{"www.z1.test."}},
		{what: "none fails"},
	} {
		w.Intercept(tc.upset)
		if lost := stillLost(v, namesOf(zones), false); !slices.Equal(lost, tc.lost) {
			t.Errorf("%s: %q failed, want %q", tc.what, lost, tc.lost)
		}
		clock.advance(2500 * time.Millisecond)
	}
}

// TestProvenWhileKeptAsFailed: a question that failed a moment ago is answered from what has been
// proven of its name since, without a question (RFC 8198, section 5), and in an outage it is
// not taken for the probe, which such an answer would use up.
func TestProvenWhileKeptAsFailed(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"a A 192.0.2.1", "z A 192.0.2.1"}})
	v := newTestValidator(t, w)
	clock := fakeClock(v)
	lost := []string{"b.example.", "z.example.", "a.example."}
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == typeA {
			return unsigned(a)
		}
		return a
	})
	for _, name := range lost {
		if m := askWhole(t, v, name, typeA, withDO); m.Rcode != servfail {
			t.Fatalf("%s", m)
		}
	}
	clock.advance(probeEvery)
	w.Intercept(nil)
	before := asked(w, "b.example.", typeA)
	if m := askWhole(t, v, "c.example.", typeA, withDO); m.Rcode != dns.RcodeNameError || !m.AuthenticatedData {
		t.Fatalf("%s", m)
	}
	for _, name := range lost {
		if m := askWhole(t, v, name, typeA, withDO); !m.AuthenticatedData {
			t.Errorf("%s", m)
		}
	}
	if n := asked(w, "b.example.", typeA) - before; n != 0 {
		t.Errorf("b.example., which is proven not to exist, was asked for %d times", n)
	}
}

// TestUndecidedProbe: a probe that is answered as insecure neither ends the outage nor has other
// names wait for the next one.
func TestUndecidedProbe(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"a A 192.0.2.1", "b A 192.0.2.1"}},
		testzone.Spec{Name: "plain.", Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w, noSynthesis)
	clock := fakeClock(v)
	names := []string{"www.plain.", "a.example.", "b.example."}
	failures := func() (failed []string) {
		for _, name := range names {
			if m := askWhole(t, v, name, typeA, withDO); m.Rcode == servfail {
				failed = append(failed, name)
			}
		}
		return failed
	}
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeDNSKEY || q.Question[0].Name == "example." {
			return a
		}
		return unsigned(a)
	})
	if failed := failures(); len(failed) != len(names) {
		t.Fatalf("%q fail", failed)
	}
	clock.advance(probeEvery)
	w.Intercept(nil)
	if failed := failures(); len(failed) > 0 {
		t.Errorf("%q fail", failed)
	}
}

// TestEndedFailureIsNoOutage: a question that would have failed with the keys of the trust
// anchor a while ago, and was not asked, is not one of those that make an outage. RFC 9520,
// section 3.2, has a failure end, and what was not asked did not fail.
func TestEndedFailureIsNoOutage(t *testing.T) {
	const names = outageFrom
	w := manyZones(t, names)
	v := newTestValidator(t, w, noSynthesis)
	clock := fakeClock(v)
	w.Intercept(func(_, a *dns.Msg) *dns.Msg { return unsigned(a) })
	for _, name := range namesOf(names - 1) {
		if m := askWhole(t, v, name, dns.TypeA, withDO); m.Rcode != servfail {
			t.Fatalf("%s", m)
		}
		clock.advance(2500 * time.Millisecond) // the first failure of the keys ends, and they fail again
	}
	w.Intercept(nil)
	clock.advance(maxFailureTTL + time.Second)
	if m := askWhole(t, v, namesOf(names)[names-1], dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("when all failures had ended:\n%s", m)
	}
}
