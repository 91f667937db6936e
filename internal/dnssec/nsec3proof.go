package dnssec

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// closestEncloserProof is a record that matches the closest encloser and one that
// covers the next closer name (RFC 5155, section 8.3). optOut is the Opt-Out flag of
// the covering record: the next closer name may then be an insecure delegation (RFC
// 5155, section 6).
type closestEncloserProof struct {
	closestEncloser string
	optOut          bool
}

// proveClosestEncloser returns the closest encloser proof of a name that no record
// matches. It starts at the apex rather than at qname: most names that do not exist
// have a closest encloser near the apex, so this needs fewer hashes.
func (n *nsec3Records) proveClosestEncloser(qname string) (p closestEncloserProof, f *Failure) {
	best := fail(DenialIncomplete, "no NSEC3 matches a name above "+qname)
	if !dnsname.IsBelow(qname, n.zone) {
		return p, best
	}
	for labels := dnsname.Labels(n.zone); labels < dnsname.Labels(qname); labels++ {
		p.closestEncloser = dnsname.Ancestor(qname, labels)
		r, f := n.match(p.closestEncloser)
		if f != nil {
			return p, f
		}
		if r == nil {
			continue
		}
		nextCloser := dnsname.Ancestor(qname, labels+1)
		covering, f := n.cover(nextCloser)
		switch {
		case f != nil:
			return p, f
		case r.isDelegationOrDNAME():
			best = fail(DenialIncomplete, "NSEC3 of "+p.closestEncloser+" is of a delegation or DNAME above "+qname)
		case covering == nil:
			best = fail(DenialIncomplete, "no NSEC3 covers "+nextCloser)
		default:
			p.optOut = covering.optOut
			return p, nil
		}
	}
	return p, best
}

// unlessOptOut returns f, or Insecure if the next closer name is in an opt-out span
// (RFC 5155, section 9.2).
func (p closestEncloserProof) unlessOptOut(f Finding, qname string) Finding {
	if p.optOut {
		return finding(OptOut, "an opt-out span of NSEC3 covers "+qname)
	}
	return f
}

// nameError implements RFC 5155, section 8.4. A matching record with the NXNAME type
// also proves a name error (RFC 9824, section 2).
func (n *nsec3Records) nameError(qname string) Finding {
	if f := n.checkLimits(); f.Status != Secure {
		return f
	}
	r, f := n.match(qname)
	switch {
	case f != nil:
		return f.Finding()
	case r != nil && r.has(dns.TypeNXNAME):
		return Proven
	case r != nil:
		return finding(DenialContradicted, "NSEC3 shows that "+qname+" exists")
	}
	p, f := n.proveClosestEncloser(qname)
	if f != nil {
		return f.Finding()
	}
	wildcard := dnsname.Wildcard(p.closestEncloser)
	r, f = n.cover(wildcard)
	switch {
	case f != nil:
		return f.Finding()
	case r == nil:
		return finding(DenialIncomplete, "no NSEC3 covers "+wildcard)
	default:
		return p.unlessOptOut(Proven, qname)
	}
}

// noData implements RFC 5155, sections 8.5 to 8.7. It returns Insecure for every type
// if the name is in an opt-out span: the name may be an insecure delegation, or an
// empty non-terminal above insecure delegations only. An attacker can thus deny what the
// wildcard has, but in such a span he could as well forge a delegation of the name, and
// the wildcard's expansion is Insecure too (section 9.2).
func (n *nsec3Records) noData(qname string, qtype uint16) Finding {
	if f := n.checkLimits(); f.Status != Secure {
		return f
	}
	r, f := n.match(qname)
	switch {
	case f != nil:
		return f.Finding()
	case r != nil:
		return r.deniesType(qname, qtype)
	}
	p, f := n.proveClosestEncloser(qname)
	if f != nil {
		return f.Finding()
	}
	if p.optOut { // whatever the wildcard has: it does not apply if the name exists
		return p.unlessOptOut(Proven, qname)
	}
	wildcard := dnsname.Wildcard(p.closestEncloser)
	r, f = n.match(wildcard)
	switch {
	case f != nil:
		return f.Finding()
	case r != nil:
		return r.deniesType(wildcard, qtype)
	default:
		return finding(DenialIncomplete, "NSEC3 shows that "+qname+" does not exist, and none matches "+wildcard)
	}
}

// wildcardAnswer implements RFC 5155, section 8.8. It also rejects an expansion below
// a delegation or DNAME (RFC 6840, section 4.1), if a record shows that.
func (n *nsec3Records) wildcardAnswer(qname, closestEncloser string) Finding {
	if f := n.checkLimits(); f.Status != Secure {
		return f
	}
	name := dnsname.NextCloser(qname, closestEncloser)
	r, f := n.cover(name)
	switch {
	case f != nil:
		return f.Finding()
	case r == nil:
		return finding(WildcardDenialMissing, "no NSEC3 covers "+name)
	}
	encloser, f := n.match(closestEncloser)
	switch {
	case f != nil:
		return f.Finding()
	case encloser != nil && encloser.isDelegationOrDNAME():
		return finding(DenialIncomplete, "NSEC3 of "+closestEncloser+" is of a delegation or DNAME above "+qname)
	default:
		return closestEncloserProof{closestEncloser: closestEncloser, optOut: r.optOut}.unlessOptOut(Proven, name)
	}
}

// delegation implements RFC 5155, sections 8.6 and 8.9.
func (n *nsec3Records) delegation(name string) (Delegation, Finding) {
	if f := n.checkLimits(); f.Status != Secure {
		return DelegationUnsigned, f
	}
	r, f := n.match(name)
	switch {
	case f != nil:
		return DelegationUnproven, f.Finding()
	case r != nil:
		return r.delegation(name)
	}
	p, f := n.proveClosestEncloser(name)
	switch {
	case f != nil:
		return DelegationUnproven, f.Finding()
	case p.optOut:
		return DelegationUnsigned, p.unlessOptOut(Proven, name)
	default:
		return NoSuchName, Proven
	}
}
