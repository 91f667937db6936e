package dnssec

import (
	"slices"

	"github.com/miekg/dns"
)

// Delegation is what the denial of a DS RRset proves about a name (RFC 4035, section
// 5.2; RFC 6840, section 4.4).
type Delegation uint8

const (
	DelegationUnproven Delegation = iota // nothing is proven
	DelegationSigned                     // there is a DS RRset; no method of Denial returns this
	DelegationUnsigned                   // an insecure delegation, or possibly one: opt-out span, too many NSEC3 iterations
	NotDelegation                        // the name exists in the zone and is no delegation
	NoSuchName                           // the name does not exist, so there is no zone cut at or below it
)

// Denial is the authenticated NSEC and NSEC3 records of one zone in a response. Its
// methods decide which names and types these records prove not to exist (RFC 4035,
// section 5.4; RFC 5155, section 8).
//
// A Finding is Secure if nonexistence is proven, Insecure if an opt-out span or a
// high iteration count allows no secure proof, and Bogus if the records prove
// nothing.
type Denial struct {
	zone    string
	provers []prover
}

// prover is implemented by the NSEC and the NSEC3 records of a Denial.
type prover interface {
	nameError(qname string) Finding
	noData(qname string, qtype uint16) Finding
	wildcardAnswer(qname, closestEncloser string) Finding
	delegation(name string) (Delegation, Finding)
}

// Denial collects the NSEC and NSEC3 records that the zone signed. Records of other
// types and of other signers are ignored. So are records expanded from a wildcard: a
// proof needs a Labels field that equals the labels of the owner name (RFC 4035,
// section 5.4).
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
	if records := newNSEC3Records(zone, nsec3, v.Budget); records != nil {
		d.provers = append(d.provers, records)
	}
	return d
}

// Zone returns the canonical name of the zone that signed the records.
func (d *Denial) Zone() string { return d.zone }

// NameError decides whether it is proven that neither qname nor a wildcard that
// matches it exists.
func (d *Denial) NameError(qname string) Finding {
	return d.best(func(p prover) Finding { return p.nameError(qname) })
}

// NoData decides whether it is proven that qname has no RRset of type qtype and no
// CNAME. If qname does not exist, the same has to be proven of the wildcard that is
// its source of synthesis. For qtype DS the records have to be those of the parent
// zone.
func (d *Denial) NoData(qname string, qtype uint16) Finding {
	return d.best(func(p prover) Finding { return p.noData(qname, qtype) })
}

// WildcardAnswer decides whether an answer may be expanded from the wildcard at
// closestEncloser: whether it is proven that the next closer name does not exist. It
// assumes that qname is below closestEncloser. The expanded RRset is not checked.
func (d *Denial) WildcardAnswer(qname, closestEncloser string) Finding {
	f := d.best(func(p prover) Finding { return p.wildcardAnswer(qname, closestEncloser) })
	if f.Reason == DenialMissing {
		f = finding(WildcardDenialMissing, qname+" comes from a wildcard at "+closestEncloser)
	}
	return f
}

// Delegation decides what the denial of the DS RRset at name proves. The Delegation
// is DelegationUnproven if the Finding is Bogus. It assumes that name is below the
// apex.
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

// best returns the first Finding that is not Bogus. If all are Bogus, it returns the
// one whose Reason is last in the order of the checks.
func (d *Denial) best(prove func(prover) Finding) Finding {
	if len(d.provers) == 0 {
		return finding(DenialMissing, "no NSEC or NSEC3 of "+d.zone)
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

// typeBitMap is the Type Bit Maps field of an NSEC or NSEC3 record.
type typeBitMap []uint16

func (t typeBitMap) has(rrtype uint16) bool { return slices.Contains(t, rrtype) }

// hasData reports whether the owner name has any type besides those of its denial.
func (t typeBitMap) hasData() bool {
	return slices.ContainsFunc(t, func(rrtype uint16) bool {
		return rrtype != dns.TypeNSEC && rrtype != dns.TypeRRSIG && rrtype != dns.TypeNXNAME
	})
}

// isDelegation reports whether this is an ancestor delegation: the record is signed
// by the parent side of a zone cut (RFC 6840, section 4.1).
func (t typeBitMap) isDelegation() bool { return t.has(dns.TypeNS) && !t.has(dns.TypeSOA) }

// isDelegationOrDNAME reports whether the record proves nothing about names below its
// owner name (RFC 6840, section 4.1).
func (t typeBitMap) isDelegationOrDNAME() bool { return t.isDelegation() || t.has(dns.TypeDNAME) }

// deniesType decides whether a record that matches name proves that name has no RRset
// of type qtype and no CNAME (RFC 6840, sections 4.1 to 4.4).
func (t typeBitMap) deniesType(name string, qtype uint16) Finding {
	switch {
	case t.has(qtype):
		return finding(DenialContradicted, name+" has "+dns.Type(qtype).String())
	case t.has(dns.TypeCNAME):
		return finding(DenialContradicted, name+" has CNAME")
	case qtype == dns.TypeDS && t.has(dns.TypeSOA) && name != ".":
		return finding(DenialIncomplete, "the denial of DS "+name+" is of the child zone")
	case qtype != dns.TypeDS && t.isDelegation():
		return finding(DenialIncomplete, "the denial of "+dns.Type(qtype).String()+" "+name+" is of the parent zone")
	case qtype == dns.TypeANY && t.hasData():
		return finding(DenialContradicted, name+" has records")
	default:
		return Proven
	}
}

// delegation decides what a record that matches name proves about a zone cut there.
func (t typeBitMap) delegation(name string) (Delegation, Finding) {
	if f := t.deniesDS(name); f.Status == Bogus {
		return DelegationUnproven, f
	}
	switch {
	case t.has(dns.TypeNXNAME):
		return NoSuchName, Proven
	case t.has(dns.TypeNS):
		return DelegationUnsigned, finding(DelegationInsecure, "no DS at "+name)
	default:
		return NotDelegation, Proven
	}
}

// deniesDS is deniesType for DS, except that a CNAME is allowed: a name with a CNAME
// is no zone cut.
func (t typeBitMap) deniesDS(name string) Finding {
	if t.has(dns.TypeCNAME) && !t.has(dns.TypeDS) && !t.has(dns.TypeSOA) {
		return Proven
	}
	return t.deniesType(name, dns.TypeDS)
}
