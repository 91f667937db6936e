package validator

import (
	"context"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestFailureKept: failures are kept for 1 s, each time longer, to 30 s (RFC 9520, section
// 3.2). After that a zone that has recovered is answered.
func TestFailureKept(t *testing.T) {
	for _, tc := range []struct {
		what string
		q    testzone.Question
		f    func(*dns.Msg) *dns.Msg
	}{
		{what: "answer without signature", q: wwwA, f: unsigned},
		{what: "keys that are lost", q: testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, f: lost},
	} {
		w := exampleWorld(t)
		v := newTestValidator(t, w)
		now := fakeClock(v)
		intercept(w, tc.q, tc.f)
		for i, kept := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			w.ResetQuestions()
			if m := ask(t, v, "www.example.", dns.TypeA, withDO); m.Rcode != servfail || askedInAll(w) == 0 {
				t.Errorf("%s, failure %d: %d questions\n%s", tc.what, i, askedInAll(w), m)
			}
			w.ResetQuestions()
			now.advance(kept*time.Second - time.Millisecond)
			if m := ask(t, v, "www.example.", dns.TypeA, withDO); m.Rcode != servfail || askedInAll(w) > 0 {
				t.Errorf("%s, failure %d, almost %d s after: %v was asked\n%s", tc.what, i, kept, w.Questions(), m)
			}
			now.advance(time.Millisecond)
		}
		w.Intercept(nil)
		if m := ask(t, v, "www.example.", dns.TypeA, withDO); !m.AuthenticatedData {
			t.Errorf("%s, recovered:\n%s", tc.what, m)
		}
	}
}

// TestFailureOfOthers: a failing zone is not asked again for each name below it.
func TestFailureOfOthers(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	fakeClock(v)
	keys := testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}
	intercept(w, keys, lost)
	ask(t, v, "www.example.", dns.TypeA, withDO)
	w.ResetQuestions()
	for _, name := range []string{"alias.example.", "a.b.ent.example.", "no.example."} {
		if m := ask(t, v, name, dns.TypeA, withDO); m.Rcode != servfail {
			t.Errorf("%s:\n%s", name, m)
		}
	}
	if n := w.Questions()[keys]; n > 0 {
		t.Errorf("the keys were asked for %d times", n)
	}
}

// TestNoAnswerInTime: if the upstream does not answer the first client waits. The next ones
// are answered at once, for a second.
func TestNoAnswerInTime(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	v.exchanger = ExchangerFunc(func(ctx context.Context, request *dns.Msg, how Manner) (*dns.Msg, error) {
		if request.Question[0].Qtype == dns.TypeDNSKEY && request.Question[0].Name == "csk.example." {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return resolver{w}.Exchange(ctx, request, how)
	})
	for i, name := range []string{"www.csk.example.", "www.csk.example.", "alias.csk.example."} {
		start := time.Now()
		m := ask(t, v, name, dns.TypeA, withDO)
		took := time.Since(start)
		if m.Rcode != servfail || edeOf(m) != dns.ExtendedErrorCodeNoReachableAuthority || took > Patience+time.Second || i > 0 && took > Patience/2 {
			t.Errorf("%s after %s:\n%s", name, took, m)
		}
		time.Sleep(20 * time.Millisecond) // for questions that were asked ahead
	}
}

// TestCancelled: that a client gives up does not fail others that wait for the same zone.
func TestCancelled(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256},
		testzone.Spec{Name: "deep.down.example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www A 192.0.2.1", "ftp A 192.0.2.2"}})
	v := newTestValidator(t, w)
	fakeClock(v)
	arrived, release := make(chan bool, 10), make(chan bool)
	intercept(w, testzone.Question{Name: "deep.down.example.", Type: dns.TypeDS}, func(a *dns.Msg) *dns.Msg {
		arrived <- true
		<-release
		return a
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = v.Resolve(ctx, newQuestion("www.deep.down.example.", dns.TypeA, withDO))
	}()
	<-arrived
	replies := make(chan *dns.Msg, 3)
	for range cap(replies) {
		go func() { replies <- ask(t, v, "ftp.deep.down.example.", dns.TypeA, withDO) }()
	}
	for asked(w, "ftp.deep.down.example.", dns.TypeA) < cap(replies) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // until they wait for the zone
	cancel()
	<-done
	close(release)
	for range cap(replies) {
		if m := <-replies; !m.AuthenticatedData {
			t.Errorf("while another client gave up:\n%s", m)
		}
	}
	if m := ask(t, v, "www.deep.down.example.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("after a client that gave up:\n%s", m)
	}
}

// TestUnansweredIsKept: a question that was not answered is not asked again for a moment
// (RFC 9520, section 3.1).
func TestUnansweredIsKept(t *testing.T) {
	w := newWorld(t, calm())
	v := newTestValidator(t, w)
	now := fakeClock(v)
	ask(t, v, "h0.calm.", dns.TypeA, withDO)
	intercept(w, testzone.Question{Name: "h1.calm.", Type: dns.TypeA}, lost)
	for i, kept := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		for range 3 {
			w.ResetQuestions()
			m := ask(t, v, "h1.calm.", dns.TypeA, withDO)
			if n := asked(w, "h1.calm.", dns.TypeA); m.Rcode != servfail || edeOf(m) != dns.ExtendedErrorCodeNoReachableAuthority || n > 1 {
				t.Errorf("failure %d: asked %d times\n%s", i, n, m)
			}
		}
		if finding, until, _ := v.cache.failure(question{"h1.calm.", dns.TypeA}); !now.Now().Before(until) || finding.Reason != dnssec.AnswerUnavailable {
			t.Errorf("failure %d: kept %v until %v", i, finding, until)
		}
		now.advance(kept * time.Second)
	}
	w.Intercept(nil)
	if m := ask(t, v, "h1.calm.", dns.TypeA, withDO); !m.AuthenticatedData {
		t.Errorf("when it answers:\n%s", m)
	}
}
