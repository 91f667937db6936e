package main

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// fault is a way in which the upstream fails.
type fault string

const (
	none       fault = ""
	dead       fault = "dead"
	refusing   fault = "refusing"
	slow       fault = "slow"
	stripping  fault = "leaving out signatures"
	truncating fault = "truncating"
)

// harmful reports whether the fault can cause failures.
func (f fault) harmful() bool { return f == dead || f == refusing }

// step is a fault and its duration.
type step struct {
	fault fault
	last  time.Duration
}

// harm is the duration of a harmful fault.
const harm = 3 * time.Second

// settle returns how long failures continue after a fault of the given
// duration: they are cached for as long as the fault lasted, a query in
// progress takes five seconds, and CoreDNS's cache keeps SERVFAIL for another
// five.
func settle(lasted time.Duration) time.Duration {
	return max(lasted, harm) + time.Second + 5*time.Second + 5*time.Second
}

// schedule is the sequence of faults, which is repeated. It takes almost a
// minute.
var schedule = []step{
	{slow, 4 * time.Second}, {none, 2 * time.Second},
	{stripping, 5 * time.Second}, {none, 2 * time.Second},
	{truncating, 4 * time.Second}, {none, time.Second},
	{dead, harm}, {none, settle(harm) + 3*time.Second},
	{refusing, harm}, {none, settle(harm) + 3*time.Second},
}

const (
	delay    = 250 * time.Millisecond
	oneInAll = 20 // one answer of so many is stripped
)

// upstream serves a World, with the faults of the schedule.
type upstream struct {
	world  *testzone.World
	server *testzone.Server
	step   int // index into schedule

	mu       sync.Mutex
	fault    fault
	harmed   []interval // when it was harmful; the last interval may be open
	stalled  []interval // when the machine did not run it
	answers  int
	stripped map[testzone.Question]bool // questions whose last answer was stripped
}

type interval struct{ from, to time.Time }

func newUpstream() (*upstream, error) {
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	u := &upstream{world: w, stripped: make(map[testzone.Question]bool)}
	u.server, err = testzone.ServeHandler("127.0.0.1:0", u)
	return u, err
}

func (u *upstream) close() { _ = u.server.Close() }

// fail runs through the schedule until ctx is done, and then works again. It
// continues with the step at which the last call ended.
func (u *upstream) fail(ctx context.Context) {
	defer u.set(none)
	for ; ; u.step++ {
		s := schedule[u.step%len(schedule)]
		u.set(s.fault)
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.last):
		}
	}
}

const (
	beat  = 100 * time.Millisecond
	stall = 500 * time.Millisecond // more than this between two beats is a stall
)

// beatUntil records when the machine was too busy to run the upstream, until
// ctx is done.
func (u *upstream) beatUntil(ctx context.Context) {
	for last := time.Now(); ctx.Err() == nil; {
		time.Sleep(beat)
		now := time.Now()
		if now.Sub(last) > stall {
			u.mu.Lock()
			u.stalled = append(u.stalled, interval{last, now})
			u.mu.Unlock()
		}
		last = now
	}
}

// stalls returns the number of stalls and their total duration.
func (u *upstream) stalls() (times int, total time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range u.stalled {
		total += s.to.Sub(s.from)
	}
	return len(u.stalled), total
}

func (u *upstream) set(f fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.fault.harmful() {
		u.harmed[len(u.harmed)-1].to = now
	}
	if f.harmful() {
		u.harmed = append(u.harmed, interval{from: now})
	}
	u.fault = f
}

func (u *upstream) now() fault {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.fault
}

// excuses reports whether a failure of a question between begin and end can be
// due to the upstream or the machine.
func (u *upstream) excuses(begin, end time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, h := range slices.Concat(u.harmed, u.stalled) {
		if end.After(h.from) && (h.to.IsZero() || begin.Before(h.to.Add(settle(h.to.Sub(h.from))))) {
			return true
		}
	}
	return false
}

// ServeDNS implements dns.Handler.
func (u *upstream) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	f := u.now()
	_, udp := w.RemoteAddr().(*net.UDPAddr)
	switch {
	case f == dead:
		return
	case f == slow:
		time.Sleep(delay)
	case f == refusing:
		_ = w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeRefused))
		return
	case f == truncating && udp:
		m := new(dns.Msg).SetReply(r)
		m.Truncated = true
		_ = w.WriteMsg(m)
		return
	case f == stripping && u.strips(r):
		w = stripper{w}
	}
	_, _ = u.world.ServeDNS(context.Background(), w, r) // the client may have gone
}

// strips selects one answer of 20, but never two in a row to the same question.
func (u *upstream) strips(r *dns.Msg) bool {
	if len(r.Question) != 1 {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers++
	q := testzone.Question{Name: dns.CanonicalName(r.Question[0].Name), Type: r.Question[0].Qtype}
	strip := u.answers%oneInAll == 0 && !u.stripped[q]
	if strip {
		u.stripped[q] = true
	} else {
		delete(u.stripped, q)
	}
	return strip
}

// stripper removes the signatures from what is written.
type stripper struct{ dns.ResponseWriter }

func (s stripper) WriteMsg(m *dns.Msg) error {
	m.Answer, m.Ns = withoutSignatures(m.Answer), withoutSignatures(m.Ns)
	return s.ResponseWriter.WriteMsg(m)
}

func withoutSignatures(section []dns.RR) []dns.RR {
	var rest []dns.RR
	for _, rr := range section {
		if rr.Header().Rrtype != dns.TypeRRSIG {
			rest = append(rest, rr)
		}
	}
	return rest
}
