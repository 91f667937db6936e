package dnssec

import (
	"fmt"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// RRset is the records of one owner name and type with class IN, and the RRSIG
// records of the same owner name that cover the type. It is not authenticated.
type RRset struct {
	Name string // canonical
	Type uint16
	RRs  []dns.RR
	Sigs []*dns.RRSIG
}

// GroupRRsets groups the records of one section of a message into RRsets, in the
// order of their first records. Owner names are compared without regard to case. It
// drops OPT records, classes other than IN, and RRSIG records that cover nothing in
// the section. Duplicate records are kept. The NSEC records of both sides of a zone cut
// are two RRsets.
func GroupRRsets(section []dns.RR) []RRset {
	g := newGrouper(len(section))
	for _, rr := range section {
		h := rr.Header()
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeRRSIG || h.Rrtype == dns.TypeOPT {
			continue
		}
		key := rrsetKey{dnsname.Canonical(h.Name), h.Rrtype, IsApexNSEC(rr)}
		i := g.find(key)
		if i < 0 {
			i = g.add(key)
		}
		g.sets[i].RRs = append(g.sets[i].RRs, rr)
	}
	for _, rr := range section {
		if sig, ok := rr.(*dns.RRSIG); ok && sig.Hdr.Class == dns.ClassINET {
			if i := g.covered(sig); i >= 0 {
				g.sets[i].Sigs = append(g.sets[i].Sigs, sig)
			}
		}
	}
	return g.sets
}

// IsApexNSEC reports whether a record is the NSEC record of a zone apex. At a zone cut
// there is another one, of the parent zone (RFC 4035, section 2.3), and a response can
// have both: where an alias leads from one zone to the other, for instance.
func IsApexNSEC(rr dns.RR) bool {
	nsec, ok := rr.(*dns.NSEC)
	return ok && typeBitMap(nsec.TypeBitMap).has(dns.TypeSOA)
}

// rrsetGrouper collects RRsets. A few RRsets are searched linearly. Above
// maxLinearSearch there is an index, because a message can have thousands.
type rrsetGrouper struct {
	sets  []RRset
	index map[rrsetKey]int
	rrs   []dns.RR // room for one record and one signature of each RRset: most have no more
	sigs  []*dns.RRSIG
}

// newGrouper returns a grouper for so many records.
func newGrouper(records int) rrsetGrouper {
	room := min(records, maxLinearSearch)
	return rrsetGrouper{sets: make([]RRset, 0, min(records, 4)), rrs: make([]dns.RR, room), sigs: make([]*dns.RRSIG, room)}
}

type rrsetKey struct {
	name   string
	rrtype uint16
	apex   bool // of NSEC: see isApexNSEC
}

// maxLinearSearch is the number of RRsets up to which there is no index.
const maxLinearSearch = 16

// add appends an empty RRset and returns its position.
func (g *rrsetGrouper) add(key rrsetKey) int {
	last := len(g.sets)
	set := RRset{Name: key.name, Type: key.rrtype}
	if last < len(g.rrs) {
		set.RRs, set.Sigs = g.rrs[last:last:last+1], g.sigs[last:last:last+1]
	}
	g.sets = append(g.sets, set)
	if len(g.sets) > maxLinearSearch {
		if g.index == nil {
			g.index = make(map[rrsetKey]int)
			for i := range g.sets[:last] {
				g.index[g.sets[i].key()] = i
			}
		}
		g.index[key] = last
	}
	return last
}

// key returns the key of an RRset that has records.
func (s *RRset) key() rrsetKey { return rrsetKey{s.Name, s.Type, IsApexNSEC(s.RRs[0])} }

// find returns the position of an RRset, or -1. It starts at the end because the
// records of an RRset are usually adjacent.
func (g *rrsetGrouper) find(key rrsetKey) int {
	if g.index != nil {
		if i, ok := g.index[key]; ok {
			return i
		}
		return -1
	}
	for i := len(g.sets) - 1; i >= 0; i-- {
		if s := &g.sets[i]; s.Type == key.rrtype && s.Name == key.name && s.key() == key {
			return i
		}
	}
	return -1
}

// covered returns the position of the RRset that a signature covers, or -1. Of the NSEC
// RRsets at a zone cut that is the one on the signer's side.
func (g *rrsetGrouper) covered(sig *dns.RRSIG) int {
	key := rrsetKey{name: dnsname.Canonical(sig.Hdr.Name), rrtype: sig.TypeCovered}
	if key.rrtype != dns.TypeNSEC {
		return g.find(key)
	}
	key.apex = dnsname.Canonical(sig.SignerName) == key.name
	i := g.find(key)
	if i < 0 {
		key.apex = !key.apex
		i = g.find(key)
	}
	return i
}

// String returns the type and the owner name, such as "A www.example.".
func (s RRset) String() string { return dns.Type(s.Type).String() + " " + s.Name }

// Signers returns the distinct canonical signer names of the first MaxCandidates
// signatures.
func (s RRset) Signers() []string {
	var names []string
next:
	for _, sig := range s.Sigs[:min(len(s.Sigs), MaxCandidates)] {
		signer := dnsname.Canonical(sig.SignerName)
		for _, n := range names {
			if n == signer {
				continue next
			}
		}
		names = append(names, signer)
	}
	return names
}

// hasSeveralTargets reports whether this is a CNAME or DNAME RRset with more than one
// target, which is invalid even if it is signed (RFC 2181, section 10.1; RFC 6672,
// section 2.4).
func (s RRset) hasSeveralTargets() bool {
	return len(s.RRs) > 1 && slices.ContainsFunc(s.RRs[1:], func(rr dns.RR) bool { return aliasTarget(rr) != aliasTarget(s.RRs[0]) })
}

// aliasTarget returns the canonical target of a CNAME or DNAME, and "" for other
// types.
func aliasTarget(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.CNAME:
		return dnsname.Canonical(rr.Target)
	case *dns.DNAME:
		return dnsname.Canonical(rr.Target)
	default:
		return ""
	}
}

// Authenticated is an RRset with a signature that a key of the signer verifies. Only
// a Verifier creates one.
type Authenticated struct {
	set     RRset
	signer  string
	sig     *dns.RRSIG
	ttl     uint32
	expires time.Time
}

// Copy returns a copy with its own records, for a cache: the TTLs of the records in a
// response change before they reach the client.
func (a *Authenticated) Copy() *Authenticated {
	rrs := make([]dns.RR, len(a.set.RRs))
	for i, rr := range a.set.RRs {
		rrs[i] = dns.Copy(rr)
	}
	kept := *a
	kept.sig = dns.Copy(a.sig).(*dns.RRSIG)
	kept.set.RRs, kept.set.Sigs = rrs, []*dns.RRSIG{kept.sig}
	return &kept
}

// RRset returns the RRset that was authenticated. It is shared and must not be
// modified.
func (a *Authenticated) RRset() RRset { return a.set }

// Signer returns the canonical name of the zone whose key verified the signature. A
// denial depends on it (RFC 6840, section 4.1).
func (a *Authenticated) Signer() string { return a.signer }

// Signature returns the RRSIG that was verified. It is shared and must not be
// modified.
func (a *Authenticated) Signature() *dns.RRSIG { return a.sig }

// TTL returns how long the RRset may be cached, in seconds: the minimum of the TTLs
// of the RRset and the RRSIG, the Original TTL, and the time until the signature
// expires (RFC 4035, section 5.3.3).
func (a *Authenticated) TTL() uint32 { return a.ttl }

// Expires returns when the signature stops being accepted.
func (a *Authenticated) Expires() time.Time { return a.expires }

// Expanded reports whether the RRset was expanded from a wildcard, and returns the
// closest encloser that its Labels field implies (RFC 4035, section 5.3.4). It does
// not check that the expansion was allowed: that needs Denial.WildcardAnswer.
func (a *Authenticated) Expanded() (closestEncloser string, ok bool) {
	if int(a.sig.Labels) >= dnsname.SignedLabels(a.set.Name) {
		return "", false
	}
	return dnsname.Ancestor(a.set.Name, int(a.sig.Labels)), true
}

// signatureString describes a signature: "RRSIG A www.example.org. by example.org.
// (tag 12345)".
func signatureString(sig *dns.RRSIG) string {
	return fmt.Sprintf("RRSIG %s %s by %s (tag %d)", dns.Type(sig.TypeCovered), dnsname.Canonical(sig.Hdr.Name),
		dnsname.Canonical(sig.SignerName), sig.KeyTag)
}
