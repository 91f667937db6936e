package dnssecval

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
)

// explainer is the outermost handler of the block. It adds the Extended DNS Error (RFC
// 8914) to the answer, since the cache plugin, which stands between it and the validating
// handler, drops the OPT record. The metadata plugin gets the outcome from it, too.
type explainer struct {
	next  plugin.Handler
	block *block
}

// explanation is what was found of an answer, on its way to the client.
type explanation struct {
	ede     *dns.EDNS0_EDE // may be nil
	finding validator.Finding
	judge   *validator.Validator // nil if the answer was not judged
}

func explanationOf(f validator.Finding, judge *validator.Validator) explanation {
	return explanation{ede: validator.ExtendedError(f), finding: f, judge: judge}
}

type explanationKey struct{}

// Name implements plugin.Handler.
func (e *explainer) Name() string { return e.block.directive }

// ServeDNS implements plugin.Handler.
func (e *explainer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	explaining := e.newWriter(w, r)
	explaining.publish(ctx)
	ctx = context.WithValue(ctx, explanationKey{}, &explaining.slot)
	rcode, err := plugin.NextOrFailure(e.Name(), e.next, ctx, explaining, r)
	if x := explaining.slot.Load(); plugin.ClientWrite(rcode) || x == nil || x.ede == nil {
		return rcode, err
	}
	_ = explaining.WriteMsg(new(dns.Msg).SetRcode(r, rcode)) // what the server would write, without the EDE
	return dns.RcodeSuccess, err
}

// newWriter notes what the client asked: the plugin rewrite changes the request in place.
func (e *explainer) newWriter(w dns.ResponseWriter, r *dns.Msg) *explainingWriter {
	return &explainingWriter{ResponseWriter: w, block: e.block, opt: r.IsEdns0(), checkingDisabled: r.CheckingDisabled, asked: questionOf(r)}
}

// explain leaves an explanation for the client, if the outermost handler is in the chain.
// Autopath asks for several names: the last answer is the one that the client gets.
func explain(ctx context.Context, x explanation) {
	if slot, ok := ctx.Value(explanationKey{}).(*atomic.Pointer[explanation]); ok {
		slot.Store(&x)
	}
}

// explainingWriter adds the explanation to the message that is written.
type explainingWriter struct {
	dns.ResponseWriter
	block            *block
	slot             atomic.Pointer[explanation]
	asked            question
	opt              *dns.OPT // nil for a client without EDNS
	checkingDisabled bool

	written       *explanation // of the message that was written
	authenticated bool         // that message has AD
}

// WriteMsg adds the Extended DNS Error for a client with EDNS. A client without EDNS gets
// no OPT record, also if rewrite has added EDNS for the plugins behind (RFC 6891, section
// 6.1.1). The message may be the cache's, so it is copied.
func (w *explainingWriter) WriteMsg(m *dns.Msg) error {
	w.written, w.authenticated = w.explanation(m), m.AuthenticatedData
	switch {
	case w.opt == nil && m.IsEdns0() != nil:
		m = withoutOPT(m)
	case w.opt != nil && w.written != nil && w.written.ede != nil:
		m = withExtendedError(m, w.opt, w.written.ede)
	}
	return w.ResponseWriter.WriteMsg(m)
}

// withoutOPT returns a copy of m without OPT record.
func withoutOPT(m *dns.Msg) *dns.Msg {
	out := *m
	out.Extra = slices.DeleteFunc(slices.Clone(m.Extra), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
	return &out
}

// explanation returns what was found of this answer, or, if the answer comes from a cache,
// what is kept. A new one is kept under the name that the client used, which rewrite may
// have changed for the plugins behind.
func (w *explainingWriter) explanation(m *dns.Msg) *explanation {
	kept := w.block.kept
	now, refused := w.block.now(), m.Rcode == dns.RcodeServerFailure
	x := w.slot.Load()
	if x == nil {
		return w.keptExplanation(m, now)
	}
	if x.finding.Status == dnssec.Bogus && x.finding.Reason != dnssec.Overloaded {
		kept.noteFailure(w.asked, x.finding, now)
		if !refused && w.checkingDisabled {
			return nil
		}
	}
	if !refused {
		kept.noteAnswer(w.asked, x, now)
	}
	return x
}

// keptExplanation returns the explanation of an answer that was not judged just now. One
// with AD has none, and neither has the answer for a client with CD.
func (w *explainingWriter) keptExplanation(m *dns.Msg, now time.Time) *explanation {
	entries := w.block.kept.answers
	switch {
	case m.Rcode == dns.RcodeServerFailure:
		entries = w.block.kept.failures
	case m.AuthenticatedData || w.checkingDisabled:
		return nil
	}
	entry, ok := entries.Get(w.asked)
	if !ok || !now.Before(entry.expires) {
		return nil
	}
	x := explanationOf(entry.finding, w.block.handler.engine)
	return &x
}

// withExtendedError returns a copy of m whose OPT record has the Extended DNS Error, beside
// the options of other plugins. There may be one already: in the answer to a question of
// another plugin of the block (dns64), and in that of the validating handler.
func withExtendedError(m *dns.Msg, opt *dns.OPT, ede *dns.EDNS0_EDE) *dns.Msg {
	own := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	own.SetUDPSize(opt.UDPSize())
	if opt.Do() {
		own.SetDo()
	}
	if there := m.IsEdns0(); there != nil {
		own.Option = slices.DeleteFunc(slices.Clone(there.Option), func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0EDE })
	}
	own.Option = append(own.Option, ede)
	out := withoutOPT(m)
	out.Extra = append(out.Extra, own)
	return out
}

const (
	failureExplained = 5 * time.Minute // the longest that CoreDNS's cache keeps a SERVFAIL
	answerExplained  = time.Hour       // the longest that it keeps other answers, by default
)

// explanations keeps what was found of questions, for as long as CoreDNS's cache may
// answer them. It is bounded, and evicts what was used longest ago.
type explanations struct {
	failures *lru.Cache[question, keptFinding] // of those that were refused
	answers  *lru.Cache[question, keptFinding] // of those that were answered
}

type keptFinding struct {
	finding validator.Finding
	expires time.Time
}

func newExplanations(capacity int) (*explanations, error) {
	failures, err := lru.New[question, keptFinding](capacity)
	if err != nil {
		return nil, err
	}
	answers, err := lru.New[question, keptFinding](capacity)
	return &explanations{failures, answers}, err
}

// keepFailure keeps why a question failed.
func (e *explanations) keepFailure(q question, f validator.Finding, now time.Time) {
	e.failures.Add(q, keptFinding{f, now.Add(failureExplained)})
}

// noteFailure keeps why a question failed, if nothing is kept of it.
func (e *explanations) noteFailure(q question, f validator.Finding, now time.Time) {
	if kept, ok := e.failures.Peek(q); !ok || !now.Before(kept.expires) {
		e.keepFailure(q, f, now)
	}
}

// forgetFailure is for a question that was answered.
func (e *explanations) forgetFailure(q question) { e.failures.Remove(q) }

// forgetUnavailable forgets the questions that an upstream did not answer.
func (e *explanations) forgetUnavailable() {
	for _, q := range e.failures.Keys() {
		if kept, ok := e.failures.Peek(q); ok && kept.finding.Reason.Unavailable() {
			e.failures.Remove(q)
		}
	}
}

// noteAnswer keeps what an Extended DNS Error says of an answer that is passed on. There
// are few such answers.
func (e *explanations) noteAnswer(q question, x *explanation, now time.Time) {
	switch {
	case x.judge != nil && x.ede != nil:
		e.answers.Add(q, keptFinding{x.finding, now.Add(answerExplained)})
	case e.answers.Len() > 0:
		e.answers.Remove(q)
	}
}
