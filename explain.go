package dnssecval

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// explainer is the outermost handler of the block. The cache plugin stands between it and the
// validating handler. That plugin drops the OPT record, so explainer adds the Extended DNS
// Errors (RFC 8914) to the answer. It clears AD if the cache plugin kept the answer for longer
// than its signatures are valid. It also publishes the outcome to the metadata plugin.
type explainer struct {
	next  plugin.Handler
	block *block
}

// explanation is what was found about an answer.
type explanation struct {
	errors  []*dns.EDNS0_EDE // may be empty
	finding validator.Finding
	expires time.Time            // until when a Secure answer may have AD
	engine  *validator.Validator // nil if the answer was not judged
}

// explanationOf returns the explanation of a result of a validator.
func explanationOf(r *validator.Result, engine *validator.Validator) explanation {
	return explanation{errors: r.ExtendedErrors(), finding: r.Finding, expires: r.Expires, engine: engine}
}

// explanationSlot has the explanation of a question under way. The nested one is that of the
// last question that a plugin sent to the server meanwhile, such as that for the target of an
// ExternalName.
type explanationSlot struct {
	own, nested atomic.Pointer[explanation]
}

// explanationKey is the key of the explanationSlot in a context.
type explanationKey struct{}

// Name implements plugin.Handler.
func (e *explainer) Name() string { return e.block.directive }

// ServeDNS implements plugin.Handler. Its frame is kept small, as those of Handler are.
func (e *explainer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (rcode int, err error) {
	dnssec.GrowStack()
	ctx, explaining := e.begin(ctx, w, r)
	if e.next == nil || e.block.traced {
		rcode, err = plugin.NextOrFailure(e.Name(), e.next, ctx, explaining, r)
	} else {
		rcode, err = e.next.ServeDNS(ctx, explaining, r)
	}
	return explaining.finish(r, rcode), err
}

// begin returns the writer of a question, and a context in which its explanation is noted.
//
//go:noinline
func (e *explainer) begin(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (context.Context, *explainingWriter) {
	explaining := e.newWriter(w, r)
	explaining.outer, _ = ctx.Value(explanationKey{}).(*explanationSlot)
	explaining.publish(ctx)
	return context.WithValue(ctx, explanationKey{}, &explaining.slot), explaining
}

// finish writes what the server would write after a response code, but with the Extended DNS
// Errors, if there are any. It returns what is left for the server to do.
//
//go:noinline
func (w *explainingWriter) finish(r *dns.Msg, rcode int) int {
	if x := w.slot.own.Load(); plugin.ClientWrite(rcode) || x == nil || len(x.errors) == 0 {
		return rcode
	}
	_ = w.WriteMsg(new(dns.Msg).SetRcode(r, rcode))
	return dns.RcodeSuccess
}

// newWriter notes what the client asked: the plugin rewrite changes the request in place.
func (e *explainer) newWriter(w dns.ResponseWriter, r *dns.Msg) *explainingWriter {
	return &explainingWriter{ResponseWriter: w, block: e.block, opt: r.IsEdns0(), checkingDisabled: r.CheckingDisabled, asked: questionOf(r)}
}

// explain passes an explanation to the outermost handler. It returns false if there is none,
// as when the cache plugin prefetches. The plugin autopath asks for several names, and the
// client gets the last answer.
func explain(ctx context.Context, x explanation) (passed bool) {
	slot, ok := ctx.Value(explanationKey{}).(*explanationSlot)
	if ok {
		slot.own.Store(&x)
	}
	return ok
}

// explainingWriter adds the explanation to the message that is written.
type explainingWriter struct {
	dns.ResponseWriter
	block            *block
	slot             explanationSlot
	outer            *explanationSlot // of the question for which a plugin asks this one; may be nil
	asked            question
	opt              *dns.OPT // nil for a client without EDNS
	checkingDisabled bool

	written       *explanation // of the message that was written
	authenticated bool         // the message that was written has AD
}

// WriteMsg adds the Extended DNS Errors for a client with EDNS. A client without EDNS gets
// no OPT record, also if rewrite has added EDNS for the plugins behind (RFC 6891, section
// 6.1.1). The message may be the cache's, so it is copied.
func (w *explainingWriter) WriteMsg(m *dns.Msg) error {
	now := w.block.now()
	x := w.explanation(m, now)
	m = w.limited(m, x, now)
	w.written, w.authenticated = x, m.AuthenticatedData
	if w.outer != nil {
		w.outer.nested.Store(x)
	}
	switch {
	case w.opt == nil && m.IsEdns0() != nil:
		m = withoutOPT(m)
	case w.opt != nil && x != nil && len(x.errors) > 0:
		m = withExtendedErrors(m, w.opt, x.errors)
	}
	return w.ResponseWriter.WriteMsg(m)
}

// explanation returns what was found of this answer, or, if the answer comes from a cache,
// what is kept. A new one is kept under the name that the client used, which rewrite may
// have changed for the plugins behind.
func (w *explainingWriter) explanation(m *dns.Msg, now time.Time) *explanation {
	kept := w.block.explanations
	refused := m.Rcode == dns.RcodeServerFailure
	x := w.slot.own.Load()
	if x == nil {
		return w.keptExplanation(m, now)
	}
	failed := x.finding.Status == dnssec.Bogus && x.finding.Reason != dnssec.Overloaded
	if failed || refused && len(x.errors) > 0 {
		kept.noteFailure(w.asked, *x, now)
	}
	kept.noteSecure(w.asked, *x, maxTTL(m), now)
	switch {
	case failed && !refused && w.checkingDisabled:
		return nil
	case failed && !refused && w.isStale(m, x):
		return w.stale(m, "stale: kept by the cache, since a new answer fails: "+x.finding.String(), now)
	case !refused:
		kept.noteAnswer(w.asked, *x, now)
	}
	return x
}

// isStale reports whether the cache plugin gave an answer to a question that failed, past the
// TTL of the answer (serve_stale verify). Otherwise dns64 gave it.
func (w *explainingWriter) isStale(m *dns.Msg, failure *explanation) bool {
	return !w.block.words.reportOnly && (m.AuthenticatedData || failure.finding.Reason.Unavailable() || !w.block.dns64)
}

// stale returns the explanation of an answer past its TTL (RFC 8914, sections 4.4 and 4.20).
func (w *explainingWriter) stale(m *dns.Msg, text string, now time.Time) *explanation {
	code := uint16(dns.ExtendedErrorCodeStaleAnswer)
	if m.Rcode == dns.RcodeNameError {
		code = dns.ExtendedErrorCodeStaleNXDOMAINAnswer
	}
	x := &explanation{errors: []*dns.EDNS0_EDE{{InfoCode: code, ExtraText: text[:min(len(text), 255)]}}}
	if until, ok := w.block.explanations.secureUntil(w.asked, now); m.AuthenticatedData && (!ok || now.Before(until)) {
		x.finding = dnssec.Proven
	}
	return x
}

// keptExplanation returns the explanation of an answer that was not validated just now. An
// answer with AD has none unless it is stale. An answer for a client with CD has none.
func (w *explainingWriter) keptExplanation(m *dns.Msg, now time.Time) *explanation {
	kept := w.block.explanations
	entries := kept.answers
	switch {
	case m.Rcode == dns.RcodeServerFailure:
		entries = kept.failures
	case w.checkingDisabled:
		return nil
	case m.AuthenticatedData && expired(m):
		return w.stale(m, "stale: kept by the cache past its TTL", now)
	case m.AuthenticatedData:
		return nil
	}
	if entry, ok := entries.Get(w.asked); ok && now.Before(entry.until) {
		return &entry.explanation
	}
	if x := w.slot.nested.Load(); x != nil && x.finding.Status == dnssec.Bogus && m.Rcode == dns.RcodeSuccess && !m.AuthenticatedData {
		kept.noteAnswer(w.asked, *x, now)
		return x
	}
	return nil
}

// withoutOPT returns a copy of m without OPT record.
func withoutOPT(m *dns.Msg) *dns.Msg {
	out := *m
	out.Extra = slices.DeleteFunc(slices.Clone(m.Extra), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
	return &out
}

// withExtendedErrors returns a copy of m whose OPT record has the Extended DNS Errors and the
// options of other plugins. It replaces Extended DNS Errors that are there already, as in the
// answer of the validating handler, or to a question of dns64.
func withExtendedErrors(m *dns.Msg, opt *dns.OPT, errors []*dns.EDNS0_EDE) *dns.Msg {
	own := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	own.SetUDPSize(opt.UDPSize())
	if opt.Do() {
		own.SetDo()
	}
	if there := m.IsEdns0(); there != nil {
		own.Option = slices.DeleteFunc(slices.Clone(there.Option), func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0EDE })
	}
	for _, ede := range errors {
		own.Option = append(own.Option, ede)
	}
	out := withoutOPT(m)
	out.Extra = append(out.Extra, own)
	return out
}

// nothing is the metadata for what is not known.
const nothing = "none"

// publish sets the metadata of the answer, for the plugins log, dnstap and others. The values
// are read once the answer is written.
func (w *explainingWriter) publish(ctx context.Context) {
	if metadata.ValueFuncs(ctx) == nil {
		return
	}
	metadata.SetValueFunc(ctx, "dnssec/status", func() string {
		if status, ok := w.status(); ok {
			return status.String()
		}
		return nothing
	})
	metadata.SetValueFunc(ctx, "dnssec/reason", func() string {
		if x := w.found(); x != nil {
			return x.finding.Reason.String()
		}
		return dnssec.ReasonNone.String()
	})
	metadata.SetValueFunc(ctx, "dnssec/zone", w.zone)
}

// status returns the status of the answer that was written. The boolean is false if it was not
// validated. Of an answer from a cache only the AD bit or the explanation is known.
func (w *explainingWriter) status() (status dnssec.Status, ok bool) {
	if x := w.found(); x != nil {
		return x.finding.Status, x.engine != nil
	}
	return dnssec.Secure, w.authenticated
}

// found returns the explanation of the answer that was written. If none was written, it is
// the explanation of the question.
func (w *explainingWriter) found() *explanation {
	if w.written != nil {
		return w.written
	}
	return w.slot.own.Load()
}

// zone returns the closest zone that is known of the answer that was written.
func (w *explainingWriter) zone() string {
	if _, judged := w.status(); !judged {
		return nothing
	}
	engine := w.block.handler.engine
	if x := w.found(); x != nil {
		engine = x.engine
	}
	if zone, ok := engine.ZoneOf(w.asked.name, w.asked.qtype); ok {
		return zone
	}
	return nothing
}
