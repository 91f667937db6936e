package dnssec

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// closestEncloserProof is RFC 5155, section 8.3: a record that matches the closest
// encloser and one that covers the next closer name. optOut tells that of the
// latter: it may then be the name of an insecure delegation (section 6).
type closestEncloserProof struct {
	encloser string
	optOut   bool
}

// proveEncloser finds the closest encloser of a name that no record matches. It looks
// from the apex down: what is not covered right below the encloser may exist, and
// hardly any name does not exist for many labels.
func (c *nsec3Chain) proveEncloser(qname string) (p closestEncloserProof, f *Failure) {
	best := fail(DenialIncomplete, "no NSEC3 matches a name above "+qname)
	if !dnsname.IsBelow(qname, c.zone) {
		return p, best
	}
	for n := dnsname.Labels(c.zone); n < dnsname.Labels(qname); n++ {
		p.encloser = dnsname.Ancestor(qname, n)
		r, f := c.match(p.encloser)
		if f != nil {
			return p, f
		}
		if r == nil {
			continue
		}
		nextCloser := dnsname.Ancestor(qname, n+1)
		covering, f := c.cover(nextCloser)
		switch {
		case f != nil:
			return p, f
		case r.endsZone():
			best = fail(DenialIncomplete, "NSEC3 of "+p.encloser+" is of a delegation or DNAME above "+qname)
		case covering == nil:
			best = fail(DenialIncomplete, "no NSEC3 covers "+nextCloser)
		default:
			p.optOut = covering.optOut
			return p, nil
		}
	}
	return p, best
}

// optOutOr returns the finding for a proof that rests on the covered next closer
// name: never secure in an opt-out span (RFC 5155, section 9.2).
func (p closestEncloserProof) optOutOr(f Finding, qname string) Finding {
	if p.optOut {
		return found(OptOut, "an opt-out span of NSEC3 covers "+qname)
	}
	return f
}

// nameError is RFC 5155, section 8.4, and RFC 9824, section 3.3.
func (c *nsec3Chain) nameError(qname string) Finding {
	if f := c.admissible(); f.Status != Secure {
		return f
	}
	r, f := c.match(qname)
	switch {
	case f != nil:
		return f.Finding()
	case r != nil && r.has(dns.TypeNXNAME):
		return Proven
	case r != nil:
		return found(DenialContradicted, "NSEC3 shows that "+qname+" exists")
	}
	p, f := c.proveEncloser(qname)
	if f != nil {
		return f.Finding()
	}
	wildcard := dnsname.Wildcard(p.encloser)
	r, f = c.cover(wildcard)
	switch {
	case f != nil:
		return f.Finding()
	case r == nil:
		return found(DenialIncomplete, "no NSEC3 covers "+wildcard)
	default:
		return p.optOutOr(Proven, qname)
	}
}

// noData is RFC 5155, sections 8.5 to 8.7. A name in an opt-out span may be an
// empty non-terminal above insecure delegations only, so it is insecure.
func (c *nsec3Chain) noData(qname string, qtype uint16) Finding {
	if f := c.admissible(); f.Status != Secure {
		return f
	}
	r, f := c.match(qname)
	switch {
	case f != nil:
		return f.Finding()
	case r != nil:
		return r.deniesType(qname, qtype)
	}
	p, f := c.proveEncloser(qname)
	if f != nil {
		return f.Finding()
	}
	wildcard := dnsname.Wildcard(p.encloser)
	r, f = c.match(wildcard)
	switch {
	case f != nil:
		return f.Finding()
	case r != nil:
		if denied := r.deniesType(wildcard, qtype); denied.Status == Bogus {
			return denied
		}
		return p.optOutOr(Proven, qname)
	default:
		return p.optOutOr(found(DenialIncomplete, "NSEC3 shows that "+qname+" does not exist, and none matches "+wildcard), qname)
	}
}

// wildcardAnswer is RFC 5155, section 8.8.
func (c *nsec3Chain) wildcardAnswer(qname, closestEncloser string) Finding {
	if f := c.admissible(); f.Status != Secure {
		return f
	}
	name := dnsname.NextCloser(qname, closestEncloser)
	r, f := c.cover(name)
	switch {
	case f != nil:
		return f.Finding()
	case r == nil:
		return found(WildcardDenialMissing, "no NSEC3 covers "+name)
	}
	above, f := c.match(closestEncloser)
	switch {
	case f != nil:
		return f.Finding()
	case above != nil && above.endsZone():
		return found(DenialIncomplete, "NSEC3 of "+closestEncloser+" is of a delegation or DNAME above "+qname)
	default:
		return closestEncloserProof{encloser: closestEncloser, optOut: r.optOut}.optOutOr(Proven, name)
	}
}

// delegation is RFC 5155, sections 8.6 and 8.9.
func (c *nsec3Chain) delegation(name string) (Delegation, Finding) {
	if f := c.admissible(); f.Status != Secure {
		return DelegationUnsigned, f
	}
	r, f := c.match(name)
	switch {
	case f != nil:
		return DelegationUnproven, f.Finding()
	case r != nil:
		return r.delegation(name)
	}
	p, f := c.proveEncloser(name)
	switch {
	case f != nil:
		return DelegationUnproven, f.Finding()
	case p.optOut:
		return DelegationUnsigned, p.optOutOr(Proven, name)
	default:
		return NoSuchName, Proven
	}
}
