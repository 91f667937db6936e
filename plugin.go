// Package dnssecval is a CoreDNS plugin that validates the responses to forwarded queries with
// DNSSEC. It builds the authentication chain from a trust anchor down to the data. A secure
// answer has the AD bit. A bogus one is replaced by SERVFAIL with the reason.
package dnssecval

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/request"
	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// Handler is the validating handler of a server block. It stands directly before the plugins
// that query an upstream. Only the setup of the directive can make one.
type Handler struct {
	Next plugin.Handler
	*block
	engine    *validator.Validator
	exchanger *exchanger
	idle      bool // no forwarding plugin stands behind it
}

// Name implements plugin.Handler: the word of the Corefile.
func (h *Handler) Name() string { return h.directive }

// ServeDNS implements plugin.Handler. What it does not judge, questions with CD set among
// them, it passes on without AD.
//
// The plugins behind it run on the same stack. Its frame is kept small: to grow the stack for
// each question takes a tenth of the time of a validated answer.
func (h *Handler) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	cl := h.clientOf(ctx, w, r)
	if cl == nil {
		return h.pass(ctx, w, r)
	}
	answer, result := h.engine.Resolve(context.WithValue(ctx, clientKey{}, cl), r)
	return h.finish(ctx, cl, answer, result)
}

// finish writes the answer, or returns what the server is to write.
//
//go:noinline
func (h *Handler) finish(ctx context.Context, cl *client, answer *dns.Msg, result *validator.Result) (int, error) {
	if result.Err != nil {
		return h.unanswered(ctx, cl, result)
	}
	return h.answered(ctx, cl, answer, result)
}

// answered writes the answer, or returns SERVFAIL for the server to write.
func (h *Handler) answered(ctx context.Context, cl *client, answer *dns.Msg, result *validator.Result) (int, error) {
	h.record(ctx, cl, result, answer)
	if result.Reason == dnssec.Overloaded && !h.words.reportOnly || result.Reason == dnssec.AnswerUnavailable {
		return dns.RcodeServerFailure, nil // not written, since CoreDNS's cache would keep it
	}
	_ = cl.w.WriteMsg(answer)
	return dns.RcodeSuccess, nil
}

// pass forwards a request whose response is not validated. A DS is requested where the
// parent zone is forwarded to, since validating clients ask for it with CD set.
func (h *Handler) pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	next := h.Next
	if h.isInCharge(r) && r.Opcode == dns.OpcodeQuery && len(r.Question) == 1 && r.Question[0].Qtype == dns.TypeDS {
		next = h.exchanger.ownTarget(ctx, r.Question[0]).handler
	}
	return plugin.NextOrFailure(h.Name(), next, ctx, withoutAD{w}, r)
}

// isInCharge reports whether the handler has a validator for a request.
func (h *Handler) isInCharge(r *dns.Msg) bool {
	return !h.idle && h.words.zones.Matches(nameOf(r)) != ""
}

// nameOf returns the name that is asked for, in lower case.
func nameOf(r *dns.Msg) string { return (&request.Request{Req: r}).Name() }

// record counts the result, and enters it into the explanations, the log and the status page.
func (h *Handler) record(ctx context.Context, cl *client, result *validator.Result, answer *dns.Msg) {
	finding := result.Finding
	switch {
	case !result.Judged:
		explain(ctx, explanation{errors: result.ExtendedErrors()})
		return
	case !result.Repeated:
		cl.counters.countResponse(result, time.Since(cl.started))
		cl.counters.setCacheEntries(h.block, cl.now)
	case finding.Reason != dnssec.AnswerUnavailable: // else there was nothing to judge
		cl.counters.countFinding(finding)
	}
	x := explanationOf(result, h.engine)
	if !explain(ctx, x) {
		h.explanations.noteSecure(cl.question, x, maxTTL(answer), cl.now)
	}
	if finding.Status != dnssec.Bogus {
		h.explanations.forgetFailure(cl.question)
		return
	}
	if !result.Repeated && finding.Reason != dnssec.Overloaded {
		h.explanations.keepFailure(cl.question, x, h.now())
	}
	h.report(cl, h.engine, finding)
}

// unanswered returns what the forwarding plugin returned, so that the server answers as it
// would without this handler.
func (h *Handler) unanswered(ctx context.Context, cl *client, result *validator.Result) (int, error) {
	failure := new(noAnswer)
	if !errors.As(result.Err, &failure) {
		failure = &noAnswer{dns.RcodeServerFailure, result.Err}
	}
	if failure.ofUpstream() && ctx.Err() != context.Canceled && h.exchanger.Forwarded(cl.question.name) {
		x := explanationOf(result, h.engine)
		explain(ctx, x)
		if !errors.Is(result.Err, errSilent) {
			h.explanations.keepFailure(cl.question, x, h.now())
		}
		h.report(cl, h.engine, result.Finding)
	}
	return failure.rcode, failure.err
}

// withoutAD clears AD: the upstream's is never believed.
type withoutAD struct{ dns.ResponseWriter }

// WriteMsg implements dns.ResponseWriter.
func (w withoutAD) WriteMsg(m *dns.Msg) error {
	m.AuthenticatedData = false
	return w.ResponseWriter.WriteMsg(m)
}

// Write implements dns.ResponseWriter.
func (w withoutAD) Write(packed []byte) (int, error) { return writeUnpacked(w, packed) }

// question is a canonical name and a type.
type question struct {
	name  string
	qtype uint16
}

// questionOf returns the question of a request.
func questionOf(r *dns.Msg) question {
	return question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype}
}

// client is the client's question under way, and where its answer is written.
type client struct {
	observer
	w        dns.ResponseWriter
	name     string // the qname, in the client's spelling
	question question
	now      time.Time // by the clock of the block
	started  time.Time // by the clock of the machine
}

// clientKey is the key of the client in a context.
type clientKey struct{}

// clientOf returns the client of a request, or nil if the response is not judged.
//
//go:noinline
func (h *Handler) clientOf(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) *client {
	if !h.isInCharge(r) || !validator.Judges(r) {
		return nil
	}
	return h.newClient(ctx, w, r)
}

// newClient returns the client of a question.
func (b *block) newClient(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) *client {
	return &client{observer: observer{block: b, counters: b.metrics.forServer(b.serverOf(ctx))}, w: w,
		name: r.Question[0].Name, question: questionOf(r), now: b.now(), started: time.Now()}
}

// address returns the client's IP address, for the log.
func (c *client) address() string {
	host, _, err := net.SplitHostPort(c.w.RemoteAddr().String())
	if err != nil {
		return c.w.RemoteAddr().String()
	}
	return host
}

// newBlock makes the validators and handlers of a block from its settings. The warnings are
// for the log.
func newBlock(directive string, words *config) (b *block, warnings []string, err error) {
	b = &block{directive: directive, words: words, now: time.Now, metrics: metricsFor(directive), log: clog.NewWithPlugin(directive)}
	if b.explanations, err = newExplanations(words.capacity); err != nil {
		return nil, nil, err
	}
	if words.logFailures {
		b.failures = newFailureLog(b.log)
	}
	set, warnings, err := b.loadTrust()
	if err != nil {
		return nil, nil, err
	}
	if err := b.makeHandlers(set); err != nil {
		return nil, nil, err
	}
	b.trust.engines = b.engines()
	if !words.validate { // then the validating handler is not in the chain of plugins
		b.trust.engines = []*validator.Validator{b.server.engine, b.handler.engine}
	}
	return b, append(warnings, statuspage.Warnings(words.status)...), nil
}

// makeHandlers makes the validating handler, and with serve the server, each with a
// validator of its own: they ask different plugins.
func (b *block) makeHandlers(set *anchor.Set) (err error) {
	h := &Handler{block: b}
	h.exchanger = &exchanger{block: b, next: func() plugin.Handler { return h.Next }}
	b.handler = h
	if h.engine, err = b.newEngine(h.exchanger, b.words.options(set)); err != nil || !b.words.serve {
		return err
	}
	s := &Server{block: b}
	s.exchanger = &exchanger{block: b, next: func() plugin.Handler { return s.Next }}
	options := b.words.options(set)
	options.NoSynthesis, options.Served = true, func(name string) string { return s.served.Zone(name) }
	b.server = s
	s.engine, err = b.newEngine(s.exchanger, options)
	return err
}

// newEngine makes a validator that asks through an exchanger.
func (b *block) newEngine(c *exchanger, options validator.Options) (*validator.Validator, error) {
	options.Topology, options.Observe, options.Clock = c, b.observe, b.clock
	return validator.New(c, options)
}

// clock returns the time for the validators. Tests replace b.now later.
func (b *block) clock() time.Time { return b.now() }

// options returns the options of a validator that the words of the block set.
func (conf *config) options(set *anchor.Set) validator.Options {
	return validator.Options{
		Anchors: set, Policy: &conf.policy, Capacity: conf.capacity, At: conf.override, ReportOnly: conf.reportOnly, NoSynthesis: conf.noSynthesis,
	}
}
