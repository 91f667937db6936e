package validator

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// cut is what is known of a name: whether a zone begins there, and how far the
// authentication chain reaches. Queries share it. It must not be changed once it is in the
// cache.
type cut struct {
	name       string
	delegation dnssec.Delegation // whether a zone begins here
	finding    dnssec.Finding    // of the zone that begins here; else of the proof that none does
	inherited  bool              // the finding is that of a zone above
	within     string            // the zone that proves that none begins here
	absence    []dns.RR          // with NoSuchName: the records that prove it, if the SOA is among them
	keys       *dnssec.Keys      // of a Secure zone
	renewal    time.Time         // from when on the keys are asked for again; zero: never
	renewing   atomic.Bool       // the keys were asked for again
	expires    time.Time
	anchors    *anchor.Set // from which it was proven
	cutAttempts
}

// cutAttempts is what the next attempt to prove a cut starts from.
type cutAttempts struct {
	times     int      // failures in a row, if it is Bogus
	proven    provenDS // the DS set of the zone, if it holds for longer than the finding
	abandoned bool     // the query gave up, which says nothing of the zone
}

// beginsZone reports whether the finding is that of a zone.
func (c *cut) beginsZone() bool {
	return c.delegation == dnssec.DelegationSigned || c.delegation == dnssec.DelegationUnsigned
}

// zone returns the zone that begins at the signer of a signature. If none begins there that is
// a failure.
func (q *query) zone(name string) *cut {
	c := q.cutAt(name)
	if c.delegation == dnssec.NotDelegation || c.delegation == dnssec.NoSuchName {
		return failedCut(name, dnssec.SignatureSignerInvalid, "no zone begins at "+name)
	}
	return c
}

// walkedLabels is how many labels below a zone are looked at one by one for a zone cut.
// Names in ip6.arpa have many more.
const walkedLabels = 8

// zoneOf returns the zone in which a name lies. It walks down from the closest zone that is
// known, as long as the zones are secure. This decides whether a signature may be missing
// (RFC 4035, section 5.2).
func (q *query) zoneOf(name string) *cut {
	scope := q.scope(name)
	if scope.finding.Status != dnssec.Secure {
		return &cut{name: scope.zone, delegation: dnssec.DelegationUnsigned, finding: scope.finding}
	}
	current := q.closestKnown(name, scope.zone)
	if current == nil {
		q.expect(scope.zone, dns.TypeDNSKEY)
		q.expectCuts(name, scope.zone)
		current = q.zone(scope.zone)
	}
	walked, last := 0, dnsname.Labels(name)
	for n := dnsname.Labels(current.name); n < last && current.finding.Status == dnssec.Secure; walked++ {
		next := n + 1
		if walked >= walkedLabels {
			next = n + (last-n+1)/2
		}
		below := q.cutAt(dnsname.Ancestor(name, next))
		switch {
		case below.beginsZone():
			current, n, walked = below, next, 0
		case next > n+1 && below.within != current.name:
			walked = 0 // the zone that it is in may begin between current and it
		case below.delegation == dnssec.NotDelegation:
			n = next // and there is no zone cut between: names below one have no record in current
		default:
			if private := q.v.options.Topology.Private(name); dnsname.IsBelow(private, below.name) {
				return q.cutAt(private)
			}
			return current
		}
	}
	return q.privateInLocal(name, current)
}

// closestZone returns the lowest zone that is known above or at a name, or nil.
func (q *query) closestZone(name string) *cut {
	scope := q.scope(name)
	if scope.finding.Status != dnssec.Secure {
		return nil
	}
	return q.closestKnown(name, scope.zone)
}

// closestKnown returns the lowest zone above or at name that is in the cache.
func (q *query) closestKnown(name, top string) *cut {
	for n := dnsname.Labels(name); n >= dnsname.Labels(top); n-- {
		if c := q.known(dnsname.Ancestor(name, n)); c != nil && c.beginsZone() {
			return c
		}
	}
	return nil
}

// cutAt finds out what is at a name, once for all queries that wait for it. If the query
// that asked ran out of its budget or its time the next one asks anew, so that an attack
// on one query does not fail the others.
func (q *query) cutAt(name string) *cut {
	for {
		if c := q.known(name); c != nil {
			return c
		}
		if c := q.deniedCut(name); c != nil {
			return q.settle(c, q.now)
		}
		led := false
		flight := q.once("cut "+name, func() (any, error) {
			led = true
			if c := q.keptCut(name); c != nil { // found out in the meantime
				return c, nil
			}
			return q.establish(name), nil
		})
		select {
		case result := <-flight:
			c, ok := result.Val.(*cut)
			switch {
			case !ok:
				return failedCut(name, dnssec.DSUnavailable, result.Err.Error())
			case led || !c.unfinished() && c.anchors == q.anchors:
				return c
			}
		case <-q.ctx.Done():
			return failedCut(name, dnssec.DSUnavailable, "no answer in time for "+name)
		}
	}
}

// unfinished reports whether the failure is one of the query, not of the zone.
func (c *cut) unfinished() bool { return c.finding.Reason.Unfinished() || c.abandoned }

// establish finds out what is at a name, and keeps it.
func (q *query) establish(name string) *cut {
	start := time.Now()
	return q.settle(q.tryHard(name), start)
}

// settle caches what was found of a name. Before that it considers the operator's
// configuration: zones that are forwarded by name, served, or answered by resolvers.
func (q *query) settle(c *cut, start time.Time) *cut {
	c = q.seenFromPrivate(q.byOwnKeys(c.name, q.seenAsLocal(c)))
	if c.finding.Reason == dnssec.PrivateZone && !c.inherited && q.v.served == nil && q.v.options.Topology.Forwarded(q.question.name) {
		name := c.name
		if private := q.v.options.Topology.Private(q.question.name); dnsname.IsBelow(private, name) { // the name in the configuration
			name = private
		}
		q.observer.NotValidated(name, c.finding.Detail)
	}
	if c.abandoned = c.finding.Status == dnssec.Bogus && (q.probing || q.gaveUp(time.Since(start))); !c.abandoned {
		c.anchors = q.anchors
		q.v.cache.keepCut(c, q.v.options.Clock()) // a failure is kept from now on, not from when it was asked
	}
	return c
}

// gaveUp reports whether the query ended before its questions had their time.
func (q *query) gaveUp(waited time.Duration) bool {
	return q.ctx.Err() != nil && (q.ctx.Err() == context.Canceled || waited < Patience/2)
}

// earlier returns the earlier of two times, of which the first may be zero.
func earlier(a, b time.Time) time.Time {
	if !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}
