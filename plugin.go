// Package dnssecval is a CoreDNS plugin that validates by DNSSEC what other plugins
// forward: it proves each answer from the trust anchors down, sets AD on what is proven,
// and answers SERVFAIL, with the reason, for what should be provable and is not.
package dnssecval

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/request"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// Handler is the validating handler of a server block. It stands directly before the
// plugins that ask an upstream. It has to be set up by the directive.
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
// The plugins behind it run on the same stack. It is kept small: growing the stack for
// each question costs a tenth of a validated answer.
func (h *Handler) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if h.idle || h.words.zones.Matches(nameOf(r)) == "" {
		return plugin.NextOrFailure(h.Name(), h.Next, ctx, withoutAD{w}, r)
	}
	if !validator.Judges(r) {
		return h.pass(ctx, w, r)
	}
	asked := h.newClient(ctx, w, r)
	answer, result := h.engine.Resolve(context.WithValue(ctx, clientKey{}, asked), r)
	if result.Err != nil {
		return h.unanswered(ctx, asked, result)
	}
	return h.answered(ctx, asked, answer, result)
}

// answered writes the answer, or leaves it to the server to write SERVFAIL.
func (h *Handler) answered(ctx context.Context, asked *client, answer *dns.Msg, result *validator.Result) (int, error) {
	h.record(ctx, asked, result, answer)
	if result.Reason == dnssec.Overloaded && !h.words.report || result.Reason == dnssec.AnswerUnavailable {
		return dns.RcodeServerFailure, nil // left to the server: CoreDNS's cache would keep it
	}
	_ = asked.w.WriteMsg(answer)
	return dns.RcodeSuccess, nil
}

// pass hands on a request that is not judged. Validators behind this one ask for a DS with
// CD set.
func (h *Handler) pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	next := h.Next
	if r.Opcode == dns.OpcodeQuery && len(r.Question) == 1 && r.Question[0].Qtype == dns.TypeDS {
		next = h.exchanger.ownTarget(ctx, r.Question[0]).handler
	}
	return plugin.NextOrFailure(h.Name(), next, ctx, withoutAD{w}, r)
}

// nameOf returns the name that is asked for, in lower case.
func nameOf(r *dns.Msg) string { return (&request.Request{Req: r}).Name() }

// record counts the result, and tells the client, the log and the status page of it.
func (h *Handler) record(ctx context.Context, asked *client, result *validator.Result, answer *dns.Msg) {
	finding := result.Finding
	switch {
	case !result.Judged:
		explain(ctx, explanation{errors: result.ExtendedErrors()})
		return
	case !result.Repeated:
		asked.counters.judged(result, time.Since(asked.started))
		asked.counters.sized(h.block, asked.now)
	case finding.Reason != dnssec.AnswerUnavailable: // else there was nothing to judge
		asked.counters.counted(finding)
	}
	x := explanationOf(result, h.engine)
	if !explain(ctx, x) {
		h.kept.noteSecure(asked.question, x, maxTTL(answer), asked.now)
	}
	if finding.Status != dnssec.Bogus {
		h.kept.forgetFailure(asked.question)
		return
	}
	if !result.Repeated && finding.Reason != dnssec.Overloaded {
		h.kept.keepFailure(asked.question, x, h.now())
	}
	h.report(asked, h.engine, finding)
}

// unanswered leaves it to the server to answer, as if the handler did not stand between.
func (h *Handler) unanswered(ctx context.Context, asked *client, result *validator.Result) (int, error) {
	failure := new(noAnswer)
	if !errors.As(result.Err, &failure) {
		failure = &noAnswer{dns.RcodeServerFailure, result.Err}
	}
	if failure.ofUpstream() && ctx.Err() != context.Canceled && h.exchanger.Forwarded(asked.question.name) {
		x := explanationOf(result, h.engine)
		explain(ctx, x)
		if !errors.Is(result.Err, errSilent) {
			h.kept.keepFailure(asked.question, x, h.now())
		}
		h.report(asked, h.engine, result.Finding)
	}
	return failure.rcode, failure.err
}

// withoutAD clears AD: the upstream's is never believed.
type withoutAD struct{ dns.ResponseWriter }

func (w withoutAD) WriteMsg(m *dns.Msg) error {
	m.AuthenticatedData = false
	return w.ResponseWriter.WriteMsg(m)
}

// question is a canonical name and a type.
type question struct {
	name  string
	qtype uint16
}

func questionOf(r *dns.Msg) question {
	return question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype}
}

// client is who asked a question, on its way to the upstream.
type client struct {
	observer
	w        dns.ResponseWriter
	name     string // as it was asked for
	question question
	now      time.Time
	started  time.Time
}

type clientKey struct{}

// newClient returns the client of a question.
func (b *block) newClient(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) *client {
	return &client{observer: observer{block: b, counters: b.metrics.of(b.serverOf(ctx))}, w: w,
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
