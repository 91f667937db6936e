package testzone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// RRset is an RRset with its signatures.
type RRset struct {
	RRs  []dns.RR
	Sigs []*dns.RRSIG
}

func (s *RRset) copy() RRset {
	var c RRset
	for _, rr := range s.RRs {
		c.RRs = append(c.RRs, dns.Copy(rr))
	}
	for _, sig := range s.Sigs {
		c.Sigs = append(c.Sigs, dns.Copy(sig).(*dns.RRSIG))
	}
	return c
}

type setKey struct {
	name string // canonical
	typ  uint16
}

// Zone is one zone of a [World]. Its methods are safe for concurrent use, also
// with questions being answered.
type Zone struct {
	Name string
	KSK  *Key // nil in an unsigned zone
	ZSK  *Key // the same as KSK with [Spec.CSK]

	world  *World
	parent *Zone // nil for the root
	spec   Spec
	extra  []extraKey

	sets  map[setKey]*RRset
	names map[string]bool // existing names, including empty non-terminals
	chain []string        // owner names of the NSEC RRs in canonical order, or of the NSEC3 RRs in hash order

	noDenial        bool // see DropDenial
	noWildcardProof bool // see DropWildcardProofs
}

// Signed reports whether the zone has keys.
func (z *Zone) Signed() bool { return z.KSK != nil }

func (z *Zone) signedOrError() error {
	if !z.Signed() {
		return fmt.Errorf("testzone: zone %s has no keys", z.Name)
	}
	return nil
}

// parse parses lines as a zone file whose origin is the zone.
func (z *Zone) parse(lines []string) ([]dns.RR, error) {
	zp := dns.NewZoneParser(strings.NewReader(strings.Join(lines, "\n")+"\n"), z.Name, "")
	zp.SetDefaultTTL(z.spec.TTL)
	var rrs []dns.RR
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		if !dns.IsSubDomain(z.Name, rr.Header().Name) {
			return nil, fmt.Errorf("testzone: %s is not in zone %s", rr.Header().Name, z.Name)
		}
		rr, err := normalized(rr)
		if err != nil {
			return nil, fmt.Errorf("testzone: zone %s: %w", z.Name, err)
		}
		rrs = append(rrs, rr)
	}
	if err := zp.Err(); err != nil {
		return nil, fmt.Errorf("testzone: zone %s: %w", z.Name, err)
	}
	return rrs, nil
}

// normalized returns rr as unpacked from the wire, so that its names are
// escaped like those in questions.
func normalized(rr dns.RR) (dns.RR, error) {
	wire := make([]byte, dns.MaxMsgSize)
	end, err := dns.PackRR(rr, wire, 0, nil, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rr, err)
	}
	rr, _, err = dns.UnpackRR(wire[:end], 0)
	return rr, err
}

// set returns the RRset with the given name and type, or nil.
func (z *Zone) set(name string, typ uint16) *RRset {
	return z.sets[setKey{dns.CanonicalName(name), typ}]
}

// mustSet is set with an error if there is no such RRset.
func (z *Zone) mustSet(name string, typ uint16) (*RRset, error) {
	if set := z.set(name, typ); set != nil {
		return set, nil
	}
	return nil, fmt.Errorf("testzone: zone %s has no %s %s", z.Name, name, dns.Type(typ))
}

// add adds rr to its RRset unless it is there already.
func (z *Zone) add(rr dns.RR) {
	key := setKey{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
	set := z.sets[key]
	if set == nil {
		set = new(RRset)
		z.sets[key] = set
	}
	for _, have := range set.RRs {
		if dns.IsDuplicate(have, rr) {
			return
		}
	}
	set.RRs = append(set.RRs, rr)
}

// sortedSets returns the keys of the zone's RRsets in canonical order of the
// name, then by type.
func (z *Zone) sortedSets() []setKey {
	keys := make([]setKey, 0, len(z.sets))
	for key := range z.sets {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b setKey) int {
		if c := compareNames(a.name, b.name); c != 0 {
			return c
		}
		return int(a.typ) - int(b.typ)
	})
	return keys
}

// typesAt returns the sorted types of the RRsets at name.
func (z *Zone) typesAt(name string) []uint16 {
	var types []uint16
	for key := range z.sets {
		if key.name == name {
			types = append(types, key.typ)
		}
	}
	slices.Sort(types)
	return types
}

// index collects the names that exist. Owner names of NSEC3 RRs are not among
// them (RFC 5155, section 7.2.8).
func (z *Zone) index() {
	z.names = map[string]bool{z.Name: true}
	for key := range z.sets {
		if key.typ == dns.TypeNSEC3 {
			continue
		}
		for _, name := range path(z.Name, key.name) {
			z.names[name] = true
		}
	}
}

// isCut reports whether name is a zone cut of the zone.
func (z *Zone) isCut(name string) bool {
	return name != z.Name && z.set(name, dns.TypeNS) != nil
}

// isBelowCut reports whether name is below a zone cut, as glue is.
func (z *Zone) isBelowCut(name string) bool {
	names := path(z.Name, name)
	return slices.ContainsFunc(names[:len(names)-1], z.isCut)
}

// authoritative reports whether the zone signs the RRset: it is neither glue
// nor the NS RRset of a delegation (RFC 4035, section 2.2).
func (z *Zone) authoritative(name string, typ uint16) bool {
	if z.isBelowCut(name) {
		return false
	}
	return !z.isCut(name) || typ == dns.TypeDS || typ == dns.TypeNSEC
}

// RRset returns a copy of the RRset with the given name and type.
func (z *Zone) RRset(name string, typ uint16) (RRset, bool) {
	z.world.mu.RLock()
	defer z.world.mu.RUnlock()
	set := z.set(name, typ)
	if set == nil {
		return RRset{}, false
	}
	return set.copy(), true
}

// Records returns copies of all records in canonical order, each RRset followed
// by its signatures.
func (z *Zone) Records() []dns.RR {
	z.world.mu.RLock()
	defer z.world.mu.RUnlock()
	return z.records()
}

func (z *Zone) records() []dns.RR {
	var all []dns.RR
	for _, key := range z.sortedSets() {
		set := z.sets[key].copy()
		all = append(all, set.RRs...)
		for _, sig := range set.Sigs {
			all = append(all, sig)
		}
	}
	return all
}

// Replace replaces the RRsets in lines, which are in zone-file format relative
// to the zone, or adds them. Signatures, NSEC and NSEC3 RRs stay unchanged: see
// [Zone.Resign] and [Zone.Sign].
func (z *Zone) Replace(lines ...string) error {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	rrs, err := z.parse(lines)
	if err != nil {
		return err
	}
	for _, rr := range rrs {
		if set := z.set(rr.Header().Name, rr.Header().Rrtype); set != nil {
			set.RRs = nil
		}
	}
	for _, rr := range rrs {
		z.add(rr)
	}
	z.index()
	return nil
}

// Remove removes an RRset and its signatures. NSEC and NSEC3 RRs stay
// unchanged.
func (z *Zone) Remove(name string, typ uint16) error {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	if _, err := z.mustSet(name, typ); err != nil {
		return err
	}
	delete(z.sets, setKey{dns.CanonicalName(name), typ})
	z.index()
	return nil
}

// Resign replaces the signatures of an RRset by one made with the zone's key.
// The edits are applied to the RRSIG before signing.
func (z *Zone) Resign(name string, typ uint16, edits ...SigEdit) error {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	return z.resign(name, typ, edits...)
}

func (z *Zone) resign(name string, typ uint16, edits ...SigEdit) error {
	set, err := z.mustSet(name, typ)
	if err != nil {
		return err
	}
	if err := z.signedOrError(); err != nil {
		return err
	}
	return z.signSet(z.keyFor(typ), set, edits...)
}

// Sign signs the whole zone again from its present keys and records: DNSKEY
// RRset, NSEC or NSEC3 chain and signatures. This repairs breakages of those
// only.
func (z *Zone) Sign() error {
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.noDenial, z.noWildcardProof = false, false
	return z.signAll()
}
