package validator

import (
	"context"
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// The questions of the chain are asked before they are needed: a round trip costs more than
// a question.

// maxSpeculation bounds the names that are asked about before it is known that
// there are zones.
const maxSpeculation = 4

// expectCuts asks at once for the DS of the names on the way from a zone to name.
func (q *query) expectCuts(name, zone string) {
	from := dnsname.Labels(zone) + 1
	for n := from; n <= dnsname.Labels(name) && n < from+maxSpeculation; n++ {
		if below := dnsname.Ancestor(name, n); q.known(below) == nil {
			q.expect(below, dns.TypeDS)
		}
	}
}

// expectChain asks at once for the DS and DNSKEY of a signer and of the zones
// above it that are not known.
func (q *query) expectChain(signer string) {
	scope := q.scope(signer)
	if scope.finding.Status != dnssec.Secure {
		return
	}
	asked := 0
	for n := dnsname.Labels(signer); n >= dnsname.Labels(scope.zone) && asked < maxSpeculation; n-- {
		name := dnsname.Ancestor(signer, n)
		if known := q.known(name); known != nil && known.beginsZone() {
			return
		}
		q.expect(name, dns.TypeDNSKEY)
		if name != scope.zone && !q.v.cache.provenDS(name, q.anchors, q.now).holds(q.now) {
			q.expect(name, dns.TypeDS)
		}
		asked++
	}
}

// expectSigners asks at once for the chains of all zones that signed a response.
func (q *query) expectSigners(sections ...[]dns.RR) {
	var signers []string
	for _, rr := range slices.Concat(sections...) {
		sig, ok := rr.(*dns.RRSIG)
		if !ok || len(signers) == maxSigners {
			continue
		}
		signer := dnsname.Canonical(sig.SignerName)
		if dnsname.IsSubdomain(dnsname.Canonical(sig.Hdr.Name), signer) && !slices.Contains(signers, signer) {
			signers = append(signers, signer)
			q.expectChain(signer)
		}
	}
}

// speculate asks for what is at the likely next zone cut while the client's own question is
// under way. Below the root and the top level the next label nearly always is a zone cut;
// further down it seldom is, and nothing is asked.
func (q *query) speculate(known *cut) {
	name := container(q.question.name, q.question.qtype)
	scope := q.scope(name)
	if scope.finding.Status != dnssec.Secure {
		return
	}
	next := dnsname.Ancestor(name, 2)
	if known != nil {
		if known.finding.Status != dnssec.Secure || dnsname.Labels(known.name) > 1 {
			return
		}
		next = dnsname.Ancestor(name, dnsname.Labels(known.name)+1)
	}
	if !dnsname.IsSubdomain(next, scope.zone) || q.known(next) != nil {
		return
	}
	if c := q.deniedCut(next); c != nil {
		q.settle(c, q.now)
		return
	}
	ahead := q.detached()
	if known == nil {
		ahead.expectChain(next)
	}
	q.once("cut "+next, func() (any, error) {
		ctx, cancel := context.WithTimeout(ahead.ctx, Patience)
		defer cancel()
		ahead.ctx = ctx
		return ahead.establish(next), nil
	})
}

// renewedPart is the last part of their lifetime, a tenth, in which keys that are in use
// are asked for again. It is never less than a second.
const renewedPart = 10

// renew asks for the keys of a zone before they expire, so that no client has to wait for
// them. If that fails the present ones stay.
func (q *query) renew(c *cut) {
	ahead := q.v.newQuery(context.WithoutCancel(q.ctx), q.request)
	ahead.anchors = q.anchors
	q.once("renewal "+c.name, func() (any, error) {
		ctx, cancel := context.WithTimeout(ahead.ctx, Patience)
		defer cancel()
		ahead.ctx = ctx
		if fresh := ahead.attempt(&approach{name: c.name}); fresh.finding.Status == dnssec.Secure && fresh.keys != nil {
			fresh.anchors = ahead.anchors
			ahead.v.cache.keepCut(fresh, ahead.now)
		}
		return nil, nil
	})
}

// detached returns a query that goes on when the client has its answer. It spends from the
// same budget, and shares what was asked ahead.
func (q *query) detached() *query {
	d := q.v.newQuery(context.WithoutCancel(q.ctx), q.request)
	d.verifier, d.anchors, d.ahead, d.probing = q.verifier, q.anchors, q.ahead, q.probing
	return d
}
