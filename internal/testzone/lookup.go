package testzone

import (
	"slices"

	"github.com/miekg/dns"
)

// maxLinks is the maximum length of a chain of CNAMEs and DNAMEs.
const maxLinks = 16

// resolution is a response under construction.
type resolution struct {
	do                bool // the client wants DNSSEC records
	rcode             int
	answer, authority []dns.RR
}

// resolve answers a question and follows CNAMEs and DNAMEs through the zones.
func (w *World) resolve(qname string, qtype uint16, do bool) *resolution {
	r := &resolution{do: do}
	name := dns.CanonicalName(qname)
	for range maxLinks {
		next, ok := w.zoneFor(name, qtype).lookup(r, name, qtype)
		if r.rcode == dns.RcodeServerFailure {
			break
		}
		if !ok {
			return r
		}
		name = dns.CanonicalName(next)
	}
	return &resolution{do: do, rcode: dns.RcodeServerFailure} // lame delegation or CNAME chain too long
}

// zoneFor returns the zone that answers for name. For qtype DS at a zone cut
// that is the parent zone.
func (w *World) zoneFor(name string, qtype uint16) *Zone {
	if up, ok := parent(name); ok && qtype == dns.TypeDS {
		return w.closest(up)
	}
	return w.closest(name)
}

// lookup adds the zone's answer for name to r (RFC 1034, section 4.3.2; RFC
// 4035, section 3.1; RFC 5155, section 7.2; RFC 6672). If the answer is an
// alias that has to be followed, next is its target.
func (z *Zone) lookup(r *resolution, name string, qtype uint16) (next string, follow bool) {
	for _, n := range path(z.Name, name) {
		if z.isCut(n) && (n != name || qtype != dns.TypeDS) {
			r.rcode = dns.RcodeServerFailure // delegated to a zone that is not in this World
			return "", false
		}
		if set := z.set(n, dns.TypeDNAME); set != nil && n != name {
			return r.dname(set, name, qtype)
		}
	}
	if z.names[name] {
		next, found := z.answerFrom(r, name, name, qtype)
		if !found {
			z.proveNoData(r, name)
		}
		return next, next != ""
	}
	encloser, _ := parent(name)
	for !z.names[encloser] {
		encloser, _ = parent(encloser)
	}
	if !z.names[wildcardOf(encloser)] {
		r.rcode = dns.RcodeNameError
		z.proveNameError(r, name, encloser)
		return "", false
	}
	next, found := z.answerFrom(r, wildcardOf(encloser), name, qtype)
	if found {
		z.proveExpansion(r, name, encloser)
	} else {
		z.proveWildcardNoData(r, name, encloser)
	}
	return next, next != ""
}

// answerFrom adds the RRsets at source that answer qtype, under the name owner.
// If that is a CNAME to be followed, next is its target.
func (z *Zone) answerFrom(r *resolution, source, owner string, qtype uint16) (next string, found bool) {
	switch qtype {
	case dns.TypeANY:
		for _, typ := range z.typesAt(source) {
			if r.do || typ != dns.TypeNSEC {
				r.addAnswer(z.expanded(source, owner, typ))
				found = true
			}
		}
		return "", found
	case dns.TypeRRSIG:
		for _, typ := range z.typesAt(source) {
			for _, sig := range z.expanded(source, owner, typ).Sigs {
				r.answer = append(r.answer, sig)
				found = true
			}
		}
		return "", found
	case dns.TypeNSEC:
		if z.Signed() && z.spec.Denial == CompactNSEC {
			r.addAnswer(z.compact(owner, source))
			return "", true
		}
	}
	if z.set(source, qtype) != nil {
		r.addAnswer(z.expanded(source, owner, qtype))
		return "", true
	}
	if set := z.set(source, dns.TypeCNAME); set != nil {
		r.addAnswer(z.expanded(source, owner, dns.TypeCNAME))
		return set.RRs[0].(*dns.CNAME).Target, true
	}
	return "", false
}

// expanded returns a copy of an RRset at source under the name owner. With
// CompactNSEC the copy is signed under that name: an on-line signer does not
// reveal the wildcard.
func (z *Zone) expanded(source, owner string, typ uint16) RRset {
	set := z.set(source, typ).copy()
	if source == owner {
		return set
	}
	for _, rr := range set.RRs {
		rr.Header().Name = owner
	}
	for _, sig := range set.Sigs {
		sig.Hdr.Name = owner
	}
	if z.spec.Denial == CompactNSEC && len(set.Sigs) > 0 {
		z.mustSign(&set)
	}
	return set
}

// dname adds a DNAME RRset and the CNAME synthesized from it.
func (r *resolution) dname(set *RRset, name string, qtype uint16) (next string, follow bool) {
	r.addAnswer(set.copy())
	dname := set.RRs[0].(*dns.DNAME)
	target := dname.Target
	for _, label := range slices.Backward(dns.SplitDomainName(name)[:dns.CountLabel(name)-dns.CountLabel(dname.Hdr.Name)]) {
		target = under(label, target)
	}
	if _, ok := dns.IsDomainName(target); !ok {
		r.rcode = dns.RcodeYXDomain
		return "", false
	}
	r.answer = append(r.answer, &dns.CNAME{
		Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: dname.Hdr.Ttl},
		Target: target,
	})
	return target, qtype != dns.TypeCNAME && qtype != dns.TypeANY
}

// addAnswer adds set, which must be a copy, to the answer section.
func (r *resolution) addAnswer(set RRset) {
	r.answer = appendSet(r.answer, set, r.do)
}

// addAuthority adds set, which must be a copy, to the authority section unless
// it is there already.
func (r *resolution) addAuthority(set RRset) {
	for _, have := range r.authority {
		if len(set.RRs) > 0 && dns.IsDuplicate(have, set.RRs[0]) {
			return
		}
	}
	r.authority = appendSet(r.authority, set, r.do)
}

func appendSet(section []dns.RR, set RRset, withSigs bool) []dns.RR {
	section = append(section, set.RRs...)
	if withSigs {
		for _, sig := range set.Sigs {
			section = append(section, sig)
		}
	}
	return section
}
