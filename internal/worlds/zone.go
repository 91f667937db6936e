package worlds

import (
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// zone is one zone of a world, with what its owner wrote into it.
type zone struct {
	apex    string
	signed  bool
	hostile bool
	mode    Mode
	salt    uint16
	owners  map[string]Node // names that have records. The one of the apex says nothing
	exists  map[string]bool // the owner names, the names between them and the apex, and the apex
	chain   []string        // names that have an NSEC or NSEC3 record, in canonical order
	hashed  map[string]bool // the same
}

// tree is the zones of one version of a world, by apex.
type tree struct {
	zones map[string]*zone
	sets  []*Set // what the zones signed, see signer.sets
}

// plant makes the zones of some nodes.
func plant(w World, nodes []Node) *tree {
	t := &tree{zones: make(map[string]*zone)}
	t.add(&zone{apex: top, signed: true, mode: w.Modes[0], salt: w.Salts[0]})
	for _, n := range nodes {
		if n.Kind.isCut() {
			t.add(&zone{apex: n.Name, signed: n.Kind != Unsigned, hostile: n.Kind == Hostile, mode: w.Modes[1], salt: w.Salts[1]})
		}
	}
	for _, n := range nodes {
		z := t.holding(n.Name, dns.TypeA)
		if n.Kind.isCut() {
			z = t.holding(n.Name, dns.TypeDS)
		}
		z.owners[n.Name] = n
	}
	for _, z := range t.zones {
		z.index()
	}
	return t
}

func (t *tree) add(z *zone) {
	z.owners = map[string]Node{z.apex: {Name: z.apex}}
	t.zones[z.apex] = z
}

// holding returns the zone that holds an RRset, or nil if it is outside. A DS RRset is
// the parent's (RFC 4035, section 3.1.4.1).
func (t *tree) holding(name string, qtype uint16) *zone {
	if qtype == dns.TypeDS {
		name = parent(name)
	}
	for ; name != ""; name = parent(name) {
		if z := t.zones[name]; z != nil {
			return z
		}
	}
	return nil
}

// index finds the names that exist, and those that have a denial record. NSEC is at owner
// names (RFC 4035, section 2.3). NSEC3 is of empty non-terminals too. With Opt-Out the
// insecure delegations have none (RFC 5155, section 7.1).
func (z *zone) index() {
	z.exists, z.hashed = make(map[string]bool), make(map[string]bool)
	for owner, node := range z.owners {
		spared := z.mode == OptOut && node.Kind == Unsigned && owner != z.apex
		for name := owner; isAtOrBelow(name, z.apex); name = parent(name) {
			z.exists[name] = true
			if !spared && (name == owner || z.mode.isHashed()) {
				z.hashed[name] = true
			}
		}
	}
	z.chain = slices.SortedFunc(maps.Keys(z.hashed), compareNames)
}

// types returns the types of the RRsets at an owner name in this zone, besides those of
// DNSSEC.
func (z *zone) types(name string) []uint16 {
	node, ok := z.owners[name]
	switch {
	case !ok:
		return nil
	case name == z.apex:
		return []uint16{dns.TypeNS, dns.TypeSOA, dns.TypeDNSKEY}
	case node.Kind == Host:
		return []uint16{dns.TypeA}
	case node.Kind == Alias:
		return []uint16{dns.TypeCNAME}
	case node.Kind == Redirect:
		return []uint16{dns.TypeDNAME}
	case node.Kind == Unsigned:
		return []uint16{dns.TypeNS}
	default:
		return []uint16{dns.TypeNS, dns.TypeDS}
	}
}

// signs reports whether the zone signs the RRset that it has at a name: all but the NS
// RRset of a delegation (RFC 4035, section 2.2).
func (z *zone) signs(name string, rtype uint16) bool { return rtype != dns.TypeNS || name == z.apex }

// encloser returns the closest ancestor of a name that is in a set of names.
func (z *zone) encloser(name string, in map[string]bool) string {
	for name = parent(name); !in[name]; {
		name = parent(name)
	}
	return name
}
