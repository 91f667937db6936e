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
	"github.com/dnssecval/dnssecval/internal/statuspage"
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
	denials    *denials                // nil without aggressive use
	home       string                  // the address that stands for the block where no client asked
	besides    map[string][]*Validator // by address: those of the blocks that listen there, this one too
	flights    singleflight.Group
	metrics    *metricSet
	log        clog.P
	failures   *failureLog         // nil without log-failures
	journal    *statuspage.Journal // nil without status
	signal     bool                // tell which keys are trusted (RFC 8145)
	proved     onceEach            // zones whose anchors were said to hold
	told       *onceEach           // private zones that were logged
	idle       bool                // there is no forwarding plugin behind it
	report     bool                // insecure: judge, count and log, but never refuse
	serves     *servedZones        // nil but in a Server
	override   time.Time           // judge at that time; zero: now
	now        func() time.Time
}

// patience is how long a client's question may take in all; stubs wait 5 s.
const patience = 4500 * time.Millisecond

// Name implements plugin.Handler: the word of the Corefile.
func (v *Validator) Name() string { return v.directive }

// ServeDNS implements plugin.Handler. What it does not judge, questions with CD set
// among them, it passes on without AD.
//
// The plugins behind it run on the same stack. It is kept small here: one that has to
// grow for each question costs a tenth of a validated answer.
func (v *Validator) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if v.idle || r.CheckingDisabled && r.Question[0].Qtype != dns.TypeNXNAME || !v.concerns(r) {
		return plugin.NextOrFailure(v.Name(), v.Next, ctx, unvouched{w}, r)
	}
	if r.Question[0].Qtype == dns.TypeNXNAME { // RFC 9824, section 3.5: not to be forwarded
		explain(ctx, explanation{code: dns.ExtendedErrorCodeInvalidQueryType, text: "NXNAME can't be asked for"})
		return v.refuse(w, r, dns.RcodeFormatError)
	}
	return v.validate(ctx, w, r)
}

// concerns tells whether a question is of the kind and the zones that are judged.
func (v *Validator) concerns(r *dns.Msg) bool {
	state := request.Request{Req: r}
	return r.Opcode == dns.OpcodeQuery && state.QClass() == dns.ClassINET && v.zones.Matches(state.Name()) != ""
}

// validate asks, judges, and answers by what was found.
func (v *Validator) validate(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	q := v.newQuery(ctx, w, r)
	if kept, ok := q.failedBefore(); ok {
		return v.fail(w, r, kept.Reason)
	}
	known := q.closestZone()
	if msg, result := q.synthesize(known); msg != nil {
		return q.conclude(msg, result)
	}
	q.speculate(known)
	a := q.asking()
	if a.ask(); a.msg == nil {
		return q.unanswered(a.rcode, a.err)
	}
	return q.judge(a.msg)
}

// failedBefore tells whether and why the question failed a moment ago, and is not to be
// asked again yet.
func (q *query) failedBefore() (dnssec.Finding, bool) {
	kept, ok := q.v.cache.failure(q.question, q.now)
	if !ok || q.v.report {
		return kept, false
	}
	if kept.Reason != dnssec.AnswerUnavailable { // there was nothing to judge
		q.counters.counted(kept)
	}
	q.v.tell(q, kept)
	return kept, true
}

// unanswered keeps for a moment that there was no answer (RFC 9520, section 3.1), and
// leaves it to the server to say so, as if nobody stood between.
func (q *query) unanswered(rcode int, err error) (int, error) {
	v := q.v
	if rcode == dns.RcodeServerFailure && err != nil && q.ctx.Err() != context.Canceled && v.routes.forwards(q.question.name) {
		finding := dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.AnswerUnavailable, Detail: err.Error()}
		if !errors.Is(err, errSilent) {
			v.cache.keepFailure(q.question, finding, v.now())
		}
		v.tell(q, finding)
	}
	return rcode, err
}

// judge finds out the status of the response, and answers by it.
func (q *query) judge(msg *dns.Msg) (int, error) {
	result := q.judgeAndRetry(&msg)
	return q.conclude(msg, result)
}

// conclude answers the client, and tells what was found to whoever wants to know.
func (q *query) conclude(msg *dns.Msg, result *Result) (int, error) {
	v := q.v
	q.counters.judged(result.Finding, time.Since(q.started))
	q.counters.hashed(q.verifier.Budget.Spent().Hashes)
	q.counters.sized(v, q.now)
	if result.Status == dnssec.Bogus {
		// That the client gave up, or that there is too much to do, says nothing of the name.
		if q.ctx.Err() != context.Canceled && result.Reason != dnssec.Overloaded {
			v.cache.keepFailure(q.question, result.Finding, v.now())
		}
		v.tell(q, result.Finding)
		if !v.report {
			return v.fail(q.w, q.request, result.Reason)
		}
	} else {
		v.cache.forgetFailure(q.question)
		q.explain(result.Finding)
	}
	if !v.report && v.sentinelRefuses(q.question, result.Status) {
		return v.refuse(q.w, q.request, dns.RcodeServerFailure)
	}
	_ = q.w.WriteMsg(reply(q.request, msg, result))
	return dns.RcodeSuccess, nil
}

// tell explains a failure to whoever listens: the client by EDE, the operator by log. Of
// questions without an answer the plugin errors has a line.
func (v *Validator) tell(q *query, f dnssec.Finding) {
	q.explain(f)
	v.noteInJournal(q, f)
	if v.failures != nil && f.Reason != dnssec.AnswerUnavailable {
		v.failures.log(q.question, q.client(), f, q.now)
	}
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
