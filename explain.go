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
// drops the OPT record, can't take it away again. It tells the metadata plugin, too.
type explainer struct {
	next plugin.Handler
	v    *Validator
}

// explanation is what was found of an answer, on its way to the client.
type explanation struct {
	code    uint16
	text    string // empty: no Extended DNS Error says it
	finding dnssec.Finding
	judge   *Validator // nil: it was not judged
}

type explanationKey struct{}

// maxExplained bounds the octets of a text: with escaped names it could be ten times
// as long as the question, for whoever is named as its sender.
const maxExplained = 255

// Name implements plugin.Handler.
func (e *explainer) Name() string { return e.v.directive }

// ServeDNS implements plugin.Handler.
func (e *explainer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	explaining := e.newWriter(w, r)
	explaining.publish(ctx)
	ctx = context.WithValue(ctx, explanationKey{}, &explaining.slot)
	rcode, err := plugin.NextOrFailure(e.Name(), e.next, ctx, explaining, r)
	if x := explaining.slot.Load(); plugin.ClientWrite(rcode) || x == nil || x.text == "" {
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
// Autopath asks for several names, and it is the last answer that the client gets.
func explain(ctx context.Context, x explanation) {
	if slot, ok := ctx.Value(explanationKey{}).(*atomic.Pointer[explanation]); ok {
		slot.Store(&x)
	}
}

// explain leaves what was found for the client.
func (q *query) explain(f dnssec.Finding) {
	explain(q.ctx, explained(f, q.v))
}

// explained puts a finding into words, if there is an Extended DNS Error for it. What is
// let pass, though it would be a failure elsewhere, has none.
func explained(f dnssec.Finding, judge *Validator) explanation {
	x := explanation{finding: f, judge: judge}
	if code, ok := f.Reason.EDE(); ok && f.Reason.Status() == f.Status {
		x.code, x.text = code, sentence(f)
	}
	return x
}

type explainingWriter struct {
	dns.ResponseWriter
	explainer        *explainer
	slot             atomic.Pointer[explanation]
	asked            question
	opt              *dns.OPT // nil for a client without EDNS
	checkingDisabled bool
	said             *explanation // of the answer that was written
	vouched          bool         // the answer has AD
}

// WriteMsg adds the explanation for a client with EDNS. The message may be the
// cache's, so it is copied.
func (w *explainingWriter) WriteMsg(m *dns.Msg) error {
	w.said, w.vouched = w.explanation(m), m.AuthenticatedData
	if w.opt != nil && w.said != nil && w.said.text != "" {
		m = withExplanation(m, w.opt, w.said)
	}
	return w.ResponseWriter.WriteMsg(m)
}

// explanation returns the one left for this answer, or for one out of a cache the one
// that is kept. What is left is kept under the name that the client used: rewrite may
// have changed it in between.
func (w *explainingWriter) explanation(m *dns.Msg) *explanation {
	v := w.explainer.v
	now, refused := v.now(), m.Rcode == dns.RcodeServerFailure
	x := w.slot.Load()
	if x == nil {
		return w.kept(m, now)
	}
	if x.finding.Status == dnssec.Bogus && x.finding.Reason != dnssec.Overloaded {
		v.cache.noteFailure(w.asked, x.finding, now)
		if !refused && w.checkingDisabled {
			return nil
		}
	}
	if !refused {
		v.cache.noteAnswer(w.asked, x, now)
	}
	return x
}

// kept returns the explanation of an answer that nobody judged just now. One with AD
// has none, and neither has what a client with CD is given.
func (w *explainingWriter) kept(m *dns.Msg, now time.Time) *explanation {
	v := w.explainer.v
	find := v.cache.lastAnswer
	switch {
	case m.Rcode == dns.RcodeServerFailure:
		find = v.cache.lastFailure
	case m.AuthenticatedData || w.checkingDisabled:
		return nil
	}
	finding, ok := find(w.asked, now)
	if !ok {
		return nil
	}
	x := explained(finding, v)
	return &x
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
