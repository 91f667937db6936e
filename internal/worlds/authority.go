package worlds

import (
	"slices"

	"github.com/miekg/dns"
)

// authority answers as the servers of the zones of a tree do.
type authority struct {
	*signer
	*tree
}

// match returns the denial record of a name, which has one.
func (a authority) match(z *zone, name string) *Set {
	if z.mode == Compact {
		return a.compactDenial(z, name)
	}
	return a.denial(z, slices.Index(z.chain, name))
}

// cover returns the denial record before a name that has none: in the order of names, or
// of hashes.
func (a authority) cover(z *zone, name string) *Set {
	best, last := -1, 0
	for i, owner := range z.chain {
		if a.before(z, owner, name) && (best < 0 || a.before(z, z.chain[best], owner)) {
			best = i
		}
		if a.before(z, z.chain[last], owner) {
			last = i
		}
	}
	if best < 0 {
		best = last
	}
	return a.denial(z, best)
}

// before reports whether a name is before another one in the chain.
func (a authority) before(z *zone, name, other string) bool {
	if z.mode.isHashed() {
		return a.hash(name, z.salt) < a.hash(other, z.salt)
	}
	return compareNames(name, other) < 0
}

// matchOrCover returns the record that matches a name, or covers it.
func (a authority) matchOrCover(z *zone, name string) *Set {
	if z.hashed[name] {
		return a.match(z, name)
	}
	return a.cover(z, name)
}

// denials returns the records that prove what a step without RRset says of a name (RFC
// 4035, section 3.1.3; RFC 5155, section 7.2; RFC 9824, section 3).
func (a authority) denials(name string, s step) []*Set {
	z := s.zone
	switch {
	case z.mode == Compact:
		return []*Set{a.compactDenial(z, name)}
	case z.hashed[name]:
		return []*Set{a.match(z, name)}
	case z.mode == NSEC && z.exists[name]:
		return []*Set{a.cover(z, name)}
	case z.mode == NSEC:
		return distinct(a.cover(z, name), a.matchOrCover(z, wildcardAt(z.encloser(name, z.exists))))
	}
	encloser := z.encloser(name, z.hashed)
	sets := []*Set{a.match(z, encloser), a.cover(z, lastLabels(name, labels(encloser)+1))}
	if !z.exists[name] {
		sets = append(sets, a.matchOrCover(z, wildcardAt(encloser)))
	}
	return distinct(sets...)
}

// isProvable reports whether the zone has the records to prove a step. With Opt-Out it may
// lack them for names below an empty non-terminal above insecure delegations only, which
// has no NSEC3 record (RFC 5155, section 7.1): a wildcard above it seems to apply.
func (a authority) isProvable(name string, s step) bool {
	z := s.zone
	return z.mode != OptOut || s.outcome != noName || !z.hashed[wildcardAt(z.encloser(name, z.hashed))]
}

// expansionProof returns the record that proves that a name does not exist for which a
// wildcard stands (RFC 4035, section 3.1.3.3; RFC 5155, section 7.2.6).
func (a authority) expansionProof(name string, s step) []*Set {
	switch {
	case s.zone.mode == Compact || s.source == name || s.outcome == redirected:
		return nil
	case s.zone.mode == NSEC:
		return []*Set{a.cover(s.zone, name)}
	default:
		return []*Set{a.cover(s.zone, lastLabels(name, labels(parent(s.source))+1))}
	}
}

// distinct leaves out what is there already.
func distinct(sets ...*Set) []*Set {
	var found []*Set
	for _, set := range sets {
		if !slices.Contains(found, set) {
			found = append(found, set)
		}
	}
	return found
}

// soa returns the SOA RRset of a zone.
func (a authority) soa(z *zone) *Set { return a.data(z, z.apex, z.apex, dns.TypeSOA) }

// all returns the denial records of a zone.
func (a authority) all(z *zone) []*Set {
	var sets []*Set
	for i := range z.chain {
		sets = append(sets, a.denial(z, i))
	}
	return sets
}
