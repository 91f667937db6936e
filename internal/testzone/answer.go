package testzone

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Question is a name, canonical, and type that was asked for.
type Question struct {
	Name string
	Type uint16
}

// maxUDPSize is the largest response over UDP, and what the World's own OPT
// RRs say.
const maxUDPSize = 1232

// Answer answers q as a recursive resolver does that is DNSSEC-aware but
// does not validate. It does not count the question, nor is it intercepted
// or delayed.
func (w *World) Answer(q *dns.Msg) *dns.Msg {
	a := new(dns.Msg).SetReply(q)
	a.Compress = true
	a.RecursionAvailable = true
	a.CheckingDisabled = q.CheckingDisabled
	opt := q.IsEdns0()
	if opt != nil {
		a.SetEdns0(maxUDPSize, opt.Do())
	}
	switch {
	case opt != nil && opt.Version() != 0:
		a.Rcode = dns.RcodeBadVers
	case q.Opcode != dns.OpcodeQuery:
		a.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		a.Rcode = dns.RcodeFormatError
	case q.Question[0].Qclass != dns.ClassINET:
		a.Rcode = dns.RcodeRefused
	default:
		w.fill(a, q.Question[0], opt != nil && opt.Do())
	}
	return a
}

// fill puts the resolution of q into a. Owner names that are the qname have
// its case, as name compression makes them.
func (w *World) fill(a *dns.Msg, q dns.Question, do bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	r := w.resolve(q.Name, q.Qtype, do)
	a.Rcode, a.Answer, a.Ns = r.rcode, r.answer, r.authority
	for _, rr := range a.Answer {
		if h := rr.Header(); strings.EqualFold(h.Name, q.Name) {
			h.Name = q.Name
		}
	}
}

// Intercept has f see every question that comes in through ServeDNS (and so
// through Serve) with the answer to it. f returns what is sent instead,
// which may be a itself, changed; nil sends nothing, as if the question or
// the answer was lost. f is called concurrently; a nil f ends it.
func (w *World) Intercept(f func(q, a *dns.Msg) *dns.Msg) {
	if f == nil {
		w.intercept.Store(nil)
		return
	}
	w.intercept.Store(&f)
}

// SetDelay has each answer wait for d.
func (w *World) SetDelay(d time.Duration) { w.delay.Store(int64(d)) }

// Questions returns how often each question came in through ServeDNS.
func (w *World) Questions() map[Question]int {
	w.questionsMu.Lock()
	defer w.questionsMu.Unlock()
	return maps.Clone(w.questions)
}

// ResetQuestions starts counting anew.
func (w *World) ResetQuestions() {
	w.questionsMu.Lock()
	defer w.questionsMu.Unlock()
	clear(w.questions)
}

func (w *World) count(q *dns.Msg) {
	if len(q.Question) == 0 {
		return
	}
	w.questionsMu.Lock()
	defer w.questionsMu.Unlock()
	w.questions[Question{dns.CanonicalName(q.Question[0].Name), q.Question[0].Qtype}]++
}

// errDropped is what ServeDNS returns when Intercept sends nothing.
var errDropped = errors.New("testzone: the answer was dropped")

// Name is the name of the World as a plugin of CoreDNS.
func (w *World) Name() string { return "testzone" }

// ServeDNS answers r. Together with Name it makes a World a plugin.Handler
// of CoreDNS that stands where forward does: as there, a question that gets
// no answer gives SERVFAIL and an error (at once, though), and the transport
// is that of rw.RemoteAddr.
func (w *World) ServeDNS(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
	w.count(r)
	if d := time.Duration(w.delay.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return dns.RcodeServerFailure, ctx.Err()
		}
	}
	a := w.Answer(r)
	if f := w.intercept.Load(); f != nil {
		if a = (*f)(r.Copy(), a); a == nil {
			return dns.RcodeServerFailure, errDropped
		}
	}
	if _, udp := rw.RemoteAddr().(*net.UDPAddr); udp {
		a.Truncate(udpSize(r))
	}
	return dns.RcodeSuccess, rw.WriteMsg(a)
}

// udpSize returns how large a response over UDP to q may be.
func udpSize(q *dns.Msg) int {
	opt := q.IsEdns0()
	if opt == nil {
		return dns.MinMsgSize
	}
	return min(max(int(opt.UDPSize()), dns.MinMsgSize), maxUDPSize)
}
