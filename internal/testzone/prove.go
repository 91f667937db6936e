package testzone

import (
	"github.com/miekg/dns"
)

// addSOA adds the SOA RRset with the negative TTL to the authority section.
func (z *Zone) addSOA(r *resolution) {
	soa := z.set(z.Name, dns.TypeSOA)
	if soa == nil {
		return
	}
	set := soa.copy()
	for _, rr := range set.RRs {
		rr.Header().Ttl = z.negativeTTL()
	}
	for _, sig := range set.Sigs {
		sig.Hdr.Ttl = z.negativeTTL()
	}
	r.addAuthority(set)
}

// proves reports whether the response needs a denial of existence.
func (z *Zone) proves(r *resolution) bool { return r.do && z.Signed() && !z.noDenial }

// addNSEC adds the NSEC RRs that match or cover names.
func (z *Zone) addNSEC(r *resolution, names ...string) {
	for _, name := range names {
		if set := z.set(z.matchOrCover(name), dns.TypeNSEC); set != nil {
			r.addAuthority(set.copy())
		}
	}
}

// addNSEC3 adds the NSEC3 RRs with these owner names.
func (z *Zone) addNSEC3(r *resolution, owners ...string) {
	for _, owner := range owners {
		if set := z.set(owner, dns.TypeNSEC3); set != nil {
			r.addAuthority(set.copy())
		}
	}
}

// addClosestEncloser adds the closest encloser proof for name (RFC 5155,
// section 7.2.1) and returns the closest provable encloser.
func (z *Zone) addClosestEncloser(r *resolution, name string) string {
	encloser, nextCloser := z.closestProvable(name)
	match, _ := z.matchNSEC3(encloser)
	z.addNSEC3(r, match, z.coverNSEC3(nextCloser))
	return encloser
}

// proveNoData adds the proof that name exists but lacks the qtype.
func (z *Zone) proveNoData(r *resolution, name string) {
	z.addSOA(r)
	switch {
	case !z.proves(r):
	case z.spec.Denial == CompactNSEC:
		r.addAuthority(z.compact(name, name))
	case z.usesNSEC3():
		if match, ok := z.matchNSEC3(name); ok {
			z.addNSEC3(r, match)
		} else { // an opt-out span covers the delegation
			z.addClosestEncloser(r, name)
		}
	default:
		z.addNSEC(r, name)
	}
}

// proveNameError adds the proof that neither name nor the wildcard at its
// closest encloser exists.
func (z *Zone) proveNameError(r *resolution, name, encloser string) {
	z.addSOA(r)
	switch {
	case !z.proves(r):
	case z.spec.Denial == CompactNSEC:
		r.rcode = dns.RcodeSuccess
		r.addAuthority(z.compactNameError(name))
	case z.usesNSEC3():
		provable := z.addClosestEncloser(r, name)
		z.addNSEC3(r, z.coverNSEC3(wildcardOf(provable)))
	default:
		z.addNSEC(r, name, wildcardOf(encloser))
	}
}

// proveExpansion adds the proof that name does not exist to an answer expanded
// from a wildcard.
func (z *Zone) proveExpansion(r *resolution, name, encloser string) {
	switch {
	case !z.proves(r) || z.noWildcardProof || z.spec.Denial == CompactNSEC:
	case z.usesNSEC3():
		nextCloser := lastLabels(name, dns.CountLabel(encloser)+1)
		z.addNSEC3(r, z.coverNSEC3(nextCloser))
	default:
		z.addNSEC(r, name)
	}
}

// proveWildcardNoData adds the proof that name does not exist and that the
// wildcard at its closest encloser lacks the qtype.
func (z *Zone) proveWildcardNoData(r *resolution, name, encloser string) {
	z.addSOA(r)
	wildcard := wildcardOf(encloser)
	switch {
	case !z.proves(r):
	case z.spec.Denial == CompactNSEC:
		r.addAuthority(z.compact(name, wildcard))
	case z.usesNSEC3():
		z.addClosestEncloser(r, name)
		if match, ok := z.matchNSEC3(wildcard); ok {
			z.addNSEC3(r, match)
		}
	default:
		z.addNSEC(r, name, wildcard)
	}
}

// compact returns the NSEC RR of RFC 9824, section 3.2, for name, with the
// types at source.
func (z *Zone) compact(name, source string) RRset {
	types, _ := z.bitmap(source)
	return z.compactNSEC(name, types)
}

// compactNameError returns the NSEC RR of RFC 9824, section 3.1, for name.
func (z *Zone) compactNameError(name string) RRset {
	return z.compactNSEC(name, []uint16{dns.TypeNXNAME})
}

func (z *Zone) compactNSEC(name string, types []uint16) RRset {
	set := RRset{RRs: []dns.RR{&dns.NSEC{
		Hdr:        z.header(name, dns.TypeNSEC),
		NextDomain: under(`\000`, name),
		TypeBitMap: withTypes(types, dns.TypeNSEC, dns.TypeRRSIG),
	}}}
	z.mustSign(&set)
	return set
}

// mustSign signs set while answering, where no error can be returned. Signing
// the zone's own records does not fail.
func (z *Zone) mustSign(set *RRset) {
	if err := z.signSet(z.ZSK, set); err != nil {
		panic(err)
	}
}
