package testzone

import (
	"github.com/miekg/dns"
)

// addSOA adds the SOA RRset of a negative answer with the negative TTL.
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

// proves reports whether the response is to have a proof of nonexistence.
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

// proveNoData: name exists, and does not have the type asked for.
func (z *Zone) proveNoData(r *resolution, name string) {
	z.addSOA(r)
	switch {
	case !z.proves(r):
	case z.spec.Denial == CompactNSEC:
		r.addAuthority(z.compact(name, name))
	case z.usesNSEC3():
		if match, ok := z.matchNSEC3(name); ok {
			z.addNSEC3(r, match)
		} else { // left out by opt-out
			z.addClosestEncloser(r, name)
		}
	default:
		z.addNSEC(r, name)
	}
}

// proveNameError: name does not exist, nor the wildcard at its closest
// encloser.
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

// proveExpansion: the answer is expanded from a wildcard, and name itself
// does not exist.
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

// proveWildcardNoData: name does not exist, and the wildcard at its closest
// encloser does not have the type asked for.
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

// compact returns the NSEC RR of RFC 9824, section 3.2, for name with the
// types that there are at source.
func (z *Zone) compact(name, source string) RRset {
	types, _ := z.bitmap(source)
	return z.compactNSEC(name, types)
}

// compactNameError returns the NSEC RR of RFC 9824, section 3.1.
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

// mustSign signs while answering, where an error can't be returned: the
// records are the zone's own, so there is none.
func (z *Zone) mustSign(set *RRset) {
	if err := z.signSet(z.ZSK, set); err != nil {
		panic(err)
	}
}
