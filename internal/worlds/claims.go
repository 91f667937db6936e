package worlds

import (
	"slices"

	"github.com/miekg/dns"
)

// versions is what the zones of a world were over time: what they are, and what they
// were before. A record of either is genuine. What is proven from records of both is
// true if each single statement is true of the zone in one of them.
type versions []*tree

// any reports whether a version has a property.
func (v versions) any(has func(*tree) bool) bool { return slices.ContainsFunc(v, has) }

// inZone reports whether a signed zone has a property in some version.
func (v versions) inZone(apex string, has func(*zone) bool) bool {
	return v.any(func(t *tree) bool {
		z := t.zones[apex]
		return z != nil && z.signed && has(z)
	})
}

// isHostile reports whether an RRset is, or was, of a hostile zone. The DS RRset of one that
// was there before may be replayed, and then the zone may say anything.
func (v versions) isHostile(name string, qtype uint16) bool {
	return v.any(func(t *tree) bool {
		z := t.holding(name, qtype)
		return z != nil && z.hostile
	})
}

// hasOutcome reports whether a name and type have an outcome in a version.
func (v versions) hasOutcome(name string, qtype uint16, want outcome) bool {
	return v.any(func(t *tree) bool { return t.step(name, qtype).outcome == want })
}

// isNotCovered reports whether the zone has no such name. What is in a zone below does
// not count.
func isNotCovered(name string) func(*zone) bool {
	return func(z *zone) bool { return !z.exists[name] }
}

// mayEnclose reports whether the zone has the name, and neither delegates nor redirects
// what is below.
func mayEnclose(name string) func(*zone) bool {
	return func(z *zone) bool {
		kind := z.owners[name].Kind
		return z.exists[name] && (name == z.apex || !kind.isCut() && kind != Redirect)
	}
}

// encloses reports whether, of a zone in some version each, a name above exists, the
// next closer name does not, and the wildcard at the name above is as wanted. For a single
// version the outcome says the same, exactly.
func (v versions) encloses(name string, wildcardIs func(wildcard string) func(*zone) bool) bool {
	if len(v) == 1 {
		return false
	}
	for above := parent(name); above != ""; above = parent(above) {
		next := lastLabels(name, labels(above)+1)
		for apex := above; apex != ""; apex = parent(apex) {
			if v.inZone(apex, mayEnclose(above)) && v.inZone(apex, isNotCovered(next)) && v.inZone(apex, wildcardIs(wildcardAt(above))) {
				return true
			}
		}
	}
	return false
}

// allowsNoName reports whether it may be proven that there is no such name.
func (v versions) allowsNoName(name string, qtype uint16) bool {
	return v.hasOutcome(name, qtype, noName) || v.encloses(name, isNotCovered)
}

// allowsNoData reports whether it may be proven that a name has no RRset of a type. A
// zone that denies as RFC 9824 has it says so of names that do not exist.
func (v versions) allowsNoData(name string, qtype uint16) bool {
	return v.hasOutcome(name, qtype, noData) ||
		v.any(func(t *tree) bool {
			s := t.step(name, qtype)
			return s.outcome == noName && s.zone.mode == Compact
		}) ||
		v.encloses(name, func(wildcard string) func(*zone) bool {
			return func(z *zone) bool {
				types := z.types(wildcard)
				return z.exists[wildcard] && !slices.Contains(types, qtype) && !slices.Contains(types, dns.TypeCNAME)
			}
		})
}

// allowsExpansion reports whether an RRset of a wildcard may stand for a name.
func (v versions) allowsExpansion(name, wildcard string, qtype, rtype uint16) bool {
	return v.any(func(t *tree) bool {
		s := t.step(name, qtype)
		return s.source == wildcard && s.outcome != noData
	}) || v.encloses(name, func(w string) func(*zone) bool {
		return func(z *zone) bool { return w == wildcard && slices.Contains(z.types(w), rtype) }
	})
}

// allowsNoCut reports whether it may be proven that no zone begins at a name, and if the
// name is absent neither below it.
func (v versions) allowsNoCut(apex, name string, absent bool) bool {
	if absent && v.encloses(name, func(string) func(*zone) bool { return func(*zone) bool { return true } }) {
		return true
	}
	return v.any(func(t *tree) bool {
		z := t.holding(name, dns.TypeDS)
		if z == nil || z.apex != apex || !z.signed || z.owners[name].Kind.isCut() {
			return false
		}
		return !absent || !z.exists[name] && t.step(name, dns.TypeDS).outcome != redirected
	})
}

// allowsSpan reports whether a zone may have an insecure delegation at or above a name,
// as its opt-out spans show.
func (v versions) allowsSpan(apex, name string) bool {
	if v.inZone(apex, func(z *zone) bool { return z.inOptOutSpan(name) }) {
		return true
	}
	for above := parent(name); above != "" && len(v) > 1; above = parent(above) {
		next := lastLabels(name, labels(above)+1)
		if v.inZone(apex, mayEnclose(above)) && v.inZone(apex, func(z *zone) bool { return z.mode == OptOut && !z.hashed[next] }) {
			return true
		}
	}
	return false
}

// allowsInsecure reports whether a response about a name may be insecure.
func (v versions) allowsInsecure(name string, qtype uint16) bool {
	if v.any(func(t *tree) bool { return t.mayBeInsecure(name, qtype) }) {
		return true
	}
	for apex := parent(name); apex != "" && len(v) > 1; apex = parent(apex) {
		if v.allowsSpan(apex, name) {
			return true
		}
	}
	return false
}
