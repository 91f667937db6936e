package validator

import (
	"context"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// query is one client's question under way, and what it may cost. Goroutines of the same
// query share it.
type query struct {
	v        *Validator
	ctx      context.Context
	request  *dns.Msg
	question question
	started  time.Time
	now      time.Time // for the caches; the verifier's time may be Options.At
	observer Observer
	anchors  *anchor.Set
	verifier dnssec.Verifier
	ahead    *ahead

	premise
}

// premise is what is known of a question before it is asked, and how it was asked last.
type premise struct {
	probing   bool   // the query finds out whether an outage has ended
	hadFailed bool   // the question failed a while ago
	unlikely  string // a name above at which no zone cut was expected
	plain     bool   // it was asked with nothing of the client's but name and type
}

// question is a canonical name and a type.
type question struct {
	name  string
	qtype uint16
}

// newQuery returns the query of a request, with a budget of its own.
func (v *Validator) newQuery(ctx context.Context, r *dns.Msg) *query {
	own := new(struct { // in one piece of memory
		query
		ahead
		ledger
	})
	q := &own.query
	*q = query{
		v: v, ctx: ctx, request: r, started: time.Now(), now: v.options.Clock(), observer: v.observer(ctx), anchors: v.anchors.Load(),
		question: question{dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype},
		ahead:    &own.ahead,
	}
	own.ledger = ledger{v.cache, q.observer}
	q.verifier = dnssec.Verifier{Now: q.now, Policy: *v.options.Policy, Budget: dnssec.NewBudget(v.turns), Ledger: &own.ledger}
	if !v.options.At.IsZero() {
		q.verifier.Now = v.options.At
	}
	return q
}

// observer returns the Observer of a question.
func (v *Validator) observer(ctx context.Context) Observer {
	if o := v.options.Observe(ctx); o != nil {
		return o
	}
	return NopObserver{}
}

// answerUnasked answers a question whose response is not to be judged, or whose answer is
// known. Otherwise it returns no result.
//
//go:noinline
func (q *query) answerUnasked() (*dns.Msg, *Result) {
	switch {
	case !Judges(q.request):
		return q.pass()
	case q.question.qtype == dns.TypeNXNAME:
		result := &Result{shape: shape{rcode: dns.RcodeFormatError, errors: []*dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeInvalidQueryType, ExtraText: "NXNAME can't be asked for"}}}}
		return result.refuse(q.request), result
	default:
		return q.answerKnown()
	}
}

// answerKnown answers the question from what is proven, or else with its failure of a moment
// ago: a probe of an outage has to be asked. Otherwise it asks for what is at the likely next
// zone cut, and returns no result.
func (q *query) answerKnown() (*dns.Msg, *Result) {
	home := container(q.question.name, q.question.qtype)
	known := q.closestZone(home)
	if msg, result := q.synthesize(known); msg != nil {
		return q.conclude(msg, result)
	}
	if kept, ok := q.failedBefore(); ok {
		result := &Result{Finding: kept, shape: shape{rcode: dns.RcodeServerFailure}, Judged: true, Repeated: true}
		return result.refuse(q.request), result
	}
	q.unlikely = q.speculate(home, known)
	return nil, nil
}

// answer judges the response to the question, and makes the answer for the client.
//
//go:noinline
func (q *query) answer(msg *dns.Msg, err error) (*dns.Msg, *Result) {
	if err != nil {
		return q.unanswered(err)
	}
	result := q.judgeAndRetry(&msg)
	q.noteOutcome(result)
	if q.unlikely != "" {
		q.noteDelegation(q.unlikely, q.keptCut(q.unlikely))
	}
	return q.conclude(withOwnSections(msg), result)
}

// unanswered caches for a moment that there was no response (RFC 9520, section 3.1).
func (q *query) unanswered(err error) (*dns.Msg, *Result) {
	result := &Result{Finding: dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.AnswerUnavailable, Detail: err.Error()}, shape: shape{rcode: dns.RcodeServerFailure}, Err: err}
	if q.plain && !isNotAsked(err) && !q.probing && !q.gaveUp(time.Since(q.started)) && q.v.options.Topology.Forwarded(q.question.name) {
		q.v.cache.keepFailure(q.question, result.Finding, time.Time{}, q.v.options.Clock())
	}
	return result.refuse(q.request), result
}

// isOfName reports whether a result says something of the name, and not only of how the client
// asked for it: a failure that is inherited from a zone comes from questions of the validator's own.
func (q *query) isOfName(result *Result) bool { return q.plain || result.inherited }

// conclude caches a failure, or removes it from the cache, and makes the answer for the client
// out of a message, which it takes over but for the records.
func (q *query) conclude(msg *dns.Msg, result *Result) (*dns.Msg, *Result) {
	result.finish(q)
	if result.Status == dnssec.Bogus {
		// That the client gave up, or that there is too much to do, says nothing of the name.
		if q.isOfName(result) && !q.gaveUp(time.Since(q.started)) && result.Reason != dnssec.Overloaded && !q.probing {
			q.v.cache.keepFailure(q.question, result.Finding, result.until, q.v.options.Clock())
		}
	} else {
		q.v.cache.forgetFailure(q.question)
	}
	switch {
	case q.v.options.ReportOnly:
	case result.Status == dnssec.Bogus:
		return result.refuse(q.request), result
	case q.sentinelRefuses(result.Status):
		return refusal(q.request, dns.RcodeServerFailure), result
	}
	return reply(q.request, msg, result), result
}

// pass asks a question whose response is not judged, and clears AD: the upstream's is
// never believed.
func (q *query) pass() (*dns.Msg, *Result) {
	request := q.request.Copy()
	request.Id = dns.Id()
	if opt := request.IsEdns0(); opt != nil {
		opt.Option = slices.DeleteFunc(opt.Option, isHopByHop)
	}
	ctx, cancel := context.WithTimeout(q.ctx, Patience)
	defer cancel()
	msg, err := q.v.exchangeOnce(ctx, request, Manner{})
	if err != nil {
		result := &Result{Err: err, shape: shape{rcode: dns.RcodeServerFailure}}
		return result.refuse(q.request), result
	}
	msg.Id, msg.AuthenticatedData = q.request.Id, false
	return msg, &Result{shape: shape{rcode: msg.Rcode}}
}

// known returns what the cache has of a name, or nil. It renews keys that expire soon.
func (q *query) known(name string) *cut {
	c := q.keptCut(name)
	q.observer.CacheLookup(c != nil)
	if c != nil && !c.renewal.IsZero() && !q.now.Before(c.renewal) && c.renewing.CompareAndSwap(false, true) {
		q.renew(c)
	}
	return c
}

// keptCut returns what the cache has of a name, or nil. A probe of an outage ignores failures.
func (q *query) keptCut(name string) *cut {
	c := q.v.cache.cut(name, q.anchors, q.now)
	if c != nil && q.probing && c.finding.Status == dnssec.Bogus {
		return nil
	}
	return c
}

// scope is the anchor that counts for a name, and what it says of the status: Secure for
// a trust anchor, Insecure for a negative one, Indeterminate where there is none.
type scope struct {
	zone    string
	finding dnssec.Finding
}

// scope returns the anchor that counts for a name.
func (q *query) scope(name string) scope { return scopeOf(q.anchors, name, q.now) }

// scopeOf returns the anchor of a set that counts for a name.
func scopeOf(anchors *anchor.Set, name string, now time.Time) scope {
	zone, kind := anchors.Closest(name, now)
	switch kind {
	case anchor.Positive:
		return scope{zone, dnssec.Proven}
	case anchor.Disabled:
		return scope{zone, dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.NegativeTrustAnchor, Detail: "negative trust anchor " + zone}}
	default:
		return scope{zone, dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.TrustAnchorMissing}}
	}
}

// anchorRecords returns the trust anchors of a zone as DS records.
func (q *query) anchorRecords(zone string) (records []*dns.DS) {
	for _, a := range q.anchors.Anchors(zone) {
		records = append(records, a.DS)
	}
	return records
}

// anchorDS returns the DS set of the trust anchors of a zone, if they count.
func (q *query) anchorDS(zone string) (dnssec.DSSet, bool) {
	records := q.anchorRecords(zone)
	if len(records) == 0 || q.scope(zone).finding.Status != dnssec.Secure {
		return dnssec.DSSet{}, false
	}
	return dnssec.TrustAnchors(zone, records), true
}

// keysByAnchors authenticates the DNSKEY RRset of a zone by its trust anchors. The zone is
// bogus if none of them is relied on: unlike an authenticated DS RRset (RFC 4035, section
// 5.2) a trust anchor says that the zone has to be secure.
func (q *query) keysByAnchors(a *approach, anchors dnssec.DSSet) *cut {
	if f := anchors.Supported(q.verifier.Policy); f.Status != dnssec.Secure {
		a.keysEffort = mixedEfforts // there is nothing to ask for
		return failedCut(a.name, dnssec.DNSKEYNoAnchorMatch, "no trust anchor is relied on: "+f.Detail)
	}
	return q.keysOf(a, provenDS{anchors, q.now.Add(maxCutTTL)})
}
