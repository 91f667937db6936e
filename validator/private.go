package validator

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// seenFromPrivate decides what a cut means for a zone that the operator forwards by name.
// If the public tree does not show the zone to be signed it is Indeterminate: it may be
// the operator's own. A cut is shared by all clients, so that the outcome must not depend
// on who asked first.
func (q *query) seenFromPrivate(c *cut) *cut {
	if c.finding.Status == dnssec.Bogus {
		if private := q.v.options.Topology.Private(q.question.name); q.v.served == nil && private != dnsname.Root && dnsname.IsSubdomain(private, c.name) {
			q.observer.NotValidated(private, "its place in the public tree can't be found out ("+c.finding.String()+")")
		}
		return c
	}
	forwarded := c.name != dnsname.Root && q.v.options.Topology.Private(c.name) == c.name
	if forwarded && c.delegation != dnssec.DelegationSigned && c.finding.Reason != dnssec.NegativeTrustAnchor {
		return q.privateCut(c.name, c)
	}
	return c
}

// privateCut returns the Indeterminate cut of a private zone.
func (q *query) privateCut(name string, public *cut) *cut {
	detail := "forwarded by name, and " + describePublic(public)
	finding := dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.PrivateZone, Detail: detail}
	return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: finding, expires: public.expires}
}

// describePublic says what the public tree shows of a private zone.
func describePublic(c *cut) string {
	switch {
	case c.finding.Reason == dnssec.PrivateZone:
		return c.finding.Detail
	case c.finding.Reason == dnssec.LocallyServed:
		return "it is a name that resolvers answer by themselves: " + c.finding.Detail
	case c.delegation == dnssec.NoSuchName:
		return "the public tree proves that it does not exist"
	case c.delegation == dnssec.NotDelegation:
		return "the public tree proves that no zone begins there"
	default:
		return "the public tree proves that it has no DS"
	}
}
