package dnssecval

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// Those who don't answer are not asked as often as clients ask us: a dead upstream
// costs clients no time, and gets a few questions a second.
const (
	silentAfter   = 4                      // questions in a row without an answer
	probeInterval = 500 * time.Millisecond // between questions while it is silent
	probeTime     = 400 * time.Millisecond // that others wait for what comes of one
)

var errSilent = errors.New("the upstream does not answer")

// upstream is what is known of those who are asked in one stanza: whether they answer
// anything at all. What they answer is not looked at.
type upstream struct {
	mu         sync.Mutex
	unanswered int
	probed     time.Time
	back       chan struct{} // closed when there is an answer again; nil while there are
	returned   func()        // called then
}

// admit decides whether a question may be asked. While the upstream is silent one is,
// now and then, and who comes meanwhile waits a moment for what comes of it.
func (u *upstream) admit(ctx context.Context) bool {
	u.mu.Lock()
	back := u.back
	if back == nil || time.Since(u.probed) >= probeInterval {
		u.probed = time.Now()
		u.mu.Unlock()
		return true
	}
	wait := probeTime - time.Since(u.probed)
	u.mu.Unlock()
	enough := time.NewTimer(wait)
	defer enough.Stop()
	select {
	case <-back:
		return true
	case <-enough.C:
	case <-ctx.Done():
	}
	return false
}

// note takes what came of a question.
func (u *upstream) note(answered bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !answered {
		if u.unanswered++; u.unanswered >= silentAfter && u.back == nil {
			u.back = make(chan struct{})
		}
		return
	}
	u.unanswered = 0
	if u.back != nil {
		close(u.back)
		u.back = nil
		if u.returned != nil {
			u.returned()
		}
	}
}

// silent tells whether nothing was answered for a while.
func (u *upstream) silent() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.back != nil
}

// watched is the handler of an upstream.
type watched struct {
	plugin.Handler
	upstream *upstream
}

// ServeDNS implements plugin.Handler.
func (h watched) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if !h.upstream.admit(ctx) {
		return dns.RcodeServerFailure, errSilent
	}
	hearing := &hearingWriter{ResponseWriter: w}
	rcode, err := h.Handler.ServeDNS(ctx, hearing, r)
	switch {
	case hearing.heard:
		h.upstream.note(true)
	case rcode == dns.RcodeServerFailure && err != nil && ctx.Err() != context.Canceled: // else nobody knows what would have come
		h.upstream.note(false)
	}
	return rcode, err
}

type hearingWriter struct {
	dns.ResponseWriter
	heard bool
}

func (w *hearingWriter) WriteMsg(m *dns.Msg) error {
	w.heard = true
	return w.ResponseWriter.WriteMsg(m)
}
