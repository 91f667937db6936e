package dnssec

import (
	"slices"

	"github.com/miekg/dns"
)

// Delegation is what the denial of a DS RRset shows of a name (RFC 4035, section
// 5.2; RFC 6840, section 4.4).
type Delegation uint8

const (
	DelegationUnproven Delegation = iota // nothing
	DelegationSigned                     // a DS RRset is there; no denial shows this
	DelegationUnsigned                   // a zone cut without DS, or an opt-out span in which one may be
	NotDelegation                        // a name of the zone, with no zone cut at it
	NoSuchName                           // no name of the zone, so that no zone cut is at or below it
)

// Denial is the authenticated NSEC and NSEC3 records of one zone in a response.
// Its methods decide what they prove not to exist (RFC 4035, section 5.4; RFC
// 5155, section 8). A finding is Secure if it is proven, Insecure if the name may
// be in an unsigned part of the zone, and Bogus if nothing is proven.
type Denial struct {
	zone    string
	provers []prover
}

// prover is one of the two kinds of records that deny existence.
type prover interface {
	nameError(qname string) Finding
	noData(qname string, qtype uint16) Finding
	wildcardAnswer(qname, closestEncloser string) Finding
	delegation(name string) (Delegation, Finding)
}

// Denial collects the records that the zone signed. Records of other types and
// signers are passed over, and so are those made from a wildcard, whose owner
// names prove nothing (RFC 4035, section 5.3.4).
func (v *Verifier) Denial(zone string, sets []*Authenticated) *Denial {
	d := &Denial{zone: zone}
	var nsec nsecRecords
	var nsec3 []*Authenticated
	for _, a := range sets {
		if _, expanded := a.Expanded(); expanded || a.signer != zone {
			continue
		}
		switch a.set.Type {
		case dns.TypeNSEC:
			nsec.add(a, zone)
		case dns.TypeNSEC3:
			nsec3 = append(nsec3, a)
		}
	}
	if len(nsec.records) > 0 {
		d.provers = append(d.provers, &nsec)
	}
	if chain := newNSEC3Chain(zone, nsec3, v.Budget); chain != nil {
		d.provers = append(d.provers, chain)
	}
	return d
}

// Zone returns the zone whose records these are.
func (d *Denial) Zone() string { return d.zone }

// NameError decides whether neither qname nor a wildcard for it exists.
func (d *Denial) NameError(qname string) Finding {
	return d.best(func(p prover) Finding { return p.nameError(qname) })
}

// NoData decides whether qname, or the wildcard that stands for it, has no records
// of the type and no CNAME. For a DS the records have to be of the parent zone.
func (d *Denial) NoData(qname string, qtype uint16) Finding {
	return d.best(func(p prover) Finding { return p.noData(qname, qtype) })
}

// WildcardAnswer decides whether the wildcard at the closest encloser was the
// right one to answer qname from: that the next closer name does not exist.
func (d *Denial) WildcardAnswer(qname, closestEncloser string) Finding {
	f := d.best(func(p prover) Finding { return p.wildcardAnswer(qname, closestEncloser) })
	if f.Reason == DenialMissing {
		f = found(WildcardDenialMissing, qname+" comes from a wildcard at "+closestEncloser)
	}
	return f
}

// Delegation decides what the denial of the DS RRset at name shows. It assumes
// that the zone is a parent of name.
func (d *Denial) Delegation(name string) (Delegation, Finding) {
	shown := DelegationUnproven
	f := d.best(func(p prover) Finding {
		s, f := p.delegation(name)
		if f.Status != Bogus {
			shown = s
		}
		return f
	})
	return shown, f
}

// best returns the first finding that is not bogus, else the one that got furthest.
func (d *Denial) best(prove func(prover) Finding) Finding {
	if len(d.provers) == 0 {
		return found(DenialMissing, "no NSEC or NSEC3 of "+d.zone)
	}
	var best Finding
	for _, p := range d.provers {
		f := prove(p)
		if f.Status != Bogus {
			return f
		}
		if f.Reason > best.Reason {
			best = f
		}
	}
	return best
}

// typeBitMap is what both kinds of records say of their owner name.
type typeBitMap []uint16

func (t typeBitMap) has(rrtype uint16) bool { return slices.Contains(t, rrtype) }

// hasData tells whether there is more at the owner name than its own denial.
func (t typeBitMap) hasData() bool {
	return slices.ContainsFunc(t, func(rrtype uint16) bool {
		return rrtype != dns.TypeNSEC && rrtype != dns.TypeRRSIG && rrtype != dns.TypeNXNAME
	})
}

// isDelegation tells whether the record is of the parent's side of a zone cut.
func (t typeBitMap) isDelegation() bool { return t.has(dns.TypeNS) && !t.has(dns.TypeSOA) }

// endsZone tells whether names below the owner are not of this zone or not of this
// place, so that the record proves nothing of them (RFC 6840, section 4.1).
func (t typeBitMap) endsZone() bool { return t.isDelegation() || t.has(dns.TypeDNAME) }

// deniesType decides whether a record that matches the name proves that it has
// none of the type (RFC 6840, sections 4.1 to 4.4).
func (t typeBitMap) deniesType(name string, qtype uint16) Finding {
	switch {
	case t.has(qtype):
		return found(DenialContradicted, name+" has "+dns.Type(qtype).String())
	case t.has(dns.TypeCNAME):
		return found(DenialContradicted, name+" has CNAME")
	case qtype == dns.TypeDS && t.has(dns.TypeSOA) && name != ".":
		return found(DenialIncomplete, "the denial of DS "+name+" is of the child zone")
	case qtype != dns.TypeDS && t.isDelegation():
		return found(DenialIncomplete, "the denial of "+dns.Type(qtype).String()+" "+name+" is of the parent zone")
	case qtype == dns.TypeANY && t.hasData():
		return found(DenialContradicted, name+" has records")
	default:
		return Proven
	}
}

// delegation decides what a record that matches the name shows of a zone cut.
func (t typeBitMap) delegation(name string) (Delegation, Finding) {
	if f := t.deniesDS(name); f.Status == Bogus {
		return DelegationUnproven, f
	}
	switch {
	case t.has(dns.TypeNXNAME):
		return NoSuchName, Proven
	case t.has(dns.TypeNS):
		return DelegationUnsigned, found(DelegationInsecure, "no DS at "+name)
	default:
		return NotDelegation, Proven
	}
}

// deniesDS is deniesType for the DS of a zone cut: an alias is none.
func (t typeBitMap) deniesDS(name string) Finding {
	if t.has(dns.TypeCNAME) && !t.has(dns.TypeDS) && !t.has(dns.TypeSOA) {
		return Proven
	}
	return t.deniesType(name, dns.TypeDS)
}
