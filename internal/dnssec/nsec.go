package dnssec

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// nsecRecord is one authenticated NSEC record (RFC 4034, section 4). Names are
// canonical.
type nsecRecord struct {
	typeBitMap
	owner, next string
}

// nsecRecords is the authenticated NSEC records of one zone.
type nsecRecords struct {
	zone    string
	records []nsecRecord
}

// add appends the records of an RRset. It ignores a record whose next name is outside
// the zone, since that would cover names of other zones.
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

// newNSECRecord converts an NSEC record. ok is false if its next name is outside the
// zone.
func newNSECRecord(owner string, nsec *dns.NSEC, zone string) (r nsecRecord, ok bool) {
	r = nsecRecord{typeBitMap: nsec.TypeBitMap, owner: owner, next: dnsname.Canonical(nsec.NextDomain)}
	return r, dnsname.IsSubdomain(r.next, zone)
}

// match returns the record whose owner name is name.
func (n *nsecRecords) match(name string) (r nsecRecord, ok bool) {
	for _, r := range n.records {
		if r.owner == name {
			return r, true
		}
	}
	return nsecRecord{}, false
}

// cover returns the record that covers name. ok is false if none does or name is
// outside the zone.
func (n *nsecRecords) cover(name string) (r nsecRecord, ok bool) {
	for _, r := range n.records {
		if r.covers(name, n.zone) {
			return r, dnsname.IsSubdomain(name, n.zone)
		}
	}
	return nsecRecord{}, false
}

// covers reports whether name is between the owner name and the next name in
// canonical order. The next name of the last record is the apex. A record of a
// delegation or a DNAME covers no name below its owner name (RFC 6840, section 4.1).
func (r nsecRecord) covers(name, zone string) bool {
	if r.isDelegationOrDNAME() && dnsname.IsBelow(name, r.owner) {
		return false
	}
	return dnsname.Compare(r.owner, name) < 0 && (r.next == zone || dnsname.Compare(name, r.next) < 0)
}

// emptyNonTerminal reports whether a covered name is an empty non-terminal, which it
// is if the next name is below it.
func (r nsecRecord) emptyNonTerminal(name string) bool { return dnsname.IsBelow(r.next, name) }

// closestEncloser returns the closest encloser of a covered name: its longest common
// ancestor with the owner name or with the next name.
func (r nsecRecord) closestEncloser(name string) string {
	a, b := dnsname.CommonAncestor(name, r.owner), dnsname.CommonAncestor(name, r.next)
	if len(a) > len(b) {
		return a
	}
	return b
}

// nameError implements RFC 4035, section 5.4. A matching record with the NXNAME type
// also proves a name error (RFC 9824, section 2).
func (n *nsecRecords) nameError(qname string) Finding {
	if r, ok := n.match(qname); ok {
		if r.has(dns.TypeNXNAME) {
			return Proven
		}
		return finding(DenialContradicted, "NSEC "+qname+" shows that the name exists")
	}
	r, ok := n.cover(qname)
	switch {
	case !ok:
		return finding(DenialIncomplete, "no NSEC covers "+qname)
	case r.emptyNonTerminal(qname):
		return finding(DenialContradicted, "NSEC "+r.owner+" shows that "+qname+" is an empty non-terminal")
	}
	wildcard := dnsname.Wildcard(r.closestEncloser(qname))
	if _, ok := n.match(wildcard); ok {
		return finding(DenialContradicted, "NSEC shows that "+wildcard+" exists")
	}
	if w, ok := n.cover(wildcard); !ok || w.emptyNonTerminal(wildcard) {
		return finding(DenialIncomplete, "no NSEC covers "+wildcard)
	}
	return Proven
}

// noData implements RFC 4035, section 5.4, including the case of section 3.1.3.4 in
// which a wildcard matches. An empty non-terminal exists and has no types (RFC 4592,
// section 2.2.2).
func (n *nsecRecords) noData(qname string, qtype uint16) Finding {
	if r, ok := n.match(qname); ok {
		return r.deniesType(qname, qtype)
	}
	r, ok := n.cover(qname)
	switch {
	case !ok:
		return finding(DenialIncomplete, "no NSEC matches or covers "+qname)
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
	return finding(DenialIncomplete, "NSEC shows that "+qname+" does not exist, and none matches "+wildcard)
}

// wildcardAnswer implements RFC 4035, section 5.3.4.
func (n *nsecRecords) wildcardAnswer(qname, closestEncloser string) Finding {
	name := dnsname.NextCloser(qname, closestEncloser)
	if _, ok := n.match(name); ok {
		return finding(DenialContradicted, "NSEC shows that "+name+" exists")
	}
	r, ok := n.cover(name)
	switch {
	case !ok:
		return finding(WildcardDenialMissing, "no NSEC covers "+name)
	case r.emptyNonTerminal(name):
		return finding(DenialContradicted, "NSEC "+r.owner+" shows that "+name+" is an empty non-terminal")
	default:
		return Proven
	}
}

// delegation implements RFC 6840, section 4.4.
func (n *nsecRecords) delegation(name string) (Delegation, Finding) {
	if r, ok := n.match(name); ok {
		return r.delegation(name)
	}
	r, ok := n.cover(name)
	switch {
	case !ok:
		return DelegationUnproven, finding(DenialIncomplete, "no NSEC matches or covers "+name)
	case r.emptyNonTerminal(name):
		return NotDelegation, Proven
	default: // not expanded: a wildcard can't be a delegation
		return NoSuchName, Proven
	}
}
