package dnssec

import (
	"fmt"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// RRset is what a message says: records of one owner name and type, class IN, and
// the RRSIG records beside them that cover the type. Nothing of it is proven.
type RRset struct {
	Name string // canonical
	Type uint16
	RRs  []dns.RR
	Sigs []*dns.RRSIG
}

// GroupRRsets puts the records of one section of a message together, whatever
// the case of their owner names, in the order of their first records. RRSIG
// records that cover nothing in the section, other classes than IN and OPT are
// left out. RRs that came twice stay twice.
func GroupRRsets(section []dns.RR) []RRset {
	g := grouping{sets: make([]RRset, 0, min(len(section), 4))}
	for _, rr := range section {
		h := rr.Header()
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeRRSIG || h.Rrtype == dns.TypeOPT {
			continue
		}
		name := dnsname.Canonical(h.Name)
		i := g.find(name, h.Rrtype)
		if i < 0 {
			i = g.add(name, h.Rrtype)
		}
		g.sets[i].RRs = append(g.sets[i].RRs, rr)
	}
	for _, rr := range section {
		if sig, ok := rr.(*dns.RRSIG); ok && sig.Hdr.Class == dns.ClassINET {
			if i := g.find(dnsname.Canonical(sig.Hdr.Name), sig.TypeCovered); i >= 0 {
				g.sets[i].Sigs = append(g.sets[i].Sigs, sig)
			}
		}
	}
	return g.sets
}

// grouping is RRsets in the making. Few are searched one by one; there is an index
// of many, since a message can have thousands.
type grouping struct {
	sets  []RRset
	index map[setKey]int
}

type setKey struct {
	name   string
	rrtype uint16
}

// searched is how many RRsets are searched one by one.
const searched = 16

func (g *grouping) add(name string, rrtype uint16) int {
	g.sets = append(g.sets, RRset{Name: name, Type: rrtype})
	last := len(g.sets) - 1
	if len(g.sets) > searched {
		if g.index == nil {
			g.index = make(map[setKey]int)
			for i, set := range g.sets {
				g.index[setKey{set.Name, set.Type}] = i
			}
		}
		g.index[setKey{name, rrtype}] = last
	}
	return last
}

// find looks from the end, since the records of a set stand together.
func (g *grouping) find(name string, rrtype uint16) int {
	if g.index != nil {
		if i, ok := g.index[setKey{name, rrtype}]; ok {
			return i
		}
		return -1
	}
	for i := len(g.sets) - 1; i >= 0; i-- {
		if g.sets[i].Type == rrtype && g.sets[i].Name == name {
			return i
		}
	}
	return -1
}

// String names the RRset as logs do: type and owner name.
func (s RRset) String() string { return dns.Type(s.Type).String() + " " + s.Name }

// Signers returns the canonical signer names of the RRset's signatures, each once:
// of so many as are looked at.
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

// forks tells whether it is an alias with several targets. A name has one at most (RFC
// 2181, section 10.1; RFC 6672, section 2.4), whatever the zone signs.
func (s RRset) forks() bool {
	return len(s.RRs) > 1 && slices.ContainsFunc(s.RRs[1:], func(rr dns.RR) bool { return aliasTarget(rr) != aliasTarget(s.RRs[0]) })
}

// aliasTarget returns where a CNAME or DNAME leads; no other record leads anywhere.
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

// Authenticated is an RRset with a signature that a key of its zone verifies.
// Only Verifier makes one.
type Authenticated struct {
	set     RRset
	signer  string
	sig     *dns.RRSIG
	ttl     uint32
	expires time.Time
}

// Copy returns the same with records of its own, for keeping: those of a response
// get other TTLs on their way to the client.
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

// RRset returns what was proven.
func (a *Authenticated) RRset() RRset { return a.set }

// Signer returns the zone whose key signed, canonical. RFC 6840, section 4.1 is
// about what goes wrong when it is not known with the record.
func (a *Authenticated) Signer() string { return a.signer }

// Signature returns the RRSIG that verified.
func (a *Authenticated) Signature() *dns.RRSIG { return a.sig }

// TTL returns the seconds that the RRset may be kept: the least of its own TTL,
// the original TTL and the time to the signature's expiration (RFC 4035, section
// 5.3.3).
func (a *Authenticated) TTL() uint32 { return a.ttl }

// Expires returns the instant at which the signature runs out.
func (a *Authenticated) Expires() time.Time { return a.expires }

// Expanded tells whether the RRset was made from a wildcard, and the closest
// encloser that its signature then names (RFC 4035, section 5.3.4). The answer
// then needs the denial of the next closer name.
func (a *Authenticated) Expanded() (closestEncloser string, ok bool) {
	if int(a.sig.Labels) >= dnsname.SignedLabels(a.set.Name) {
		return "", false
	}
	return dnsname.Ancestor(a.set.Name, int(a.sig.Labels)), true
}

// describe names a signature for a failure: "RRSIG A by example.org. (tag 12345)".
func describe(sig *dns.RRSIG) string {
	return fmt.Sprintf("RRSIG %s %s by %s (tag %d)", dns.Type(sig.TypeCovered), dnsname.Canonical(sig.Hdr.Name),
		dnsname.Canonical(sig.SignerName), sig.KeyTag)
}
