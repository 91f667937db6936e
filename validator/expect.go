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
func (q *query) expectSigners(msg *dns.Msg) {
	var buf [maxSigners]string
	signers := buf[:0]
	for _, section := range [...][]dns.RR{msg.Answer, msg.Ns} {
		for _, rr := range section {
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
}

// speculate asks for what is at the likely next zone cut on the way from the closest zone that
// is known to a name, while the question for the name is under way: answer, DS and keys arrive
// together. It returns the name of a cut that is too unlikely to be asked for, if there is one.
func (q *query) speculate(name string, known *cut) (unlikely string) {
	next := q.nextCut(name, known)
	if next == "" {
		return ""
	}
	if knowsNoTop(known) {
		q.expectChain(next)
	} else {
		likely := q.likely(known.name, next)
		if !likely.cut {
			return next
		}
		if likely.keys {
			q.expect(next, dns.TypeDNSKEY)
		}
	}
	q.askAhead(next)
	return ""
}

// knowsNoTop reports whether no zone below the root is known, so that it takes the keys of the
// top level too.
func knowsNoTop(known *cut) bool { return known == nil || known.name == dnsname.Root }

// nextCut returns the name at which the next zone cut is looked for on the way down from the
// closest zone that is known. It is empty if what is there is known, or is not to be asked for.
func (q *query) nextCut(name string, known *cut) (next string) {
	scope := q.scope(name)
	switch {
	case scope.finding.Status != dnssec.Secure || q.ahead.sparse():
		return ""
	case knowsNoTop(known):
		next = dnsname.Ancestor(name, max(2, dnsname.Labels(scope.zone)))
	case known.finding.Status != dnssec.Secure || known.name == name:
		return ""
	default:
		next = dnsname.Ancestor(name, dnsname.Labels(known.name)+1)
	}
	if q.keptCut(next) != nil {
		return ""
	}
	if c := q.deniedCut(next); c != nil {
		q.settle(c, q.now)
		return ""
	}
	return next
}

// likely returns what is likely to be at a name below a zone: what was there before it
// expired, or else what is elsewhere in the zone.
func (q *query) likely(zone, name string) expected {
	if before, ok := q.v.cache.cuts.Peek(name); ok && before.beginsZone() && before.finding.Status != dnssec.Bogus {
		return expected{cut: true, keys: before.delegation == dnssec.DelegationSigned}
	}
	return q.v.delegations.next(zone)
}

// askAhead finds out what is at a name, and counts it, without waiting.
func (q *query) askAhead(name string) {
	ahead := q.detached()
	q.once("cut "+name, func() (any, error) {
		ctx, cancel := context.WithTimeout(ahead.ctx, Patience)
		defer cancel()
		ahead.ctx = ctx
		found := ahead.establish(name)
		ahead.noteDelegation(name, found)
		return found, nil
	})
}

// noteDelegation counts what is at a name for the closest zone above it.
func (q *query) noteDelegation(name string, found *cut) {
	for zone := name; zone != dnsname.Root; {
		zone = dnsname.Parent(zone)
		if above, ok := q.v.cache.cuts.Peek(zone); ok && above.beginsZone() {
			q.v.delegations.note(zone, found)
			return
		}
	}
}

// expectUnsigned asks at once for the DS of zones that unsigned RRsets behind an alias are
// likely to lie in. For signed ones their signers tell.
func (q *query) expectUnsigned(p *path) {
	asked := 0
	expect := func(set dnssec.RRset) {
		if asked == maxSpeculation || len(set.Sigs) > 0 {
			return
		}
		known := q.closestZone(set.Name)
		next := q.nextCut(set.Name, known)
		if next == "" {
			return
		}
		if knowsNoTop(known) {
			q.expectChain(dnsname.Parent(next))
		}
		q.askAhead(next)
		asked++
	}
	for _, l := range p.links[min(1, len(p.links)):] {
		expect(l.set)
	}
	if len(p.links) > 0 {
		for _, set := range p.final {
			expect(set)
		}
	}
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
