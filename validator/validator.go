package validator

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

// Validator validates what its Exchanger returns, from one set of trust anchors. It has to be
// made by New. It may be used by several goroutines at once.
type Validator struct {
	exchanger Exchanger
	options   Options // with the defaults filled in
	anchors   atomic.Pointer[anchor.Set]
	cache     *cache
	denials   *denials // nil without aggressive use
	served    *served  // nil unless it judges what the program serves
	turns     *turns
	flights   singleflight.Group

	delegations *delegations // what is likely to be below a zone
	mixed       mixed
	outages     outages
}

// Options are the settings of a Validator. The zero value is one for a single resolver,
// with the root's built-in trust anchors.
type Options struct {
	Anchors  *anchor.Set                        // nil: anchor.Root()
	Topology Topology                           // nil: one resolver is asked for everything
	Observe  func(ctx context.Context) Observer // returns the Observer of a question; nil: none
	Policy   *Policy                            // nil: DefaultPolicy
	Capacity int                                // entries in each cache, and a quarter of those for signatures that verify; 0: DefaultCapacity
	Clock    func() time.Time                   // nil: time.Now
	At       time.Time                          // judge signatures as of then; zero: by the clock

	ReportOnly  bool // Resolve passes bogus answers on, and synthesizes none
	NoSynthesis bool // answer nothing from what is proven of other names (RFC 8198)

	// Served makes a validator of what the program itself serves: it returns the zone that
	// a name is in, or an empty string. Validate then judges authoritative responses.
	Served func(name string) (zone string)
}

// Policy is what signatures have to be like. AllowSHA1 relies on algorithms 5 and 7 too, Skew
// is how far clocks may differ. Start from a copy of DefaultPolicy.
type Policy = dnssec.Policy

// Skew is how far the clocks of signer and validator may differ: a tenth of the time that
// a signature is valid for, but at least Min and at most Max.
type Skew = dnssec.Skew

// DefaultPolicy does not rely on SHA-1 (RFC 9905), and allows clocks to differ by a tenth
// of a signature's validity, between an hour and a day, as Unbound does.
var DefaultPolicy = Policy{Skew: Skew{Min: time.Hour, Max: 24 * time.Hour}}

// DefaultCapacity takes some 40 MiB when everything is full.
const DefaultCapacity = 10000

// Patience is how long a client's question may take in all. Stub resolvers wait 5 s.
const Patience = 4500 * time.Millisecond

// New makes a validator that asks through the exchanger. It fails if there is no exchanger or
// the capacity is negative.
func New(exchanger Exchanger, options Options) (*Validator, error) {
	switch {
	case exchanger == nil:
		return nil, errors.New("validator: an Exchanger is missing")
	case options.Capacity < 0:
		return nil, fmt.Errorf("validator: the capacity is %d, less than 0", options.Capacity)
	}
	options.setDefaults()
	kept, err := newCache(options.Capacity)
	if err != nil {
		return nil, err
	}
	counted, err := newDelegations()
	if err != nil {
		return nil, err
	}
	v := &Validator{exchanger: exchanger, options: options, cache: kept, turns: allTurns(), delegations: counted}
	if !options.NoSynthesis && options.Served == nil { // a zone that is served may change at any time
		if v.denials, err = newDenials(options.Capacity); err != nil {
			return nil, err
		}
	}
	if options.Served != nil {
		v.served = &served{zoneOf: options.Served}
	}
	v.anchors.Store(options.Anchors)
	return v, nil
}

// setDefaults fills in the defaults.
func (o *Options) setDefaults() {
	if o.Anchors == nil {
		o.Anchors = anchor.Root()
	}
	if o.Topology == nil {
		o.Topology = oneResolver{}
	}
	if o.Observe == nil {
		o.Observe = observeNothing
	}
	if o.Policy == nil {
		o.Policy = &DefaultPolicy
	}
	if o.Capacity == 0 {
		o.Capacity = DefaultCapacity
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

// Anchors returns the trust anchors in use.
func (v *Validator) Anchors() *anchor.Set { return v.anchors.Load() }

// SetAnchors replaces the trust anchors. What was proven from the old ones does not count any
// more. Questions under way finish with the old ones.
func (v *Validator) SetAnchors(set *anchor.Set) {
	v.anchors.Store(set)
	v.cache.failed.Purge()
}

// Resolve asks the client's question, judges the response, and returns the answer for the
// client: with AD if it is Secure and the client set DO or AD, SERVFAIL with an Extended
// DNS Error if it is Bogus, without DNSSEC records for a client without DO. A request
// with CD, or that is no QUERY in class IN, is passed on without AD. The answer is never
// nil; Result.Err is set if there was no response to judge.
func (v *Validator) Resolve(ctx context.Context, request *dns.Msg) (*dns.Msg, *Result) {
	q, msg, result := v.begin(ctx, request)
	if result != nil {
		return msg, result
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	q.ctx = ctx
	return q.answer(v.exchange(ctx, q.upstreamRequest(request.Question[0].Name, usual), usual, Manner{}))
}

// begin returns the query of a request, and the answer if the question is not to be asked.
//
//go:noinline
func (v *Validator) begin(ctx context.Context, request *dns.Msg) (*query, *dns.Msg, *Result) {
	if len(request.Question) != 1 {
		return nil, refusal(request, dns.RcodeFormatError), &Result{shape: shape{rcode: dns.RcodeFormatError}}
	}
	q := v.newQuery(ctx, request)
	msg, result := q.answerUnasked()
	return q, msg, result
}

// Judges reports whether Resolve does not just pass a request on: a QUERY in class IN
// without CD, or a question for NXNAME, which must not be forwarded (RFC 9824, section
// 3.5).
func Judges(request *dns.Msg) bool {
	if request.Opcode != dns.OpcodeQuery || len(request.Question) != 1 || request.Question[0].Qclass != dns.ClassINET {
		return false
	}
	return !request.CheckingDisabled || request.Question[0].Qtype == dns.TypeNXNAME
}

// Validate judges a response to a request with DO that the caller has already. It asks for DS
// and DNSKEY. It does not ask the question itself again, not even if the response is Bogus.
// Result.Reply makes the answer for the client. The response must not be truncated; its answer
// section may be completed by the CNAME of a DNAME.
func (v *Validator) Validate(ctx context.Context, request, response *dns.Msg) *Result {
	if len(request.Question) != 1 {
		return &Result{shape: shape{rcode: dns.RcodeFormatError}}
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	q := v.newQuery(ctx, request)
	if v.served != nil {
		return q.judgeServed(response)
	}
	result := q.judgeResponse(response)
	result.finish(q)
	return result
}

// Zone proves the zone that begins at a name, from the trust anchors down. It returns the
// tag of the key that signs its DNSKEY RRset if it is Secure. A failure is not kept.
func (v *Validator) Zone(ctx context.Context, name string) (f Finding, tag uint16) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	q := v.newQuery(ctx, newRequest(name, dns.TypeDNSKEY))
	c := q.cutAt(q.question.name)
	switch {
	case c.finding.Status == dnssec.Bogus:
		v.cache.cuts.Remove(c.name)
	case c.keys != nil:
		tag = c.keys.SignedBy()
	}
	return c.finding, tag
}

// Fetch asks a question of the validator's own and returns the response, which is not
// judged and must not be changed. Responses with codes other than NOERROR and NXDOMAIN are
// errors.
func (v *Validator) Fetch(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return v.newQuery(ctx, newRequest(name, qtype)).fetch(name, qtype, usual)
}

// UpstreamReturned removes the failures of questions that were not answered from the caches.
func (v *Validator) UpstreamReturned() { v.cache.forgetUnavailable() }

// isNotAsked reports whether an error says nothing of the name that was asked for.
func isNotAsked(err error) bool { return errors.Is(err, ErrNotAsked) || errors.Is(err, ErrNoRoute) }
