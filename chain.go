package dnssecval

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// exchanger asks the questions of a validator where the Corefile has them answered. The next
// plugin answers the client's own question. Whichever stanza or server block is in charge of
// the name answers questions for DS, DNSKEY and the targets of aliases, and a client's
// question for a DS. It implements validator.Exchanger and validator.Topology.
type exchanger struct {
	block  *block
	routes *placement.Routes
	next   func() plugin.Handler // for a client's own question
}

// target is a handler that is to be asked.
type target struct {
	handler  plugin.Handler
	upstream *upstream // nil if it is not watched
}

// Exchange implements validator.Exchanger. The plugins behind it run on the same stack, so its
// frame is kept small.
func (e *exchanger) Exchange(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
	ctx, to, w, err := e.admit(ctx, request, how)
	if err != nil {
		return nil, err
	}
	if to == nil || e.block.traced {
		w.rcode, w.err = plugin.NextOrFailure(e.block.directive, to, ctx, w, request)
	} else {
		w.rcode, w.err = to.ServeDNS(ctx, w, request)
	}
	return w.outcome(ctx)
}

// admit returns who is to be asked, with which context, and where the answer is kept. It fails
// if nobody is in charge of the name, or if the upstream that is answers nothing at present.
//
//go:noinline
func (e *exchanger) admit(ctx context.Context, request *dns.Msg, how validator.Manner) (context.Context, plugin.Handler, *catcher, error) {
	cl, _ := ctx.Value(clientKey{}).(*client)
	var to target
	var ok bool
	w := &catcher{ResponseWriter: ownWriter{}, asked: time.Now()}
	if cl != nil && !how.Chain {
		w.ResponseWriter = overUDP(cl.w)
	}
	if cl != nil && !how.Chain && request.Question[0].Name == cl.name {
		to = e.ownTarget(ctx, request.Question[0])
	} else if to, ok = e.lookup(ctx, dnsname.Canonical(request.Question[0].Name), request.Question[0].Qtype); !ok {
		return nil, nil, nil, validator.ErrNoRoute
	} else {
		ctx = apart(ctx)
	}
	w.upstream = to.upstream
	if how.TCP {
		w.ResponseWriter = asTCP{w.ResponseWriter}
	}
	if to.upstream != nil && !to.upstream.admit(ctx, to.handler) {
		return nil, nil, nil, &noAnswer{dns.RcodeServerFailure, to.upstream.silence()}
	}
	e.block.countersOf(ctx).countQuery(request.Question[0].Qtype)
	return ctx, to.handler, w, nil
}

// apart returns a context with metadata of its own. Plugins that answer a question of the
// validator must not write to the metadata of the client's question, least of all in parallel.
func apart(ctx context.Context) context.Context {
	if metadata.ValueFuncs(ctx) == nil {
		return ctx
	}
	return metadata.ContextWithMetadata(ctx)
}

// ownTarget returns who is to be asked a client's own question: the next plugin, or for a
// DS the handler in charge of the parent's side of the zone cut, as for the chain (RFC 4035,
// section 3.1.4.1).
func (e *exchanger) ownTarget(ctx context.Context, q dns.Question) target {
	name := dnsname.Canonical(q.Name)
	if q.Qtype != dns.TypeDS {
		return e.first(name)
	}
	s, elsewhere := e.routes.ParentSide(name)
	if s != nil {
		return target{s.Handler, upstreamOf(s)}
	}
	if h, ok := placement.ViaServer(ctx); elsewhere && ok && !placement.CameViaServer(ctx, q) {
		return target{handler: h}
	}
	return e.first(name)
}

// first returns the next plugin, as the handler of the stanza that answers for the name.
func (e *exchanger) first(name string) target {
	if s := e.routes.First(name); s != nil {
		return target{e.next(), upstreamOf(s)}
	}
	return target{handler: e.next()}
}

// lookup returns who is to be asked for a name, if anybody is in charge of it.
func (e *exchanger) lookup(ctx context.Context, name string, qtype uint16) (target, bool) {
	s, ok := e.routes.Lookup(name, qtype)
	if !ok {
		return target{}, false
	}
	if s == nil {
		h, ok := placement.ViaServer(ctx)
		return target{handler: h}, ok
	}
	return target{s.Handler, upstreamOf(s)}, true
}

// Private implements validator.Topology.
func (e *exchanger) Private(name string) string { return e.routes.Private(name) }

// Forwarded implements validator.Topology.
func (e *exchanger) Forwarded(name string) bool { return e.routes.Forwards(name) }

// Silent implements validator.Topology.
func (e *exchanger) Silent(name string) bool {
	b := e.routes.InCharge(name)
	if b == nil {
		return false
	}
	for _, s := range b.Stanzas {
		if u := upstreamOf(s); u != nil && s.Takes(name) && u.silent() {
			return true
		}
	}
	return false
}

// noAnswer is the error for a handler that wrote no message, with what it returned.
type noAnswer struct {
	rcode int
	err   error // may be nil
}

// ofUpstream reports whether the handler asked and got no answer, and did not refuse to ask.
func (e *noAnswer) ofUpstream() bool { return e.rcode == dns.RcodeServerFailure && e.err != nil }

// Error implements error.
func (e *noAnswer) Error() string {
	if e.err != nil {
		return e.err.Error()
	}
	return "upstream: " + dns.RcodeToString[e.rcode]
}

// Unwrap returns the handler's error.
func (e *noAnswer) Unwrap() error { return e.err }

// Is reports whether nothing was asked, which says nothing of the name.
func (e *noAnswer) Is(other error) bool {
	return other == validator.ErrNotAsked && (!e.ofUpstream() || errors.Is(e.err, errSilent))
}

// catcher is a writer that keeps the message instead of writing it.
type catcher struct {
	dns.ResponseWriter
	msg *dns.Msg

	upstream *upstream // that was asked, if it is watched
	asked    time.Time
	rcode    int // what the handler returned
	err      error
}

// WriteMsg keeps the message.
func (c *catcher) WriteMsg(m *dns.Msg) error {
	c.msg = m
	return nil
}

// Write keeps a message that a plugin packed by itself.
func (c *catcher) Write(packed []byte) (int, error) { return writeUnpacked(c, packed) }

// writeUnpacked writes a packed message as WriteMsg does, so that no plugin gets around that.
func writeUnpacked(w dns.ResponseWriter, packed []byte) (int, error) {
	m := new(dns.Msg)
	if err := m.Unpack(packed); err != nil {
		return 0, err
	}
	return len(packed), w.WriteMsg(m)
}

// outcome returns the message, and notes whether there was one.
//
//go:noinline
func (c *catcher) outcome(ctx context.Context) (*dns.Msg, error) {
	c.upstream.note(ctx, c.asked, c.msg != nil, c.rcode, c.err)
	if c.msg == nil {
		return nil, &noAnswer{c.rcode, c.err}
	}
	return c.msg, nil
}

// asTCP is a writer whose client seems to have come over TCP: the type of its address
// decides how forward asks.
type asTCP struct{ dns.ResponseWriter }

// RemoteAddr implements dns.ResponseWriter.
func (w asTCP) RemoteAddr() net.Addr {
	if udp, ok := w.ResponseWriter.RemoteAddr().(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: udp.IP, Port: udp.Port, Zone: udp.Zone}
	}
	return &net.TCPAddr{IP: loopback}
}

// overUDP returns a writer whose client seems to have come over UDP. What comes of a question
// must not depend on how the client asked, since it counts for the next client as well.
func overUDP(w dns.ResponseWriter) dns.ResponseWriter {
	if tcp, ok := w.RemoteAddr().(*net.TCPAddr); ok {
		return asUDP{w, &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone}}
	}
	return w
}

// asUDP is a writer whose client has another address.
type asUDP struct {
	dns.ResponseWriter
	client net.Addr
}

// RemoteAddr implements dns.ResponseWriter.
func (w asUDP) RemoteAddr() net.Addr { return w.client }

// ownWriter stands for a client where the plugin itself asks.
type ownWriter struct{ dns.ResponseWriter }

// RemoteAddr implements dns.ResponseWriter.
func (ownWriter) RemoteAddr() net.Addr { return &net.UDPAddr{IP: loopback} }

// LocalAddr implements dns.ResponseWriter.
func (ownWriter) LocalAddr() net.Addr { return &net.UDPAddr{IP: loopback} }

var loopback = net.IPv4(127, 0, 0, 1)
