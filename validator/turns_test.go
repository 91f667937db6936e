package validator

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestTurns: each of many computations at once gets its own result, and no more run at a
// time than there are workers.
func TestTurns(t *testing.T) {
	const workers, clients = 3, 200
	turns := newTurns(workers, clients, time.Minute)
	var wg sync.WaitGroup
	var running, most atomic.Int32
	for i := range clients {
		wg.Go(func() {
			good, ok := turns.Do(func() bool {
				now := running.Add(1)
				for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
				}
				runtime.Gosched()
				running.Add(-1)
				return i%3 == 0
			})
			if !ok || good != (i%3 == 0) {
				t.Errorf("computation %d: %v, %v", i, good, ok)
			}
		})
	}
	wg.Wait()
	if most.Load() > workers || turns.waiting.Load() != 0 {
		t.Errorf("%d computations at a time, %d wait at the end", most.Load(), turns.waiting.Load())
	}
}

// TestTurnsPanic: the caller gets the panic of a step, and the worker goes on.
func TestTurnsPanic(t *testing.T) {
	turns := newTurns(1, 1, time.Minute)
	for range 3 {
		func() {
			defer func() {
				if p := recover(); p != "broken" {
					t.Errorf("recovered %v", p)
				}
			}()
			turns.Do(func() bool { panic("broken") })
		}()
	}
	if good, ok := turns.Do(func() bool { return true }); !good || !ok {
		t.Error("the worker is gone")
	}
}

// TestTurnsRefused: the number of computations that wait and their time are bounded. A
// computation that is refused is not made.
func TestTurnsRefused(t *testing.T) {
	never := func() bool { t.Error("it was computed"); return true }
	for name, turns := range map[string]*turns{"none may wait": newTurns(0, 0, time.Minute), "for a moment": newTurns(0, 1, time.Millisecond)} {
		if good, ok := turns.Do(never); good || ok || turns.waiting.Load() != 0 {
			t.Errorf("%s: %v, %v, %d wait", name, good, ok, turns.waiting.Load())
		}
	}
	turns := newTurns(0, 1, time.Minute)
	done := make(chan bool)
	go func() {
		_, ok := turns.Do(func() bool { return true })
		done <- ok
	}()
	for turns.waiting.Load() == 0 {
		runtime.Gosched()
	}
	if _, ok := turns.Do(never); ok {
		t.Error("one too many waits")
	}
	go turns.work()
	if !<-done {
		t.Error("the computation that waited was refused")
	}
}

// overloaded returns turns that refuse every computation.
func overloaded() *turns { return newTurns(0, 0, time.Minute) }

// TestOverloaded: "more is asked than the processors can judge": the answer is SERVFAIL with that reason.
// Neither the zone nor the name is kept as failed, so that the next query is judged as
// usual.
func TestOverloaded(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	v.turns = overloaded()
	for range 3 {
		m, r := v.Resolve(t.Context(), newQuestion("www.example.", dns.TypeA, withDO))
		if r.Status != dnssec.Bogus || r.Reason != dnssec.Overloaded || r.Repeated || m.Rcode != servfail || len(m.Answer) > 0 || edeOf(m) != dns.ExtendedErrorCodeOther || !strings.HasPrefix(testzone.ExtendedError(m).ExtraText, "overloaded: ") {
			t.Errorf("%s", m)
		}
	}
	if v.cache.failed.Len() > 0 || v.cache.cuts.Len() > 0 {
		t.Errorf("kept: %v, %v", v.cache.failed.Keys(), v.cache.cuts.Keys())
	}
	v.turns = allTurns()
	if m := ask(t, v, "www.example.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("with a turn:\n%s", m)
	}
	reporting := newTestValidator(t, w, reportOnly)
	reporting.turns = overloaded()
	if m := ask(t, reporting, "www.example.", dns.TypeA, withDO); m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 || m.AuthenticatedData {
		t.Errorf("only reporting:\n%s", m)
	}
}

// TestOverloadedByHashes: NSEC3 hashes with iterations wait for their turn, too.
func TestOverloadedByHashes(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 20, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w, noSynthesis)
	if r := judged(t, v, "no.example.", dns.TypeA); r.Status != dnssec.Secure {
		t.Fatal(r)
	}
	v.turns = overloaded() // all signatures are in the cache
	if r := judged(t, v, "no.example.", dns.TypeA); r.Reason != dnssec.Overloaded {
		t.Errorf("%v", r)
	}
}

// TestSlowUpstreamHasNoTurn: a query that waits for an upstream takes no turn.
func TestSlowUpstreamHasNoTurn(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	v.turns = newTurns(1, 100, time.Minute)
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

// TestCrowdInTurn: with one worker all of many clients are answered.
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
