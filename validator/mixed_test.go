package validator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// manyZones is a world of n zones below test.
func manyZones(t *testing.T, n int) *testzone.World {
	t.Helper()
	specs := []testzone.Spec{{Name: "test.", Algorithm: p256}}
	for i := range n {
		specs = append(specs, testzone.Spec{Name: fmt.Sprintf("z%d.test.", i+1), Algorithm: p256, Denial: testzone.Denial(i % 2), Records: []string{"www A 192.0.2.1", "alias CNAME www"}})
	}
	return newWorld(t, specs...)
}

// strip removes the signatures of the responses to a question that are listed, counted from
// 1. Several questions may be given.
type strip map[testzone.Question][]int

func (s strip) from(w *testzone.World) {
	var mu sync.Mutex
	seen := make(map[testzone.Question]int)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		key := testzone.Question{Name: dns.CanonicalName(q.Question[0].Name), Type: q.Question[0].Qtype}
		mu.Lock()
		defer mu.Unlock()
		if seen[key]++; slices.Contains(s[key], seen[key]) {
			return unsigned(a)
		}
		return a
	})
}

// TestOnlyWhatFailedIsAskedAgain: what was proven of a zone stays proven while the rest is
// asked for again (RFC 4035, section 4.7: a validator "SHOULD ... retry" what failed).
func TestOnlyWhatFailedIsAskedAgain(t *testing.T) {
	ds, keys := testzone.Question{Name: "z1.test.", Type: dns.TypeDS}, testzone.Question{Name: "z1.test.", Type: dns.TypeDNSKEY}
	for _, tc := range []struct {
		what     string
		stripped strip
		ds, keys int // how often each is asked
		want     dnssec.Reason
	}{
		{what: "nothing", ds: 1, keys: 1},
		{what: "the first and third DS, the second DNSKEY", stripped: strip{ds: {1, 3}, keys: {2}}, ds: 2, keys: 1},
		{what: "two DS", stripped: strip{ds: {1, 2}}, ds: 3, keys: 1},
		{what: "two DNSKEY", stripped: strip{keys: {1, 2}}, ds: 1, keys: 3},
		{what: "two of each", stripped: strip{ds: {1, 2}, keys: {1, 2}}, ds: 3, keys: 3},
		{what: "all DS", stripped: strip{ds: {1, 2, 3}}, ds: 3, keys: 1, want: dnssec.SignatureMissing},
		{what: "all DNSKEY", stripped: strip{keys: {1, 2, 3}}, ds: 1, keys: 3, want: dnssec.SignatureMissing},
	} {
		w := manyZones(t, 1)
		tc.stripped.from(w)
		r := judgedWhole(t, newTestValidator(t, w), "www.z1.test.", dns.TypeA)
		if r.Reason != tc.want {
			t.Errorf("%s stripped: %s", tc.what, r)
		}
		if got, want := asked(w, ds.Name, ds.Type), tc.ds; got != want {
			t.Errorf("%s stripped: DS was asked for %d times, want %d", tc.what, got, want)
		}
		if got, want := asked(w, keys.Name, keys.Type), tc.keys; got != want {
			t.Errorf("%s stripped: DNSKEY was asked for %d times, want %d", tc.what, got, want)
		}
	}
}

// TestProvenDSOutlivesFailure: a DS set that was proven when the keys failed counts when they
// are asked for the next time, until it expires.
func TestProvenDSOutlivesFailure(t *testing.T) {
	w := manyZones(t, 1)
	v := newTestValidator(t, w)
	now := fakeClock(v)
	for _, tc := range []struct {
		after time.Duration
		ds    int
	}{{after: 0, ds: 1}, {after: time.Minute, ds: 0}, {after: 2 * time.Hour, ds: 1}} {
		now.advance(tc.after)
		intercept(w, testzone.Question{Name: "z1.test.", Type: dns.TypeDNSKEY}, unsigned)
		w.ResetQuestions()
		if m := askWhole(t, v, "www.z1.test.", dns.TypeA, withDO); m.Rcode != servfail || asked(w, "z1.test.", dns.TypeDS) != tc.ds {
			t.Errorf("%s later: DS was asked for %d times\n%s", tc.after, asked(w, "z1.test.", dns.TypeDS), m)
		}
	}
}

// TestDSThatDoesNotFit: if the keys match no DS either may be the old one, and both are asked
// for again. A DS set that does not come again does not replace one that did.
func TestDSThatDoesNotFit(t *testing.T) {
	ds, keys := testzone.Question{Name: "z1.test.", Type: dns.TypeDS}, testzone.Question{Name: "z1.test.", Type: dns.TypeDNSKEY}
	old, now := manyZones(t, 1), manyZones(t, 1) // the same zones with other keys
	for _, tc := range []struct {
		what      string
		old       strip // of these questions the first so many responses are stale
		stripped  strip
		want      dnssec.Reason
		dsAsked   int
		keysAsked int
	}{
		{what: "the DS", old: strip{ds: {1}}, dsAsked: 2, keysAsked: 2},
		{what: "the DNSKEY", old: strip{keys: {1}}, dsAsked: 2, keysAsked: 2},
		{what: "the DNSKEY, and the DS comes once", old: strip{keys: {1}}, stripped: strip{ds: {2, 3}}, dsAsked: 2, keysAsked: 2},
		{what: "the DS for good", old: strip{ds: {1, 2, 3}}, want: dnssec.DNSKEYNoDSMatch, dsAsked: 3, keysAsked: 3},
	} {
		var mu sync.Mutex
		seen := make(map[testzone.Question]int)
		now.Intercept(func(q, a *dns.Msg) *dns.Msg {
			key := testzone.Question{Name: q.Question[0].Name, Type: q.Question[0].Qtype}
			mu.Lock()
			defer mu.Unlock()
			seen[key]++
			if key == ds && slices.Contains(tc.old[key], seen[key]) { // signed by the present parent
				a.Answer = staleDS(t, now, old.Answer(q).Answer)
			}
			if key == keys && slices.Contains(tc.old[key], seen[key]) {
				a.Answer = old.Answer(q).Answer
			}
			if slices.Contains(tc.stripped[key], seen[key]) {
				return unsigned(a)
			}
			return a
		})
		now.ResetQuestions()
		if r := judged(t, newTestValidator(t, now), "www.z1.test.", dns.TypeA); r.Reason != tc.want {
			t.Errorf("%s is old: %s", tc.what, r)
		}
		if d, k := asked(now, ds.Name, ds.Type), asked(now, keys.Name, keys.Type); d != tc.dsAsked || k != tc.keysAsked {
			t.Errorf("%s is old: DS was asked for %d times and DNSKEY %d times", tc.what, d, k)
		}
	}
}

// staleDS signs a DS RRset of another world by the keys of test.
func staleDS(t *testing.T, w *testzone.World, answer []dns.RR) []dns.RR {
	t.Helper()
	zone := w.Zone("test.")
	present, _ := zone.RRset("z1.test.", dns.TypeDS)
	defer func() {
		if err := replaced(zone, present.RRs[0]); err != nil {
			t.Error(err)
		}
	}()
	if err := replaced(zone, answer[0]); err != nil {
		t.Error(err)
	}
	set, _ := zone.RRset("z1.test.", dns.TypeDS)
	return append(set.RRs, set.Sigs[0])
}

func replaced(zone *testzone.Zone, ds dns.RR) error {
	if err := zone.Replace(ds.String()); err != nil {
		return err
	}
	return zone.Resign("z1.test.", dns.TypeDS)
}

// TestStrippingUpstreamAmongGood: of two upstreams one strips signatures, and they are asked
// in turn or at random. All names resolve, at the latest when clients ask again.
func TestStrippingUpstreamAmongGood(t *testing.T) {
	const zones = 40
	w := manyZones(t, zones)
	for _, tc := range []struct {
		policy string
		bad    func(n int32) bool // whether the stripping one gets question n
		delay  time.Duration
	}{
		{policy: "round_robin", bad: func(n int32) bool { return n%2 == 0 }},
		{policy: "round_robin", bad: func(n int32) bool { return n%2 == 1 }},
		{policy: "round_robin", bad: func(n int32) bool { return n%2 == 1 }, delay: 2 * time.Millisecond},
		{policy: "random", bad: func(int32) bool { return rand.IntN(2) == 0 }},
	} {
		for _, parallel := range []bool{false, true} {
			var n atomic.Int32
			w.SetDelay(tc.delay)
			w.Intercept(func(q, a *dns.Msg) *dns.Msg {
				if tc.bad(n.Add(1)) {
					return unsigned(a)
				}
				return a
			})
			v := newTestValidator(t, w)
			clock := fakeClock(v)
			lost := namesOf(zones)
			for try := 0; try < 5 && len(lost) > 0; try++ { // of 1 s, 2 s, …
				lost = stillLost(v, lost, parallel)
				t.Logf("%s, delay %s, parallel %t: %d lost, %d questions", tc.policy, tc.delay, parallel, len(lost), n.Load())
				clock.advance(2 * time.Second)
			}
			if len(lost) > 0 {
				t.Errorf("%s, parallel %t: %q are lost", tc.policy, parallel, lost)
			}
		}
	}
}

// stillLost asks for names, and returns those that fail.
func stillLost(v *Validator, names []string, parallel bool) (failed []string) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, name := range names {
		one := func() {
			if m, _ := v.Resolve(context.Background(), newQuestion(name, dns.TypeA, withDO)); !m.AuthenticatedData {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, name)
			}
		}
		if parallel {
			all.Go(one)
		} else {
			one()
		}
	}
	all.Wait()
	return failed
}
