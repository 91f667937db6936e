// Package dnssecval is a CoreDNS plugin that validates what other plugins forward:
// it proves each answer from the trust anchors down, sets AD on what is proven, and
// answers SERVFAIL, with the reason, for what ought to be provable and is not.
package dnssecval

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/request"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

// Validator is the handler that stands directly before the plugins that ask an
// upstream. It has to be set up by the directive: the zero value has no anchors.
type Validator struct {
	Next plugin.Handler

	directive  string
	zones      plugin.Zones
	policy     dnssec.Policy
	anchors    *trustAnchors
	sources    sources
	rollovers  *rollovers        // nil without auto-trust-anchor
	configured *anchorSet        // what the sources said last, without what rollovers learned
	seen       [sha256.Size]byte // of the sources, when they were read
	unproven   *sync.Map         // zones whose anchors matched no key when they were last tried, with the set that they were told of
	routes     *routes
	cache      *cache
	turns      *turns
	home       string                  // the address that stands for the block where no client asked
	besides    map[string][]*Validator // by address: those of the blocks that listen there, this one too
	flights    singleflight.Group
	metrics    *metricSet
	log        clog.P
	failures   *failureLog  // nil without log-failures
	signal     bool         // tell which keys are trusted (RFC 8145)
	proved     onceEach     // zones whose anchors were said to hold
	told       *onceEach    // private zones that were logged
	idle       bool         // there is no asker behind it
	report     bool         // insecure: judge, count and log, but never refuse
	serves     *servedZones // nil but in a Server
	override   time.Time    // judge at that time; zero: now
	now        func() time.Time
}

// patience is how long a client's question may take in all; stubs wait 5 s.
const patience = 4500 * time.Millisecond

// Name implements plugin.Handler: the word of the Corefile.
func (v *Validator) Name() string { return v.directive }

// ServeDNS implements plugin.Handler. What it does not judge, questions with CD set
// among them, it passes on without AD.
func (v *Validator) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	state := request.Request{W: w, Req: r}
	if v.idle || r.Opcode != dns.OpcodeQuery || state.QClass() != dns.ClassINET || v.zones.Matches(state.Name()) == "" {
		return plugin.NextOrFailure(v.Name(), v.Next, ctx, unvouched{w}, r)
	}
	if state.QType() == dns.TypeNXNAME { // RFC 9824, section 3.5: not to be forwarded
		explain(ctx, explanation{code: dns.ExtendedErrorCodeInvalidQueryType, text: "NXNAME can't be asked for"})
		return v.refuse(w, r, dns.RcodeFormatError)
	}
	if r.CheckingDisabled {
		return plugin.NextOrFailure(v.Name(), v.Next, ctx, unvouched{w}, r)
	}
	return v.validate(ctx, w, r)
}

// validate asks, judges, and answers by what was found.
func (v *Validator) validate(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	q := v.newQuery(ctx, w, r)
	if kept, ok := v.cache.failure(q.question, q.now); ok && !v.report {
		if kept.Reason != dnssec.AnswerUnavailable { // there was nothing to judge
			v.metrics.counted(q.server, kept)
		}
		v.tell(q, kept)
		return v.fail(w, r, kept.Reason)
	}
	q.speculate()
	msg, rcode, err := q.answer()
	if msg == nil {
		return v.unanswered(q, rcode, err)
	}
	result := q.judgeAndRetry(&msg)
	v.metrics.judged(q.server, result.Finding, time.Since(start))
	v.metrics.hashed(q.server, q.verifier.Budget.Spent().Hashes)
	v.metrics.sized(q.server, v)

	if result.Status == dnssec.Bogus {
		// That the client gave up, or that there is too much to do, says nothing of the name.
		if ctx.Err() != context.Canceled && result.Reason != dnssec.Overloaded {
			v.cache.keepFailure(q.question, result.Finding, v.now())
		}
		v.tell(q, result.Finding)
		if !v.report {
			return v.fail(w, r, result.Reason)
		}
	} else {
		v.cache.forgetFailure(q.question)
		explainFinding(ctx, result.Finding)
	}
	if !v.report && v.sentinelRefuses(q.question, result.Status) {
		return v.refuse(w, r, dns.RcodeServerFailure)
	}
	_ = w.WriteMsg(reply(r, msg, result))
	return dns.RcodeSuccess, nil
}

// tell explains a failure to whoever listens: the client by EDE, the operator by log. Of
// questions without an answer the plugin errors has a line.
func (v *Validator) tell(q *query, f dnssec.Finding) {
	explainFinding(q.ctx, f)
	if v.failures != nil && f.Reason != dnssec.AnswerUnavailable {
		v.failures.log(q.question, q.client(), f, q.now)
	}
}

// unanswered keeps for a moment that there was no answer (RFC 9520, section 3.1), and
// leaves it to the server to say so, as if nobody stood between.
func (v *Validator) unanswered(q *query, rcode int, err error) (int, error) {
	if rcode == dns.RcodeServerFailure && err != nil && q.ctx.Err() != context.Canceled && v.routes.forwards(q.question.name) {
		finding := dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.AnswerUnavailable, Detail: err.Error()}
		if !errors.Is(err, errSilent) {
			v.cache.keepFailure(q.question, finding, v.now())
		}
		v.tell(q, finding)
	}
	return rcode, err
}

// fail answers SERVFAIL. What is not the name's fault is left to who stands outside of
// CoreDNS's cache, which would keep it.
func (v *Validator) fail(w dns.ResponseWriter, r *dns.Msg, reason dnssec.Reason) (int, error) {
	if reason == dnssec.Overloaded || reason == dnssec.AnswerUnavailable {
		return dns.RcodeServerFailure, nil
	}
	return v.refuse(w, r, dns.RcodeServerFailure)
}

// refuse answers without any data. It writes for itself: returning the code too
// would make the server write a second reply.
func (v *Validator) refuse(w dns.ResponseWriter, r *dns.Msg, rcode int) (int, error) {
	m := new(dns.Msg).SetRcode(r, rcode)
	m.RecursionAvailable = v.serves == nil
	_ = w.WriteMsg(m)
	return dns.RcodeSuccess, nil
}

// onServer returns the validators of the blocks that listen on the address.
func (v *Validator) onServer(address string) []*Validator {
	if beside, ok := v.besides[address]; ok {
		return beside
	}
	return []*Validator{v}
}

// unvouched clears AD: the upstream's word for it is never believed.
type unvouched struct{ dns.ResponseWriter }

func (w unvouched) WriteMsg(m *dns.Msg) error {
	m.AuthenticatedData = false
	return w.ResponseWriter.WriteMsg(m)
}

// server returns the label of the metrics: the address that the question came to.
func (v *Validator) server(ctx context.Context) string {
	if server := metrics.WithServer(ctx); server != "" {
		return server
	}
	return v.home
}
