package dnssec

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// nsecRecord is one authenticated NSEC: the owner name, the next name of the
// canonical order, and the types at the owner (RFC 4034, section 4).
type nsecRecord struct {
	typeBitMap
	owner, next string
}

type nsecRecords struct {
	zone    string
	records []nsecRecord
}

// add takes the records whose next name lies in the zone. One that points outside
// would cover names that the zone can say nothing about.
func (n *nsecRecords) add(a *Authenticated, zone string) {
	n.zone = zone
	for _, rr := range a.set.RRs {
		if nsec, ok := rr.(*dns.NSEC); ok {
			if record, ok := newNSECRecord(a.set.Name, nsec, zone); ok {
				n.records = append(n.records, record)
			}
		}
	}
}

// newNSECRecord fails if the next name lies outside the zone.
func newNSECRecord(owner string, nsec *dns.NSEC, zone string) (r nsecRecord, ok bool) {
	r = nsecRecord{typeBitMap: nsec.TypeBitMap, owner: owner, next: dnsname.Canonical(nsec.NextDomain)}
	return r, dnsname.IsSubdomain(r.next, zone)
}

// match returns the record whose owner is the name.
func (n *nsecRecords) match(name string) (nsecRecord, bool) {
	for _, r := range n.records {
		if r.owner == name {
			return r, true
		}
	}
	return nsecRecord{}, false
}

// cover returns the record in whose span the name lies. The last one of the zone
// points back to the apex.
func (n *nsecRecords) cover(name string) (nsecRecord, bool) {
	for _, r := range n.records {
		if r.covers(name, n.zone) {
			return r, dnsname.IsSubdomain(name, n.zone)
		}
	}
	return nsecRecord{}, false
}

// covers tells whether the name lies in the span, as far as the record speaks for it.
func (r nsecRecord) covers(name, zone string) bool {
	if r.endsZone() && dnsname.IsBelow(name, r.owner) {
		return false
	}
	return dnsname.Compare(r.owner, name) < 0 && (r.next == zone || dnsname.Compare(name, r.next) < 0)
}

// emptyNonTerminal tells whether a covered name exists all the same, since the
// next name lies below it.
func (r nsecRecord) emptyNonTerminal(name string) bool { return dnsname.IsBelow(r.next, name) }

// closestEncloser is the longest existing ancestor of a covered name: one of the
// two ends of the span shares it.
func (r nsecRecord) closestEncloser(name string) string {
	a, b := dnsname.CommonAncestor(name, r.owner), dnsname.CommonAncestor(name, r.next)
	if len(a) > len(b) {
		return a
	}
	return b
}

// nameError is RFC 4035, section 5.4; a name with the NXNAME pseudo-type is denied
// too (RFC 9824, section 3.3).
func (n *nsecRecords) nameError(qname string) Finding {
	if r, ok := n.match(qname); ok {
		if r.has(dns.TypeNXNAME) {
			return Proven
		}
		return found(DenialContradicted, "NSEC "+qname+" shows that the name exists")
	}
	r, ok := n.cover(qname)
	switch {
	case !ok:
		return found(DenialIncomplete, "no NSEC covers "+qname)
	case r.emptyNonTerminal(qname):
		return found(DenialContradicted, "NSEC "+r.owner+" shows that "+qname+" is an empty non-terminal")
	}
	wildcard := dnsname.Wildcard(r.closestEncloser(qname))
	if _, ok := n.match(wildcard); ok {
		return found(DenialContradicted, "NSEC shows that "+wildcard+" exists")
	}
	if w, ok := n.cover(wildcard); !ok || w.emptyNonTerminal(wildcard) {
		return found(DenialIncomplete, "no NSEC covers "+wildcard)
	}
	return Proven
}

// noData is RFC 4035, section 5.4, with the empty non-terminals of RFC 4592 and the
// wildcard of section 3.1.3.4.
func (n *nsecRecords) noData(qname string, qtype uint16) Finding {
	if r, ok := n.match(qname); ok {
		return r.deniesType(qname, qtype)
	}
	r, ok := n.cover(qname)
	switch {
	case !ok:
		return found(DenialIncomplete, "no NSEC matches or covers "+qname)
	case r.emptyNonTerminal(qname):
		return Proven
	}
	wildcard := dnsname.Wildcard(r.closestEncloser(qname))
	if w, ok := n.match(wildcard); ok {
		return w.deniesType(wildcard, qtype)
	}
	if w, ok := n.cover(wildcard); ok && w.emptyNonTerminal(wildcard) {
		return Proven
	}
	return found(DenialIncomplete, "NSEC shows that "+qname+" does not exist, and none matches "+wildcard)
}

// wildcardAnswer is RFC 4035, section 5.3.4.
func (n *nsecRecords) wildcardAnswer(qname, closestEncloser string) Finding {
	name := dnsname.NextCloser(qname, closestEncloser)
	if _, ok := n.match(name); ok {
		return found(DenialContradicted, "NSEC shows that "+name+" exists")
	}
	r, ok := n.cover(name)
	switch {
	case !ok:
		return found(WildcardDenialMissing, "no NSEC covers "+name)
	case r.emptyNonTerminal(name):
		return found(DenialContradicted, "NSEC "+r.owner+" shows that "+name+" is an empty non-terminal")
	default:
		return Proven
	}
}

func (n *nsecRecords) delegation(name string) (Delegation, Finding) {
	if r, ok := n.match(name); ok {
		return r.delegation(name)
	}
	r, ok := n.cover(name)
	switch {
	case !ok:
		return DelegationUnproven, found(DenialIncomplete, "no NSEC matches or covers "+name)
	case r.emptyNonTerminal(name):
		return NotDelegation, Proven
	default: // a wildcard makes no delegation
		return NoSuchName, Proven
	}
}
