package dnssecval

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// explainer is the outermost handler of the block. It puts the Extended DNS Error
// (RFC 8914) into the answer where the cache plugin, which stands in between and
// drops the OPT record, can't take it away again.
type explainer struct {
	next  plugin.Handler
	cache *cache
	now   func() time.Time
	name  string
}

// explanation is an Extended DNS Error on its way to the client.
type explanation struct {
	code   uint16
	text   string
	reason dnssec.Finding
}

type explanationKey struct{}

// maxExplained bounds the octets of a text: with escaped names it could be ten times
// as long as the question, for whoever is named as its sender.
const maxExplained = 255

// Name implements plugin.Handler.
func (e *explainer) Name() string { return e.name }

// ServeDNS implements plugin.Handler.
func (e *explainer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	explaining := e.newWriter(w, r)
	ctx = context.WithValue(ctx, explanationKey{}, &explaining.slot)
	rcode, err := plugin.NextOrFailure(e.name, e.next, ctx, explaining, r)
	if plugin.ClientWrite(rcode) || explaining.slot.Load() == nil {
		return rcode, err
	}
	_ = explaining.WriteMsg(new(dns.Msg).SetRcode(r, rcode)) // what the server would write, without the explanation
	return dns.RcodeSuccess, err
}

// newWriter keeps what the client asked: rewrite changes the request in place.
func (e *explainer) newWriter(w dns.ResponseWriter, r *dns.Msg) *explainingWriter {
	return &explainingWriter{ResponseWriter: w, explainer: e, opt: r.IsEdns0(), checkingDisabled: r.CheckingDisabled,
		asked: question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype}}
}

// explain leaves an explanation for the client, if the handler is in the chain.
func explain(ctx context.Context, x explanation) {
	if slot, ok := ctx.Value(explanationKey{}).(*atomic.Pointer[explanation]); ok {
		slot.Store(&x)
	}
}

// explainFinding leaves the explanation of a finding, or none: autopath asks for
// several names, and it is the last answer that the client gets.
func explainFinding(ctx context.Context, f dnssec.Finding) {
	if code, ok := f.Reason.EDE(); ok {
		explain(ctx, explanation{code: code, text: sentence(f), reason: f})
	} else if slot, ok := ctx.Value(explanationKey{}).(*atomic.Pointer[explanation]); ok {
		slot.Store(nil)
	}
}

type explainingWriter struct {
	dns.ResponseWriter
	explainer        *explainer
	slot             atomic.Pointer[explanation]
	asked            question
	opt              *dns.OPT // nil for a client without EDNS
	checkingDisabled bool
}

// WriteMsg adds the explanation for a client with EDNS. The message may be the
// cache's, so it is copied.
func (w *explainingWriter) WriteMsg(m *dns.Msg) error {
	if x := w.explanation(m); w.opt != nil && x != nil {
		m = withExplanation(m, w.opt, x)
	}
	return w.ResponseWriter.WriteMsg(m)
}

// explanation returns the one left for this answer, or for a SERVFAIL out of a
// cache the one that is kept. What is left is kept under the name that the client
// used: rewrite may have changed it in between.
func (w *explainingWriter) explanation(m *dns.Msg) *explanation {
	now := w.explainer.now()
	if x := w.slot.Load(); x != nil {
		if x.reason.Status == dnssec.Bogus && x.reason.Reason != dnssec.Overloaded {
			w.explainer.cache.noteFailure(w.asked, x.reason, now)
			if m.Rcode != dns.RcodeServerFailure && w.checkingDisabled {
				return nil
			}
		}
		return x
	}
	if m.Rcode != dns.RcodeServerFailure {
		return nil
	}
	finding, ok := w.explainer.cache.lastFailure(w.asked, now)
	if !ok {
		return nil
	}
	code, ok := finding.Reason.EDE()
	if !ok {
		return nil
	}
	return &explanation{code: code, text: sentence(finding)}
}

// withExplanation returns a copy of m whose OPT record has the Extended DNS Error,
// beside what other plugins put there. An explanation may be there already, if this
// is the answer to a question that a plugin of the block asked (dns64).
func withExplanation(m *dns.Msg, opt *dns.OPT, x *explanation) *dns.Msg {
	var options []dns.EDNS0
	if own := m.IsEdns0(); own != nil {
		options = slices.DeleteFunc(slices.Clone(own.Option), func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0EDE })
	}
	out := *m
	out.Extra = withOPT(slices.Clone(m.Extra), opt)
	out.IsEdns0().Option = append(options, &dns.EDNS0_EDE{InfoCode: x.code, ExtraText: x.text[:min(len(x.text), maxExplained)]})
	return &out
}
