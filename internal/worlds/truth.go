package worlds

import (
	"slices"

	"github.com/miekg/dns"
)

// outcome is what a right authority has for a name and a type.
type outcome uint8

const (
	answered   outcome = iota // the RRset
	aliased                   // a CNAME
	redirected                // a DNAME above the name
	noData                    // the name exists, or a wildcard stands for it, and has no such RRset
	noName                    // there is no such name
	unknown                   // the zone is not signed, or none is known
)

// step is the truth about one name and one type: the outcome, the owner name of the
// RRset as the zone has it, the target of an alias, and the zone.
type step struct {
	outcome
	source string
	target string
	zone   *zone // nil: the name is outside
}

// step finds the outcome as an authoritative server does (RFC 1034, section 4.3.2, as
// changed by RFC 4592, section 3.3.1, and RFC 6672, section 3.2).
func (t *tree) step(name string, qtype uint16) step {
	z := t.holding(name, qtype)
	if z == nil || !z.signed || z.hostile {
		return step{outcome: unknown, zone: z}
	}
	if _, ok := z.owners[name]; ok {
		return z.at(name, qtype)
	}
	for above := parent(name); isAtOrBelow(above, z.apex); above = parent(above) {
		if node := z.owners[above]; node.Kind == Redirect && above != z.apex {
			return step{outcome: redirected, source: above, target: substitute(name, above, node.Target), zone: z}
		}
	}
	if z.exists[name] {
		return step{outcome: noData, zone: z}
	}
	wildcard := wildcardAt(z.encloser(name, z.exists))
	switch {
	case !z.exists[wildcard]:
		return step{outcome: noName, zone: z}
	case len(z.types(wildcard)) == 0:
		return step{outcome: noData, zone: z}
	default:
		return z.at(wildcard, qtype)
	}
}

// at finds the outcome at an owner name.
func (z *zone) at(owner string, qtype uint16) step {
	switch {
	case slices.Contains(z.types(owner), qtype):
		return step{outcome: answered, source: owner, zone: z}
	case slices.Contains(z.types(owner), dns.TypeCNAME):
		return step{outcome: aliased, source: owner, target: z.owners[owner].Target, zone: z}
	default:
		return step{outcome: noData, source: owner, zone: z}
	}
}

// mayBeInsecure reports whether a response about a name may be insecure: its zone is
// not signed, or the name is in an opt-out span, so that an insecure delegation may be
// there (RFC 5155, sections 6 and 9.2).
func (t *tree) mayBeInsecure(name string, qtype uint16) bool {
	z := t.holding(name, qtype)
	return z != nil && (!z.signed || z.inOptOutSpan(name))
}

// inOptOutSpan reports whether no NSEC3 record is of the name, while an ancestor has one
// that is of no delegation and no DNAME.
func (z *zone) inOptOutSpan(name string) bool {
	if z.mode != OptOut || z.hashed[name] || !isBelow(name, z.apex) {
		return false
	}
	above := z.encloser(name, z.hashed)
	node := z.owners[above]
	return above == z.apex || !node.Kind.isCut() && node.Kind != Redirect
}
