package testzone

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Denial is how a signed zone proves that a name or type does not exist.
type Denial uint8

// The kinds of denial of existence.
const (
	NSEC        Denial = iota // RFC 4035
	NSEC3                     // RFC 5155
	NSEC3OptOut               // RFC 5155 with opt-out: no NSEC3 RRs for insecure delegations
	CompactNSEC               // RFC 9824: generated and signed for each answer
)

func (d Denial) String() string {
	switch d {
	case NSEC:
		return "NSEC"
	case NSEC3:
		return "NSEC3"
	case NSEC3OptOut:
		return "NSEC3 opt-out"
	case CompactNSEC:
		return "compact NSEC"
	default:
		return "unknown denial"
	}
}

func (z *Zone) usesNSEC3() bool {
	return z.spec.Denial == NSEC3 || z.spec.Denial == NSEC3OptOut
}

// makeChain makes the NSEC or NSEC3 RRs without signatures.
func (z *Zone) makeChain() {
	z.chain = nil
	switch {
	case z.spec.Denial == NSEC:
		z.makeNSEC()
	case z.usesNSEC3():
		z.makeNSEC3()
	}
}

// negativeTTL is the TTL of a negative answer (RFC 2308, section 5), and of
// NSEC and NSEC3 RRs (RFC 9077).
func (z *Zone) negativeTTL() uint32 {
	soa := z.set(z.Name, dns.TypeSOA)
	if soa == nil {
		return z.spec.TTL
	}
	return min(soa.RRs[0].Header().Ttl, soa.RRs[0].(*dns.SOA).Minttl)
}

func (z *Zone) header(name string, typ uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: typ, Class: dns.ClassINET, Ttl: z.negativeTTL()}
}

// owners returns the owner names of authoritative RRsets and of zone cuts, in
// canonical order. Empty non-terminals and glue are not included.
func (z *Zone) owners() []string {
	var names []string
	for key := range z.sets {
		if key.typ != dns.TypeNSEC3 && !z.isBelowCut(key.name) && !slices.Contains(names, key.name) {
			names = append(names, key.name)
		}
	}
	slices.SortFunc(names, compareNames)
	return names
}

// bitmap returns the types for the type bit map at name, and whether one of
// their RRsets is signed. At a zone cut the types are NS and, if present, DS
// (RFC 4035, section 2.3; RFC 5155, section 7.1).
func (z *Zone) bitmap(name string) (types []uint16, signed bool) {
	for _, typ := range z.typesAt(name) {
		switch {
		case typ == dns.TypeNSEC || typ == dns.TypeNSEC3:
		case z.authoritative(name, typ):
			types, signed = append(types, typ), true
		case z.isCut(name) && typ == dns.TypeNS:
			types = append(types, typ)
		}
	}
	return types, signed
}

func withTypes(types []uint16, more ...uint16) []uint16 {
	types = append(slices.Clone(types), more...)
	slices.Sort(types)
	return slices.Compact(types)
}

func (z *Zone) makeNSEC() {
	z.chain = z.owners()
	for i, name := range z.chain {
		types, _ := z.bitmap(name)
		z.add(&dns.NSEC{
			Hdr:        z.header(name, dns.TypeNSEC),
			NextDomain: z.chain[(i+1)%len(z.chain)],
			TypeBitMap: withTypes(types, dns.TypeNSEC, dns.TypeRRSIG),
		})
	}
}

func (z *Zone) makeNSEC3() {
	z.add(&dns.NSEC3PARAM{
		Hdr:  z.header(z.Name, dns.TypeNSEC3PARAM),
		Hash: dns.SHA1, Iterations: z.spec.Iterations,
		SaltLength: uint8(len(z.spec.Salt) / 2), Salt: z.spec.Salt,
	})
	var flags uint8
	if z.spec.Denial == NSEC3OptOut {
		flags = 1
	}
	bitmaps := z.hashedNames()
	for hash := range bitmaps {
		z.chain = append(z.chain, under(hash, z.Name))
	}
	slices.Sort(z.chain) // base32hex preserves the order of the hashes
	for i, name := range z.chain {
		hash, _, _ := strings.Cut(name, ".")
		next, _, _ := strings.Cut(z.chain[(i+1)%len(z.chain)], ".")
		z.add(&dns.NSEC3{
			Hdr:  z.header(name, dns.TypeNSEC3),
			Hash: dns.SHA1, Flags: flags, Iterations: z.spec.Iterations,
			SaltLength: uint8(len(z.spec.Salt) / 2), Salt: z.spec.Salt,
			HashLength: 20, NextDomain: strings.ToUpper(next), TypeBitMap: bitmaps[hash],
		})
	}
}

// hashedNames returns the type bit maps of the zone's NSEC3 RRs by hash.
// With opt-out, insecure delegations and the empty non-terminals that lead
// only to them are left out (RFC 5155, section 7.1).
func (z *Zone) hashedNames() map[string][]uint16 {
	bitmaps := make(map[string][]uint16)
	for _, name := range z.owners() {
		types, signed := z.bitmap(name)
		if signed {
			types = withTypes(types, dns.TypeRRSIG)
		} else if z.spec.Denial == NSEC3OptOut {
			continue
		}
		for _, ancestor := range path(z.Name, name) {
			if hash := z.hash(ancestor); bitmaps[hash] == nil {
				bitmaps[hash] = []uint16{}
			}
		}
		bitmaps[z.hash(name)] = types
	}
	return bitmaps
}

// hash returns the hash of name as a label, in lower case.
func (z *Zone) hash(name string) string {
	return strings.ToLower(dns.HashName(name, dns.SHA1, z.spec.Iterations, z.spec.Salt))
}

// matchOrCover returns the owner name of the NSEC RR that matches or covers
// name.
func (z *Zone) matchOrCover(name string) string {
	i, found := slices.BinarySearchFunc(z.chain, name, compareNames)
	if !found {
		i--
	}
	return z.chain[i] // the apex is the first name in canonical order
}

// matchNSEC3 returns the owner name of the NSEC3 RR that matches name.
func (z *Zone) matchNSEC3(name string) (owner string, ok bool) {
	owner = under(z.hash(name), z.Name)
	_, ok = slices.BinarySearch(z.chain, owner)
	return owner, ok
}

// coverNSEC3 returns the owner name of the NSEC3 RR that covers name.
func (z *Zone) coverNSEC3(name string) string {
	i, _ := slices.BinarySearch(z.chain, under(z.hash(name), z.Name))
	return z.chain[(i-1+len(z.chain))%len(z.chain)]
}

// closestProvable returns the closest ancestor of name that has an NSEC3 RR,
// and the next closer name. In a zone with opt-out this may be an ancestor of
// the closest encloser (RFC 5155, section 1.3: closest provable encloser).
func (z *Zone) closestProvable(name string) (encloser, nextCloser string) {
	names := path(z.Name, name)
	for i := len(names) - 2; i > 0; i-- {
		if _, ok := z.matchNSEC3(names[i]); ok {
			return names[i], names[i+1]
		}
	}
	return names[0], names[1]
}
