package dnssecval

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestTurns: no more compute at once than there are places, all who wait get theirs, and
// who finds too many waiting does not wait.
func TestTurns(t *testing.T) {
	const places, most = 3, 20
	turns := newTurns(places, most, time.Minute)
	var at, peak, refused atomic.Int32
	var all sync.WaitGroup
	for range places + most {
		all.Go(func() {
			if !turns.Take() {
				refused.Add(1)
				return
			}
			defer turns.Give()
			for now := at.Add(1); ; {
				before := peak.Load()
				if now <= before || peak.CompareAndSwap(before, now) {
					break
				}
			}
			time.Sleep(time.Millisecond)
			at.Add(-1)
		})
	}
	all.Wait()
	if peak.Load() > places || refused.Load() > 0 {
		t.Errorf("%d at once, %d refused", peak.Load(), refused.Load())
	}
	if turns.waiting.Load() != 0 || len(turns.places) != 0 {
		t.Errorf("%d wait and %d have a turn at the end", turns.waiting.Load(), len(turns.places))
	}
}

// TestTurnsRefused: neither more than so many wait, nor any of them for longer than so.
func TestTurnsRefused(t *testing.T) {
	turns := newTurns(1, 0, time.Minute)
	if !turns.Take() {
		t.Fatal("no turn for the first")
	}
	if turns.Take() {
		t.Error("a turn for the second, though none may wait")
	}
	turns.most, turns.longest = 1, time.Millisecond
	if turns.Take() {
		t.Error("a turn for the second, though the first has it")
	}
	turns.Give()
	if !turns.Take() || turns.waiting.Load() != 0 {
		t.Error("no turn when it is free again")
	}
}

// busy makes a validator whose only place is taken, and that nobody may wait for.
func busy(t *testing.T, w *testzone.World, lines ...string) *Validator {
	t.Helper()
	v := newTestValidator(t, w, lines...)
	v.turns = newTurns(1, 0, time.Minute)
	v.turns.Take()
	return v
}

// TestOverloaded: "more is asked than the processors can judge": what there is no turn for is answered SERVFAIL with its reason, and the
// next one is judged as if nothing had been: neither the zone nor the name is remembered
// as failed, and CoreDNS's cache gets nothing to keep.
func TestOverloaded(t *testing.T) {
	w := exampleWorld(t)
	v := busy(t, w)
	subsystem := ownMetrics(v)
	inner := plugin.Handler(v)
	var written int
	caching := handlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
		caught := &catcher{ResponseWriter: rw}
		rcode, err := inner.ServeDNS(ctx, caught, r)
		if caught.msg != nil {
			written++
			_ = rw.WriteMsg(caught.msg)
		}
		return rcode, err
	})
	outer := newExplainer(v, caching)
	for range 3 {
		m := ask(t, outer, "www.example.", dns.TypeA, withDO)
		if m.Rcode != servfail || len(m.Answer) > 0 || edeOf(m) != dns.ExtendedErrorCodeOther || !strings.HasPrefix(extendedError(m).ExtraText, "overloaded: ") {
			t.Errorf("%s", m)
		}
	}
	if written > 0 {
		t.Error("the answer went through the cache")
	}
	if n := sum(t, subsystem, "failures_total", "overloaded"); n != 3 {
		t.Errorf("%.0f failures were counted", n)
	}
	if v.cache.failed.Len() > 0 || v.cache.cuts.Len() > 0 {
		t.Errorf("kept: %v, %v", v.cache.failed.Keys(), v.cache.cuts.Keys())
	}
	v.turns = allTurns
	if m := ask(t, outer, "www.example.", dns.TypeA, withDO); !m.AuthenticatedData || written != 1 {
		t.Errorf("with a turn:\n%s", m)
	}
	if m := ask(t, busy(t, w, "insecure"), "www.example.", dns.TypeA, withDO); m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 || m.AuthenticatedData {
		t.Errorf("only reporting:\n%s", m)
	}
}

// TestOverloadedByHashes: NSEC3 hashes with iterations are computed in turn, too.
func TestOverloadedByHashes(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 20, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	v.turns = newTurns(1, 0, time.Minute)
	if r := judged(t, v, "no.example.", dns.TypeA); r.Status != dnssec.Secure {
		t.Fatal(r)
	}
	v.turns.Take() // all signatures are known now
	if r := judged(t, v, "no.example.", dns.TypeA); r.Reason != dnssec.Overloaded {
		t.Errorf("%v", r)
	}
}

// TestSlowUpstreamHasNoTurn: who waits for an upstream is in nobody's way.
func TestSlowUpstreamHasNoTurn(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	v.turns = newTurns(1, 0, time.Minute)
	arrived, release := make(chan bool, 100), make(chan bool)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if strings.HasSuffix(q.Question[0].Name, "csk.example.") {
			arrived <- true
			<-release
		}
		return a
	})
	ask(t, v, ".", dns.TypeSOA, withDO)
	slow := make(chan *dns.Msg)
	go func() { slow <- ask(t, v, "www.csk.example.", dns.TypeA, withDO) }()
	<-arrived
	if m := ask(t, v, "www.example.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("beside a slow one:\n%s", m)
	}
	close(release)
	if m := <-slow; !m.AuthenticatedData {
		t.Errorf("the slow one:\n%s", m)
	}
}

// TestCrowdInTurn: many clients at once, with one place: all are answered.
func TestCrowdInTurn(t *testing.T) {
	w := newWorld(t, calm())
	v := newTestValidator(t, w)
	v.turns = newTurns(1, 2*calmNames, time.Minute)
	var all sync.WaitGroup
	for i := range calmNames {
		all.Go(func() {
			name, qtype := calmQuestion(i)
			if m := ask(t, v, name, qtype, withDO); !m.AuthenticatedData {
				t.Errorf("%s", m)
			}
		})
	}
	all.Wait()
}
