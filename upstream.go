package dnssecval

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// An upstream that does not answer gets two questions a second, however many clients ask.
// Clients do not wait for its timeouts.
const (
	silentAfter   = 4                      // questions in a row without an answer
	silentTime    = time.Second            // since the last answer
	probeInterval = 500 * time.Millisecond // between questions while it is silent
	probeTime     = 400 * time.Millisecond // that clients wait for the outcome of a probe
	probeSize     = 1232                   // the EDNS buffer size of a probe
)

var errSilent = errors.New("the upstream does not answer")

// upstream records whether the servers of one stanza answer anything at all. What they answer
// does not matter.
type upstream struct {
	zone string // the stanza's FROM

	mu         sync.Mutex
	unanswered int
	cause      error     // of the last one
	answered   time.Time // time of the last answer
	probed     time.Time
	back       chan struct{} // closed when there is an answer again; nil unless silent
	returned   func()        // called when there is an answer again
}

// upstreamOf returns what is known of the servers of a stanza, nil if nothing is noted.
func upstreamOf(s *placement.Stanza) *upstream {
	u, _ := s.Upstream.(*upstream)
	return u
}

// watchUpstreams begins to note which upstreams answer. When one returns the validators of
// the block forget what it did not answer.
func (b *block) watchUpstreams(routes *placement.Routes) {
	for _, other := range routes.Blocks {
		for _, s := range other.Stanzas {
			s.Upstream = &upstream{zone: s.From, returned: b.upstreamReturned}
		}
	}
}

// upstreamReturned has the validators forget the questions that were not answered.
func (b *block) upstreamReturned() {
	for _, engine := range b.engines() {
		engine.UpstreamReturned()
	}
	b.explanations.forgetUnavailable()
}

// admit decides whether a question may be sent to a handler. While the upstream is silent only
// a probe is sent, twice a second, and questions wait a moment for its outcome. A client's
// question is no probe, since clients choose the names and some names are never answered.
func (u *upstream) admit(ctx context.Context, h plugin.Handler) bool {
	u.mu.Lock()
	back := u.back
	if back == nil {
		u.mu.Unlock()
		return true
	}
	if time.Since(u.probed) >= probeInterval {
		u.probed = time.Now()
		go u.probe(context.WithoutCancel(ctx), h)
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

// noteAnswer notes that there was an answer.
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

// noteSilence notes that a question got no answer. If another one was answered since, or a
// moment ago, the upstream is there, and it is only the name that is not answered.
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

// silence returns the error for a question that is not asked, with that of the last one.
func (u *upstream) silence() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Errorf("%w: %v", errSilent, u.cause)
}

// silent reports whether nothing was answered for a while.
func (u *upstream) silent() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.back != nil
}

// note notes the outcome of a question: whether a message was written, or what the handler
// returned instead. The outcome of one that the client cancelled is unknown.
//
//go:noinline
func (u *upstream) note(ctx context.Context, asked time.Time, answered bool, rcode int, err error) {
	switch {
	case u == nil:
	case answered:
		u.noteAnswer()
	case rcode == dns.RcodeServerFailure && err != nil && ctx.Err() != context.Canceled:
		u.noteSilence(asked, err)
	}
}

// probe asks for the SOA of the stanza's zone, to which each server has an answer.
func (u *upstream) probe(ctx context.Context, h plugin.Handler) {
	defer func() {
		if p := recover(); p != nil { // the server recovers in its own goroutines only
			vars.Panic.Inc()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, validator.Patience)
	defer cancel()
	caught := &catcher{ResponseWriter: ownWriter{}}
	request := new(dns.Msg).SetQuestion(u.zone, dns.TypeSOA)
	request.SetEdns0(probeSize, true)
	if _, _ = h.ServeDNS(ctx, caught, request); caught.msg != nil {
		u.noteAnswer()
	}
}
