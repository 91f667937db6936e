package dnssecval

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

var wwwA = testzone.Question{Name: "www.example.", Type: dns.TypeA}

func exampleWorld(t *testing.T) *testzone.World {
	t.Helper()
	return newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: append([]string{"txt TXT big"}, richRecords...)},
		testzone.Spec{Name: "unsigned.example.", Records: richRecords},
		testzone.Spec{Name: "csk.example.", Algorithm: dns.ECDSAP256SHA256, Records: richRecords},
	)
}

// times has f change the first n answers to a question.
func times(w *testzone.World, n int, q testzone.Question, f func(a *dns.Msg) *dns.Msg) {
	var mu sync.Mutex
	intercept(w, q, func(a *dns.Msg) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 {
			return a
		}
		n--
		return f(a)
	})
}

func lost(*dns.Msg) *dns.Msg { return nil }

func failed(a *dns.Msg) *dns.Msg {
	a.Rcode, a.Answer, a.Ns = servfail, nil, nil
	return a
}

func refused(a *dns.Msg) *dns.Msg {
	a.Rcode, a.Answer, a.Ns = dns.RcodeRefused, nil, nil
	return a
}

func truncated(a *dns.Msg) *dns.Msg {
	a.Truncated, a.Answer, a.Ns = true, nil, nil
	return a
}

// TestSignaturesLeftOut: an upstream that leaves them out now and then is asked again.
func TestSignaturesLeftOut(t *testing.T) {
	w := exampleWorld(t)
	for n := range 5 {
		v := newTestValidator(t, w)
		times(w, n, wwwA, unsigned)
		w.ResetQuestions()
		m := ask(t, newExplainer(v, v), "www.example.", dns.TypeA, withDO)
		if got, want := asked(w, "www.example.", dns.TypeA), min(n+1, 3); got != want {
			t.Errorf("left out %d times: asked %d times, want %d", n, got, want)
		}
		if secure := n < 3; m.AuthenticatedData != secure || !secure && (m.Rcode != servfail || edeOf(m) != ede10) {
			t.Errorf("left out %d times:\n%s", n, m)
		}
	}
}

// transport records over what a question came.
func transport(t *testing.T, w *testzone.World, v *Validator, q testzone.Question) *[]string {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	h := handlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Name == q.Name && r.Question[0].Qtype == q.Type {
			mu.Lock()
			seen = append(seen, rw.RemoteAddr().Network())
			mu.Unlock()
		}
		return w.ServeDNS(ctx, rw, r)
	})
	v.Next, v.routes.Own.Stanzas[0].Handler = h, h
	return &seen
}

type handlerFunc func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error)

func (f handlerFunc) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return f(ctx, w, r)
}

func (handlerFunc) Name() string { return "forward" }

// TestTruncated: what does not fit into UDP is asked for over TCP.
func TestTruncated(t *testing.T) {
	big := make([]string, 30)
	for i := range big {
		big[i] = "big TXT " + strings.Repeat(string(rune('a'+i)), 100)
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: big})
	v := newTestValidator(t, w)
	seen := transport(t, w, v, testzone.Question{Name: "big.example.", Type: dns.TypeTXT})
	m := ask(t, v, "big.example.", dns.TypeTXT, withDO)
	if len(m.Answer) != 31 || !m.AuthenticatedData || m.Truncated || strings.Join(*seen, " ") != "udp tcp" {
		t.Errorf("asked over %v: %d records\n%v", *seen, len(m.Answer), m.MsgHdr)
	}
	c := &client{tcp: true}
	*seen = nil
	if _, err := v.ServeDNS(context.Background(), c, newQuestion("big.example.", dns.TypeTXT, withDO)); err != nil || len(c.msg.Answer) != 31 || strings.Join(*seen, " ") != "tcp" {
		t.Errorf("client over TCP: asked over %v: %v, %v", *seen, c.msg, err)
	}
}

// TestTruncatedOverTCP: what is cut off even so is not judged by what is left.
func TestTruncatedOverTCP(t *testing.T) {
	w := exampleWorld(t)
	intercept(w, wwwA, func(a *dns.Msg) *dns.Msg {
		a.Truncated = true
		return a
	})
	c := new(client)
	rcode, err := newTestValidator(t, w).ServeDNS(context.Background(), c, newQuestion("www.example.", dns.TypeA, withDO))
	if rcode != servfail || err == nil || c.msg != nil {
		t.Errorf("%d, %v, %v", rcode, err, c.msg)
	}
	for _, tc := range []struct {
		q    testzone.Question
		want dnssec.Reason
	}{
		{testzone.Question{Name: "example.", Type: dns.TypeDS}, dnssec.DSUnavailable},
		{testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, dnssec.DNSKEYUnavailable},
	} {
		intercept(w, tc.q, truncated)
		if got := judged(t, newTestValidator(t, w), "www.example.", dns.TypeA); got.Reason != tc.want {
			t.Errorf("%v truncated: %s", tc.q, got)
		}
	}
}

// TestAskedWithCD: an upstream that validates, and fails, is overruled.
func TestAskedWithCD(t *testing.T) {
	w := exampleWorld(t)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.CheckingDisabled {
			return a
		}
		return failed(a)
	})
	v := newTestValidator(t, w)
	if m := ask(t, v, "www.example.", dns.TypeA, withDO); !m.AuthenticatedData || m.CheckingDisabled || len(m.Answer) != 2 {
		t.Errorf("an upstream with a wrong clock:\n%s", m)
	}
	breakZone(t, w, "csk.example.", testzone.Expired("www.csk.example.", dns.TypeA))
	if got := observe(t, v, "www.csk.example.", dns.TypeA); got.reason != dnssec.SignatureExpired || got.rcode != servfail {
		t.Errorf("what the upstream refuses rightly: %+v", got)
	}
}

// TestChainUnavailable: no answer is not a proof of anything.
func TestChainUnavailable(t *testing.T) {
	w := exampleWorld(t)
	for _, tc := range []struct {
		name string
		q    testzone.Question
		want dnssec.Reason
	}{
		{"www.example.", testzone.Question{Name: ".", Type: dns.TypeDNSKEY}, dnssec.DNSKEYUnavailable},
		{"www.example.", testzone.Question{Name: "example.", Type: dns.TypeDS}, dnssec.DSUnavailable},
		{"www.example.", testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, dnssec.DNSKEYUnavailable},
		{"www.csk.example.", testzone.Question{Name: "csk.example.", Type: dns.TypeDS}, dnssec.DSUnavailable},
		{"www.csk.example.", testzone.Question{Name: "csk.example.", Type: dns.TypeDNSKEY}, dnssec.DNSKEYUnavailable},
		{"www.unsigned.example.", testzone.Question{Name: "unsigned.example.", Type: dns.TypeDS}, dnssec.DSUnavailable},
		{"no.unsigned.example.", testzone.Question{Name: "unsigned.example.", Type: dns.TypeDS}, dnssec.DSUnavailable},
	} {
		for how, f := range map[string]func(*dns.Msg) *dns.Msg{"lost": lost, "SERVFAIL": failed, "REFUSED": refused} {
			intercept(w, tc.q, f)
			v := newTestValidator(t, w)
			want := outcome{rcode: servfail, reason: tc.want, ede: dns.ExtendedErrorCodeNoReachableAuthority}
			if got := observe(t, v, tc.name, dns.TypeA); got != want {
				t.Errorf("%s, %v %s: %+v %s, want %+v", tc.name, tc.q, how, got, got.reason, want)
			}
		}
		times(w, 1, tc.q, lost)
		if got := judged(t, newTestValidator(t, w), tc.name, dns.TypeA); got.Status == dnssec.Bogus {
			t.Errorf("%s, %v lost once: %s", tc.name, tc.q, got)
		}
	}
}

// TestFailureKept: RFC 9520: for 1 s, then longer, to 30 s; then a zone that has
// recovered is answered.
func TestFailureKept(t *testing.T) {
	for _, tc := range []struct {
		what string
		q    testzone.Question
		f    func(*dns.Msg) *dns.Msg
	}{
		{"answer without signature", wwwA, unsigned},
		{"keys that are lost", testzone.Question{Name: "example.", Type: dns.TypeDNSKEY}, lost},
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

// TestFailureOfOthers: a failing zone above is not asked again for each name below.
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

// TestNoAnswerInTime: an upstream that does not answer costs the first client its
// patience; those after it are told at once, for a second.
func TestNoAnswerInTime(t *testing.T) {
	w := exampleWorld(t)
	v := newTestValidator(t, w)
	h := handlerFunc(func(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Qtype == dns.TypeDNSKEY && r.Question[0].Name == "csk.example." {
			<-ctx.Done()
			return servfail, ctx.Err()
		}
		return w.ServeDNS(ctx, rw, r)
	})
	v.Next, v.routes.Own.Stanzas[0].Handler = h, h
	for i, name := range []string{"www.csk.example.", "www.csk.example.", "alias.csk.example."} {
		start := time.Now()
		m := ask(t, newExplainer(v, v), name, dns.TypeA, withDO)
		took := time.Since(start)
		if m.Rcode != servfail || edeOf(m) != dns.ExtendedErrorCodeNoReachableAuthority || took > patience+time.Second || i > 0 && took > patience/2 {
			t.Errorf("%s after %s:\n%s", name, took, m)
		}
		time.Sleep(20 * time.Millisecond) // for what was asked ahead
	}
}

// TestCancelled: a client that gives up while others wait for what it has asked for
// is no reason to fail for them.
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
		_, _ = v.ServeDNS(ctx, new(client), newQuestion("www.deep.down.example.", dns.TypeA, withDO))
	}()
	<-arrived
	replies := make(chan *dns.Msg, 3)
	for range cap(replies) {
		go func() { replies <- ask(t, v, "ftp.deep.down.example.", dns.TypeA, withDO) }()
	}
	for asked(w, "ftp.deep.down.example.", dns.TypeA) < cap(replies) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // they wait for the same zone now
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
