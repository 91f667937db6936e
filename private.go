package dnssecval

import (
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// seenFromPrivate looks at a cut on the way to a zone that the operator forwards by
// name. What can't be had is told with the way out of it. Where the public tree does
// not show the zone itself to be signed, nothing can be known: the operator knows the
// zone, and not by way of the tree.
// The cut is for all clients: what it is must not depend on who asked first, and how.
func (q *query) seenFromPrivate(c *cut) *cut {
	if c.finding.Status == dnssec.Bogus {
		if private := q.v.routes.private(q.question.name); q.v.serves == nil && private != dnsname.Root && dnsname.IsSubdomain(private, c.name) {
			q.v.tellPrivate(private, "its place in the public tree can't be found out ("+sentence(c.finding)+")")
		}
		return c
	}
	forwarded := c.name != dnsname.Root && q.v.routes.private(c.name) == c.name
	if forwarded && c.delegation != dnssec.DelegationSigned && c.finding.Reason != dnssec.NegativeTrustAnchor {
		return q.privateCut(c.name, c)
	}
	return c
}

func (q *query) privateCut(name string, public *cut) *cut {
	detail := "forwarded by name, and " + describePublic(public)
	finding := dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.PrivateZone, Detail: detail}
	return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: finding, expires: public.expires}
}

func describePublic(c *cut) string {
	switch {
	case c.finding.Reason == dnssec.PrivateZone:
		return c.finding.Detail
	case c.delegation == dnssec.NoSuchName:
		return "the public tree proves that it does not exist"
	case c.delegation == dnssec.NotDelegation:
		return "the public tree proves that no zone begins there"
	default:
		return "the public tree proves that it has no DS"
	}
}

// onceEach tells each of a bounded number of names once.
type onceEach struct {
	mu   sync.Mutex
	told map[string]bool
}

const toldNames = 1000

func (o *onceEach) first(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.told == nil {
		o.told = make(map[string]bool)
	}
	if o.told[name] || len(o.told) == toldNames {
		return false
	}
	o.told[name] = true
	return true
}

// tellPrivate says once that a zone is not validated, and what to write into the
// Corefile about it.
func (v *Validator) tellPrivate(name, detail string) {
	if v.told != nil && v.told.first(name) {
		v.log.Warningf("%s is not validated: %s. Add to this %s block either `trust-anchor FILE` with a DS or DNSKEY of %s, or `negative-trust-anchor %s`",
			name, detail, v.directive, name, name)
	}
}
