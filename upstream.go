package dnssecval

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/miekg/dns"
)

// Those who don't answer are not asked as often as clients ask us: a dead upstream
// costs clients no time, and gets a few questions a second.
const (
	silentAfter   = 4                      // questions in a row without an answer
	silentTime    = time.Second            // since the last answer; more than a probe is away
	probeInterval = 500 * time.Millisecond // between questions while it is silent
	probeTime     = 400 * time.Millisecond // that clients wait for what comes of one
)

var errSilent = errors.New("the upstream does not answer")

// upstream is what is known of those who are asked in one stanza: whether they answer
// anything at all. What they answer is not looked at.
type upstream struct {
	mu         sync.Mutex
	unanswered int
	cause      error     // of the last one
	answered   time.Time // when there was an answer last
	probed     time.Time
	back       chan struct{} // closed when there is an answer again; nil while there are
	returned   func()        // called then
}

// admit decides whether a question may be asked. While the upstream is silent none is,
// but now and then a probe, and clients wait a moment for what comes of it. It is never
// one of theirs: the names are their choice, and some are never answered.
func (u *upstream) admit(ctx context.Context, probe func()) bool {
	u.mu.Lock()
	back := u.back
	if back == nil {
		u.mu.Unlock()
		return true
	}
	if time.Since(u.probed) >= probeInterval {
		u.probed = time.Now()
		go probe()
	}
	enough := time.NewTimer(probeTime - time.Since(u.probed))
	u.mu.Unlock()
	defer enough.Stop()
	select {
	case <-back:
		return true
	case <-enough.C:
	case <-ctx.Done():
	}
	return false
}

// noteAnswer takes that there was an answer.
func (u *upstream) noteAnswer() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.unanswered, u.answered = 0, time.Now()
	if u.back != nil {
		close(u.back)
		u.back = nil
		if u.returned != nil {
			u.returned()
		}
	}
}

// noteSilence takes that a question got no answer. If there was one to another since it
// was asked, or a moment ago, the upstream is there, and it is the name that nobody
// answers for.
func (u *upstream) noteSilence(asked time.Time, cause error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.answered.After(asked) || time.Since(u.answered) < silentTime {
		return
	}
	u.cause = cause
	if u.unanswered++; u.unanswered >= silentAfter && u.back == nil {
		u.back = make(chan struct{})
	}
}

// silence is the error for what is not asked, with what came of the last question.
func (u *upstream) silence() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Errorf("%w: %v", errSilent, u.cause)
}

// silent tells whether nothing was answered for a while.
func (u *upstream) silent() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.back != nil
}

// watched is the handler of an upstream, which is asked about a zone and what lies
// below it.
type watched struct {
	plugin.Handler
	upstream *upstream
	zone     string
}

// ServeDNS implements plugin.Handler.
func (h watched) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if !h.admits(ctx) {
		return dns.RcodeServerFailure, h.upstream.silence()
	}
	asked := time.Now()
	hearing := &hearingWriter{ResponseWriter: w}
	rcode, err := h.Handler.ServeDNS(ctx, hearing, r)
	h.note(ctx, asked, hearing.heard, rcode, err)
	return rcode, err
}

// admits decides whether a question may be asked now.
func (h watched) admits(ctx context.Context) bool {
	return h.upstream.admit(ctx, func() { h.probe(context.WithoutCancel(ctx)) })
}

// note takes what came of a question.
func (h watched) note(ctx context.Context, asked time.Time, heard bool, rcode int, err error) {
	switch {
	case heard:
		h.upstream.noteAnswer()
	case rcode == dns.RcodeServerFailure && err != nil && ctx.Err() != context.Canceled: // else nobody knows what would have come
		h.upstream.noteSilence(asked, err)
	}
}

// probe asks what each server has an answer to: for the SOA of the zone.
func (h watched) probe(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil { // the server recovers in its own goroutines only
			vars.Panic.Inc()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	caught := &asking{ResponseWriter: ownWriter{}}
	if _, _ = h.Handler.ServeDNS(ctx, caught, newRequest(h.zone, dns.TypeSOA)); caught.msg != nil {
		h.upstream.noteAnswer()
	}
}

type hearingWriter struct {
	dns.ResponseWriter
	heard bool
}

func (w *hearingWriter) WriteMsg(m *dns.Msg) error {
	w.heard = true
	return w.ResponseWriter.WriteMsg(m)
}
