package dnssecval

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// off is a world that can be switched off: then it answers nothing, and counts.
type off struct {
	*testzone.World
	dead atomic.Bool
	slow time.Duration // until a question is given up

	mu    sync.Mutex
	asked map[testzone.Question]int
}

func switchable(t *testing.T, v *Validator, w *testzone.World) *off {
	t.Helper()
	o := &off{World: w, asked: make(map[testzone.Question]int)}
	v.Next, v.routes.Own.Stanzas[0].Handler = o, o
	upstreamOf(v.routes.Own.Stanzas[0]).returned = v.cache.forgetUnavailable
	return o
}

func (o *off) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if !o.dead.Load() {
		return o.World.ServeDNS(ctx, w, r)
	}
	o.mu.Lock()
	o.asked[testzone.Question{Name: r.Question[0].Name, Type: r.Question[0].Qtype}]++
	o.mu.Unlock()
	select {
	case <-time.After(o.slow):
	case <-ctx.Done():
	}
	return servfail, errors.New("i/o timeout")
}

// counts returns the questions in all, and the most for one that is no probe.
func (o *off) counts() (all, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for q, n := range o.asked {
		if all += n; q != (testzone.Question{Name: ".", Type: dns.TypeSOA}) {
			most = max(most, n)
		}
	}
	return all, most
}

// TestDeadUpstreamIsLeftAlone: one that does not answer gets one question of a name and
// type, which forward asks twice, and two questions a second in all as soon as it is known,
// however many clients there are. These are told soon. When it answers again so does the
// validator.
func TestDeadUpstreamIsLeftAlone(t *testing.T) {
	for _, slow := range []time.Duration{0, 100 * time.Millisecond} {
		w := newWorld(t, calm())
		v := newTestValidator(t, w)
		o := switchable(t, v, w)
		o.slow = slow
		outer := newExplainer(v, v)
		o.dead.Store(true)

		const clients, rounds = 20, 5
		var waited [rounds]time.Duration
		start := time.Now()
		for round := range rounds {
			begin := time.Now()
			var all sync.WaitGroup
			for i := range clients {
				all.Go(func() {
					name, qtype := calmQuestion(round/2*clients + i)
					m := ask(t, outer, name, qtype, withDO)
					if m.Rcode != servfail || edeOf(m) != dns.ExtendedErrorCodeNoReachableAuthority {
						t.Errorf("%s", m)
					}
				})
			}
			all.Wait()
			waited[round] = time.Since(begin)
			time.Sleep(300 * time.Millisecond)
		}
		seconds := int(time.Since(start)/time.Second) + 1
		all, most := o.counts()
		t.Logf("given up after %v: %d questions in %d s, %d at most for one; clients waited %v", slow, all, seconds, most, waited)
		known := 3*clients + 3 // at most when the first is given up: the names, and what might be zones
		if slow == 0 {
			known = silentAfter
		}
		if most > 2 || all > known+2*seconds {
			t.Errorf("given up after %v: %d questions in %d s, %d for one", slow, all, seconds, most)
		}
		slices.Sort(waited[:]) // a round may be slow because the machine is
		if waited[rounds/2] > slow+probeTime+200*time.Millisecond || waited[rounds-1] > patience {
			t.Errorf("given up after %v: clients waited %v", slow, waited)
		}
		o.dead.Store(false)
		time.Sleep(probeInterval)
		for i := range clients {
			name, qtype := calmQuestion(i)
			if m := ask(t, outer, name, qtype, withDO); !m.AuthenticatedData {
				t.Errorf("when it is back:\n%s", m)
			}
		}
	}
}

// TestSilence: the state of an upstream, step by step.
func TestSilence(t *testing.T) {
	var u upstream
	returned := 0
	u.returned = func() { returned++ }
	probed := make(chan bool, 10)
	admit := func(ctx context.Context) bool { return u.admit(ctx, func() { probed <- true }) }
	for i := range silentAfter {
		if !admit(t.Context()) || u.silent() {
			t.Fatalf("silent after %d questions", i)
		}
		u.noteSilence(time.Now(), errors.New("refused"))
	}
	if !u.silent() || admit(t.Context()) || len(probed) != 1 {
		t.Errorf("a silent upstream gets clients' questions, or %d probes", len(probed))
	}
	if err := u.silence(); !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("it is told as %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if admit(gone) || len(probed) != 1 {
		t.Error("a silent upstream is probed at once again")
	}
	u.probed = time.Now()
	waits := make(chan bool)
	go func() { waits <- admit(t.Context()) }()
	time.Sleep(10 * time.Millisecond)
	u.noteAnswer()
	if !<-waits || u.silent() || returned != 1 {
		t.Error("who waited is not let through when there is an answer")
	}
	u.noteAnswer()
	if returned != 1 {
		t.Error("it returned twice")
	}
	asked := time.Now().Add(-time.Second)
	for range 10 * silentAfter {
		u.noteSilence(asked, errors.New("refused"))
	}
	if u.silent() {
		t.Error("questions that were asked before the last answer make it silent")
	}
}

// TestSilenceByNames: names that nobody answers for, however many a client asks for, do
// not keep others from being answered, not even while nothing else is asked.
func TestSilenceByNames(t *testing.T) {
	w := newWorld(t, calm())
	v := newTestValidator(t, w)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "never") {
			return nil
		}
		return a
	})
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 4 {
		flood.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					ask(t, v, fmt.Sprintf("never%d-%d.calm.", i, n), dns.TypeA, withDO)
				}
			}
		})
	}
	for i := range 20 {
		time.Sleep(20 * time.Millisecond)
		if m := ask(t, v, fmt.Sprintf("h%d.calm.", i), dns.TypeA, withDO); !m.AuthenticatedData {
			t.Errorf("%s", m)
		}
	}
	close(stop)
	flood.Wait()
}

// TestSilenceOfOneStanza: that one upstream is dead is nothing to those of other stanzas,
// and what is not asked because there is too much under way says nothing of an upstream.
func TestSilenceOfOneStanza(t *testing.T) {
	w := newWorld(t, calm(), testzone.Spec{Name: "corp.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	v.routes.Own.Stanzas = slices.Insert(v.routes.Own.Stanzas, 0, forward("corp.", w))
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		parents := q.Question[0].Qtype == dns.TypeDS && q.Question[0].Name == "corp."
		if dns.IsSubDomain("corp.", q.Question[0].Name) && !parents {
			return nil
		}
		return a
	})
	for i := range 2 * silentAfter {
		ask(t, v, fmt.Sprintf("www%d.corp.", i), dns.TypeA, withDO)
	}
	if !upstreamOf(v.routes.Own.Stanzas[0]).silent() || upstreamOf(v.routes.Own.Stanzas[1]).silent() {
		t.Errorf("corp. is silent: %v, the root: %v", upstreamOf(v.routes.Own.Stanzas[0]).silent(), upstreamOf(v.routes.Own.Stanzas[1]).silent())
	}
	if m := ask(t, v, "h1.calm.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("%s", m)
	}
	full := handlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
		return dns.RcodeRefused, errors.New("concurrent queries exceeded maximum")
	})
	var u upstream
	for range 2 * silentAfter {
		_, _ = watched{full, &u, "."}.ServeDNS(t.Context(), new(client), newQuestion("www.", dns.TypeA, withDO))
	}
	if u.silent() {
		t.Error("a full forward counts as a dead upstream")
	}
}
