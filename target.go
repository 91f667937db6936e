package dnssecval

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// answerAgain asks with more effort for what the response fails to prove: the client's
// question, or what the aliases that hold lead to. Upstreams may leave that out, and
// resolvers ask for it themselves (RFC 1034, section 5.3.3). It returns a response to
// the client's question, or nil if there is none that can be judged.
func (q *query) answerAgain(msg *dns.Msg, result *Result, e effort) *dns.Msg {
	p, _ := followAliases(q.question, msg)
	target := p.target(result.held)
	a := q.asking()
	if target != "" {
		a = q.askingTarget(target)
	}
	if a == nil || q.targets().Add(1) > maxQuestions {
		return nil
	}
	if e == overTCP {
		a.req.CheckingDisabled, a.ResponseWriter = true, asTCP{q.w}
	}
	if a.ask(); a.msg == nil || !provable(a.msg.Rcode) && a.msg.Rcode != dns.RcodeYXDomain {
		return nil
	}
	if target == "" {
		return a.msg
	}
	return p.spliced(result, msg, a.msg)
}

// askingTarget is the client's question for the target of an alias, on its way to who is
// in charge of that: nil if nobody is.
func (q *query) askingTarget(name string) *asking {
	next, ok := q.v.routes.handler(q.ctx, name, q.question.qtype)
	if !ok {
		return nil
	}
	ctx := context.WithValue(apart(q.ctx), targetsKey{}, q.targets())
	return q.v.newAsking(ctx, q.w, next, q.upstreamRequest(name))
}

type targetsKey struct{}

// targets counts the questions asked again. Where blocks ask each other for targets, those
// of all count as one query's, lest aliases lead to and fro between them.
func (q *query) targets() *atomic.Int32 {
	if asked, ok := q.ctx.Value(targetsKey{}).(*atomic.Int32); ok {
		return asked
	}
	return &q.expected.asked
}

// target returns the name that the first links lead to. It is empty if there are none or
// they lead nowhere.
func (p path) target(held int) string {
	switch {
	case held == 0:
		return ""
	case held == len(p.links):
		return p.end
	case p.links[held].synthesized != "":
		return p.links[held].synthesized
	default:
		return p.links[held].set.Name
	}
}

// spliced puts what is said of a target behind the links that lead to it, and what was
// proven of their wildcards beside it. Of signatures it takes those that proved something.
func (p path) spliced(result *Result, msg, target *dns.Msg) *dns.Msg {
	links := path{links: p.links[:result.held]}.kept()
	whole := *msg
	whole.Rcode = target.Rcode
	whole.Answer = joined(onlyProving(onlyKept(slices.Clone(msg.Answer), links, false), result.kept, false), target.Answer)
	whole.Ns = joined(onlyProving(onlyKept(slices.Clone(msg.Ns), result.kept, true), result.kept, true), target.Ns)
	whole.Extra = target.Extra
	return &whole
}

// onlyProving leaves out the other signatures of what was proven.
func onlyProving(section []dns.RR, kept []keptRRset, authority bool) []dns.RR {
	return slices.DeleteFunc(section, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			return false
		}
		k := keptFor(kept, dnsname.Canonical(sig.Hdr.Name), sig.TypeCovered, authority)
		return k != nil && k.sig != nil && k.sig != sig
	})
}

// joined returns the records of two sections, each once.
func joined(first, second []dns.RR) []dns.RR {
	return append(slices.DeleteFunc(first, func(rr dns.RR) bool {
		return slices.ContainsFunc(second, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) })
	}), second...)
}
