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

// Name implements plugin.Handler.
func (e *explainer) Name() string { return e.name }

// ServeDNS implements plugin.Handler.
func (e *explainer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	slot := new(atomic.Pointer[explanation])
	ctx = context.WithValue(ctx, explanationKey{}, slot)
	return plugin.NextOrFailure(e.name, e.next, ctx, &explainingWriter{ResponseWriter: w, explainer: e, request: r, slot: slot}, r)
}

// explain leaves an explanation for the client, if the handler is in the chain.
func explain(ctx context.Context, x explanation) {
	if slot, ok := ctx.Value(explanationKey{}).(*atomic.Pointer[explanation]); ok {
		slot.Store(&x)
	}
}

func explainFinding(ctx context.Context, f dnssec.Finding) {
	if code, ok := f.Reason.EDE(); ok {
		explain(ctx, explanation{code: code, text: sentence(f), reason: f})
	}
}

type explainingWriter struct {
	dns.ResponseWriter
	explainer *explainer
	request   *dns.Msg
	slot      *atomic.Pointer[explanation]
}

// WriteMsg adds the explanation for a client with EDNS. The message may be the
// cache's, so it is copied.
func (w *explainingWriter) WriteMsg(m *dns.Msg) error {
	opt := w.request.IsEdns0()
	if x := w.explanation(m); opt != nil && x != nil {
		m = withExplanation(m, opt, x)
	}
	return w.ResponseWriter.WriteMsg(m)
}

// explanation returns the one left for this answer, or for a SERVFAIL out of a
// cache the one that is kept. What is left is kept under the name that the client
// used: rewrite may have changed it in between.
func (w *explainingWriter) explanation(m *dns.Msg) *explanation {
	asked := question{dnsname.Canonical(w.request.Question[0].Name), w.request.Question[0].Qtype}
	now := w.explainer.now()
	if x := w.slot.Load(); x != nil {
		if x.reason.Status == dnssec.Bogus {
			w.explainer.cache.noteFailure(asked, x.reason, now)
			if m.Rcode != dns.RcodeServerFailure && w.request.CheckingDisabled {
				return nil
			}
		}
		return x
	}
	if m.Rcode != dns.RcodeServerFailure {
		return nil
	}
	finding, ok := w.explainer.cache.lastFailure(asked, now)
	if !ok {
		return nil
	}
	code, ok := finding.Reason.EDE()
	if !ok {
		return nil
	}
	return &explanation{code: code, text: sentence(finding)}
}

// withExplanation returns a copy of m whose OPT record has the Extended DNS Error.
func withExplanation(m *dns.Msg, opt *dns.OPT, x *explanation) *dns.Msg {
	out := *m
	out.Extra = withOPT(slices.Clone(m.Extra), opt)
	own := out.IsEdns0()
	own.Option = append(own.Option, &dns.EDNS0_EDE{InfoCode: x.code, ExtraText: x.text})
	return &out
}
