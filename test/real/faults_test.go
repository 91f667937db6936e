package real

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// The tests below are named after the rows of the README's table of faults, in
// quotes. TestFaultsOfREADME compares them.

const (
	secureAnswer      = "NOERROR ad A=192.0.2.1 RRSIG opt"
	answerUnavailable = "SERVFAIL opt ede=22/answer_unavailable"
)

// TestSilentUpstream: the upstream "does not answer" from the start, while
// clients query many names repeatedly. Local names are still served.
func TestSilentUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &faulty{world: w, tcp: whole}
	f.dead.Store(true)
	p := start(t, w, ".:PORT {"+validating+"hosts {\n192.0.2.77 local.secure.test\nfallthrough\n}\nforward . SILENT\n}", "SILENT", f.serve(t))
	p.answers(t, []asked{{"local.secure.test. A", "do", "NOERROR A=192.0.2.77 opt"}})

	const clients, known = 20, 5 * time.Second
	begin := time.Now()
	ask := func(round int) (waited int) { // returns the number of clients that waited
		var all sync.WaitGroup
		var late atomic.Int32
		for i := range clients {
			all.Go(func() {
				begin := time.Now()
				if got := p.ask(t, fmt.Sprintf("n%d-%d.secure.test. A", i, round/2), "do"); got != answerUnavailable {
					t.Errorf("%s, want %s", got, answerUnavailable)
				}
				if time.Since(begin) > time.Second {
					late.Add(1)
				}
			})
		}
		all.Wait()
		return int(late.Load())
	}
	ask(0)
	if took := time.Since(begin); took > known {
		t.Errorf("the first clients waited %v", took)
	}
	before, _ := f.counts()
	begin = time.Now()
	for round := 1; round < 8; round++ {
		if late := ask(round); late > 2 { // those whose queries probe the upstream
			t.Errorf("%d of %d clients waited", late, clients)
		}
		time.Sleep(500 * time.Millisecond)
	}
	all, each := f.counts()
	seconds := int(time.Since(begin)/time.Second) + 1
	t.Logf("%d queries until the upstream was known to be silent, %d in the next %d s", before, all-before, seconds)
	if all-before > 8*seconds { // per second: two queries of ours, sent twice by forward, and two health checks
		t.Errorf("%d questions in %d s", all-before, seconds)
	}
	for q, n := range each {
		if q.Name != "." && n > 4 {
			t.Errorf("%d questions for %s", n, q.String())
		}
	}
	p.answers(t, []asked{{"local.secure.test. A", "do", "NOERROR A=192.0.2.77 opt"}})
	p.logs(t, "no trust anchor of . holds", "_unavailable")

	f.dead.Store(false)
	begin = time.Now()
	p.recovers(t, "www.secure.test. A", secureAnswer)
	p.answers(t, []asked{{"n0-0.secure.test. A", "do", "NXDOMAIN ad denial opt"}})
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %v to recover", took)
	}
}

// TestSlowUpstream: the upstream "is slow", and a name without a cached
// authentication chain takes two round trips.
func TestSlowUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetDelay(1500 * time.Millisecond)
	p := start(t, w, ".:PORT {"+validating+"forward . UPSTREAM\n}")
	begin := time.Now()
	p.answers(t, []asked{{"www.secure.test. A", "do", secureAnswer}})
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	p.answers(t, []asked{{"v4.secure.test. A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"}, {"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"}})
	p.isRefused(t, "www.tampered.test. A", "edns", []string{"signature_invalid", "ds_unavailable"}) // retried while there is time
}

// TestRefusingUpstream: the upstream "refuses". Its rcode is returned without
// data, and nothing is cached.
func TestRefusingUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(func(q, _ *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeRefused) })
	p := start(t, w, ".:PORT {"+validating+"cache\nforward . UPSTREAM\n}")
	for range 3 {
		p.answers(t, []asked{{"www.secure.test. A", "do", "REFUSED opt ede=23/the upstream answered REFUSED"}, {"www.unsigned.test. A", "", "REFUSED"}})
	}
	w.Intercept(nil)
	p.recovers(t, "www.secure.test. A", secureAnswer)
	p.answers(t, []asked{{"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"}})
}

// TestFlappingUpstream: the upstream "comes and goes". Names are answered while
// it is there, and every answer is either right or SERVFAIL.
func TestFlappingUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &faulty{world: w, tcp: whole}
	p := start(t, w, ".:PORT {"+validating+"forward . FLAPPING {\nmax_fails 0\n}\n}", "FLAPPING", f.serve(t))
	quit, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				f.dead.Store(false)
				return
			case <-time.After(700 * time.Millisecond):
				f.dead.Store(!f.dead.Load())
			}
		}
	}()
	right := []asked{
		{"www.secure.test. A", "do", secureAnswer}, {"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"},
		{"none.nsec3.test. A", "do", "NXDOMAIN ad denial opt"}, {"www.tampered.test. A", "edns", forged},
	}
	var clients sync.WaitGroup
	var mu sync.Mutex
	answered, lost := 0, 0
	for begin, i := time.Now(), 0; time.Since(begin) < 8*time.Second; i++ {
		row := right[i%len(right)]
		clients.Go(func() {
			got := p.ask(t, row.question, row.flags)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case got == row.want:
				answered++
			case strings.HasPrefix(got, "SERVFAIL"):
				lost++
			default:
				t.Errorf("%s: %s, want %s or SERVFAIL", row.question, got, row.want)
			}
		})
		time.Sleep(50 * time.Millisecond)
	}
	clients.Wait()
	close(quit)
	<-done
	t.Logf("%d answered, %d lost", answered, lost)
	if answered < lost {
		t.Errorf("%d answered, %d lost", answered, lost)
	}
	for _, row := range right[:3] {
		p.recovers(t, row.question, row.want)
	}
}

// TestLyingForSomeNames: the upstream "lies for some names", and only these
// fail.
func TestLyingForSomeNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Name == "www.secure.test." {
			return forgeAnswer(q, a)
		}
		return a
	})
	p := start(t, w, ".:PORT {"+validating+"cache\nforward . UPSTREAM\n}")
	p.answers(t, []asked{
		{"www.secure.test. A", "do", "SERVFAIL opt ede=10/signature_missing"},
		{"v4.secure.test. A", "do", "NOERROR ad A=192.0.2.4 RRSIG opt"},
		{"www.secure.test. AAAA", "do", "NOERROR ad AAAA=2001:db8::1 RRSIG opt"},
	})
	p.logs(t, "bogus: www.secure.test. A from 127.0.0.1: signature_missing")
	w.Intercept(nil)
	p.recovers(t, "www.secure.test. A", secureAnswer)
}

// TestHalfClosedTCP: the upstream "breaks off over TCP", and what needs TCP
// fails.
func TestHalfClosedTCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &faulty{world: w, udp: alwaysTruncated, tcp: half}
	p := start(t, w, ".:PORT {"+validating+"forward . ODD {\nmax_fails 0\n}\n}", "ODD", f.serve(t))
	p.answers(t, []asked{{"www.secure.test. A", "do", answerUnavailable}, {"www.secure.test. A", "do tcp", answerUnavailable}, {"www.unsigned.test. A", "edns", answerUnavailable}})
	p.logs(t, "plugin/errors", "www.secure.test. A")
}

// TestWithoutTCP: the upstream "has no TCP", and only small responses are
// answered.
func TestWithoutTCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "rsa.test.", Algorithm: dns.RSASHA256, Bits: 4096, Records: []string{"www A 192.0.2.1"}})
	f := &faulty{world: w}
	p := start(t, w, ".:PORT {"+validating+"forward . ODD {\nmax_fails 0\n}\n}", "ODD", f.serve(t))
	p.answers(t, []asked{
		{"www.secure.test. A", "do", secureAnswer},
		{"www.rsa.test. A", "do", "SERVFAIL opt ede=22/dnskey_unavailable"}, // its keys are large
		{"big.secure.test. TXT", "do", answerUnavailable},
		{"www.nsec3.test. A", "do", secureAnswer},
	})
}

// TestWrongIDs: the upstream "answers with wrong ids", which are no answers.
func TestWrongIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &faulty{world: w, udp: wrongID}
	p := start(t, w, ".:PORT {"+validating+"forward . ODD {\nmax_fails 0\n}\n}", "ODD", f.serve(t))
	p.answers(t, []asked{{"www.secure.test. A", "do", answerUnavailable}, {"www.unsigned.test. A", "do", answerUnavailable}})
}

// TestHalfOfTheKeys: the upstream "leaves keys out", and the zone and those
// below it fail.
func TestHalfOfTheKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeDNSKEY && q.Question[0].Name == "secure.test." {
			for i, rr := range a.Answer {
				if rr.Header().Rrtype == dns.TypeDNSKEY {
					a.Answer = append(a.Answer[:i:i], a.Answer[i+1:]...)
					break
				}
			}
		}
		return a
	})
	p := start(t, w, ".:PORT {"+validating+"forward . UPSTREAM\n}")
	p.isRefused(t, "www.secure.test. A", "do", []string{"signature_invalid", "dnskey_no_ds_match"})
	p.answers(t, []asked{{"www.nsec3.test. A", "do", secureAnswer}, {"www.unsigned.test. A", "do", "NOERROR A=192.0.2.1 opt"}})
	w.Intercept(nil)
	p.recovers(t, "www.secure.test. A", secureAnswer)
}
