package dnssecval

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// asking is one question to the next handler. It is also the writer that catches the
// answer instead of writing it.
type asking struct {
	dns.ResponseWriter
	v        *Validator
	ctx      context.Context
	next     plugin.Handler
	upstream *watched // that next is the handler of; nil if it is of none
	req      *dns.Msg
	asked    time.Time
	msg      *dns.Msg // nil if none was written: then what the handler returned counts
	rcode    int
	err      error
}

// newAsking takes the handler of an upstream out of what watches it, which would be one
// frame more on the stack.
func (v *Validator) newAsking(ctx context.Context, w dns.ResponseWriter, next plugin.Handler, req *dns.Msg) *asking {
	a := &asking{ResponseWriter: w, v: v, ctx: ctx, next: next, req: req}
	if h, ok := next.(watched); ok {
		a.next, a.upstream = h.Handler, &h
	}
	return a
}

// ask has the next handler answer the request: again as over TCP if the answer is
// truncated, without EDNS if the upstream knows none, and with CD if it failed, so
// that the reason is found here.
func (a *asking) ask() {
	a.askOnce()
	if a.msg != nil && a.msg.Rcode == dns.RcodeFormatError && a.req.IsEdns0() != nil { // RFC 6891, section 7: it knows no EDNS
		a.req = a.req.Copy()
		a.req.Extra = nil
		a.orKeep()
	}
	if a.msg != nil && a.msg.Rcode == dns.RcodeServerFailure && !a.req.CheckingDisabled {
		a.req = a.req.Copy()
		a.req.CheckingDisabled = true
		a.orKeep()
	}
}

// orKeep asks again, and keeps the answer before if there is none now.
func (a *asking) orKeep() {
	before := *a
	if a.askOnce(); a.msg == nil {
		a.msg, a.rcode, a.err = before.msg, before.rcode, before.err
	}
}

// askOnce never leaves a truncated answer.
func (a *asking) askOnce() {
	if a.call(); a.msg == nil || !a.msg.Truncated {
		return
	}
	w := a.ResponseWriter
	a.ResponseWriter = asTCP{w}
	a.call()
	a.ResponseWriter = w
	if a.msg != nil && a.msg.Truncated {
		a.msg, a.rcode, a.err = nil, dns.RcodeServerFailure, errors.New("truncated over TCP")
	}
}

func (a *asking) call() {
	if a.begin() {
		a.rcode, a.err = plugin.NextOrFailure(a.v.directive, a.next, a.ctx, a, a.req)
		a.end()
	}
}

// end tells the upstream's watch what came of the question.
//
//go:noinline
func (a *asking) end() {
	if a.upstream != nil {
		a.upstream.note(a.ctx, a.asked, a.msg != nil, a.rcode, a.err)
	}
}

// begin counts the question, unless its upstream is silent.
func (a *asking) begin() bool {
	a.asked, a.msg = time.Now(), nil
	if a.upstream != nil && !a.upstream.admits(a.ctx) {
		a.rcode, a.err = dns.RcodeServerFailure, a.upstream.upstream.silence()
		return false
	}
	a.v.metrics.of(a.v.server(a.ctx)).asked(a.req.Question[0].Qtype)
	return true
}

// WriteMsg keeps the message.
func (a *asking) WriteMsg(m *dns.Msg) error {
	a.msg = m
	return nil
}

// asTCP is a writer whose client seems to have come over TCP: the type of its
// address decides how forward asks.
type asTCP struct{ dns.ResponseWriter }

func (w asTCP) RemoteAddr() net.Addr {
	if udp, ok := w.ResponseWriter.RemoteAddr().(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: udp.IP, Port: udp.Port, Zone: udp.Zone}
	}
	return &net.TCPAddr{IP: loopback}
}

// ownWriter stands for a client where the plugin itself asks.
type ownWriter struct{ dns.ResponseWriter }

func (ownWriter) RemoteAddr() net.Addr { return &net.UDPAddr{IP: loopback} }
func (ownWriter) LocalAddr() net.Addr  { return &net.UDPAddr{IP: loopback} }

var loopback = net.IPv4(127, 0, 0, 1)
