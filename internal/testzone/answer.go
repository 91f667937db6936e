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

// Question is a canonical qname and a qtype.
type Question struct {
	Name string
	Type uint16
}

// maxUDPSize is the largest response over UDP, and the UDP payload size in the
// OPT RRs of responses.
const maxUDPSize = 1232

// Answer returns the response of a security-aware, non-validating recursive
// resolver to q. The question is not counted, intercepted or delayed.
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

// fill resolves q and puts the result into a. Owner names equal to the qname
// get the case of the qname, as name compression does on the wire.
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

// Intercept calls f for every question that comes in through ServeDNS or Serve,
// with the answer to it. The message that f returns is sent; it may be a
// itself. If f returns nil, nothing is sent, as if a packet was lost. f is
// called concurrently. A nil f ends the interception.
func (w *World) Intercept(f func(q, a *dns.Msg) *dns.Msg) {
	if f == nil {
		w.intercept.Store(nil)
		return
	}
	w.intercept.Store(&f)
}

// SetDelay delays each answer by d.
func (w *World) SetDelay(d time.Duration) { w.delay.Store(int64(d)) }

// Questions returns how many times each question came in through ServeDNS.
func (w *World) Questions() map[Question]int {
	w.questionsMu.Lock()
	defer w.questionsMu.Unlock()
	return maps.Clone(w.questions)
}

// ResetQuestions sets all counts of Questions to zero.
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

// errDropped is returned by ServeDNS when the Intercept function returned nil.
var errDropped = errors.New("testzone: the answer was dropped")

// Name returns the plugin name of the World in CoreDNS.
func (w *World) Name() string { return "testzone" }

// ServeDNS answers r. Together with Name it makes a World a plugin.Handler of
// CoreDNS that takes the place of forward. As with forward, a question without
// an answer gives SERVFAIL and an error, but without waiting for a timeout. The
// transport is that of rw.RemoteAddr.
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

// udpSize returns the maximum size of a response to q over UDP.
func udpSize(q *dns.Msg) int {
	opt := q.IsEdns0()
	if opt == nil {
		return dns.MinMsgSize
	}
	return min(max(int(opt.UDPSize()), dns.MinMsgSize), maxUDPSize)
}
