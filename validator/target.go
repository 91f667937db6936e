package validator

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// answerAgain asks with more effort for what the response fails to prove: the client's
// question, or the target of the aliases that are verified. Upstreams may leave that out,
// and resolvers ask for it themselves (RFC 1034, section 5.3.3). It returns a response to
// the client's question, or nil if there is none that can be judged.
func (q *query) answerAgain(msg *dns.Msg, result *Result, e effort) *dns.Msg {
	p, _ := followAliases(q.question, msg)
	target := p.target(result.verified)
	if q.targets().Add(1) > maxQuestions || !q.ahead.take() {
		return nil
	}
	ctx, name, as := q.ctx, q.request.Question[0].Name, e
	if target != "" {
		ctx, name, as = context.WithValue(q.ctx, targetsKey{}, q.targets()), target, e-1 // it was not asked for yet
		q.speculate(target, q.closestZone(target))
	}
	next, err := q.v.exchange(ctx, q.upstreamRequest(name, as), e, Manner{})
	if err != nil || isFailure(next.Rcode) {
		return nil
	}
	if target == "" {
		return next
	}
	return p.spliced(result, msg, next)
}

// targetsKey is the key of the shared count in a context.
type targetsKey struct{}

// targets counts the questions that were asked again. If the server blocks of a program ask
// each other for targets, all of them share one count, so that an alias loop over several
// blocks ends.
func (q *query) targets() *atomic.Int32 {
	if shared, ok := q.ctx.Value(targetsKey{}).(*atomic.Int32); ok {
		return shared
	}
	return &q.ahead.targets
}

// target returns the name that the first links, the verified ones, lead to. It is empty if
// there are none or they lead nowhere.
func (p path) target(verified int) string {
	switch {
	case verified == 0:
		return ""
	case verified == len(p.links):
		return p.end
	case p.links[verified].synthesized != "":
		return p.links[verified].synthesized
	default:
		return p.links[verified].set.Name
	}
}

// spliced makes one response of the links that are verified, with the proofs of their
// wildcards, and of a response for their target. Of their signatures only those that
// verified are taken over.
func (p path) spliced(result *Result, msg, target *dns.Msg) *dns.Msg {
	links := path{links: p.links[:result.verified]}.kept()
	whole := *msg
	whole.Rcode = target.Rcode
	proven := result.sets.proven
	whole.Answer = joined(onlyKept(onlyProving(slices.Clone(msg.Answer), proven, answerSection), links, answerSection), target.Answer)
	whole.Ns = joined(onlyKept(onlyProving(slices.Clone(msg.Ns), proven, authoritySection), proven, authoritySection), target.Ns)
	whole.Extra = target.Extra
	return &whole
}

// onlyProving leaves out signatures of proven RRsets that are not those that verified, in the
// memory of the section.
func onlyProving(records []dns.RR, kept []keptRRset, in section) []dns.RR {
	return slices.DeleteFunc(records, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			return false
		}
		name, proven := dnsname.Canonical(sig.Hdr.Name), false
		for _, k := range kept { // of NSEC at a zone cut there are two: the parent's and the child's
			if k.name != name || k.rtype != sig.TypeCovered || k.section != in || k.sig == nil {
				continue
			}
			if k.sig == sig {
				return false
			}
			proven = true
		}
		return proven
	})
}

// joined returns the records of two sections without duplicates, the first in its own memory.
func joined(first, second []dns.RR) []dns.RR { return withoutDuplicates(append(first, second...)) }
