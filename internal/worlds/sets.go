package worlds

import (
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// publish signs all zones of a tree, the RRsets in a fixed order.
func (s *signer) publish(t *tree) {
	t.sets = nil
	for _, apex := range slices.Sorted(maps.Keys(t.zones)) {
		z := t.zones[apex]
		if !z.signed {
			continue
		}
		for _, owner := range slices.SortedFunc(maps.Keys(z.owners), compareNames) {
			for _, rtype := range z.types(owner) {
				if z.signs(owner, rtype) {
					t.sets = append(t.sets, s.data(z, owner, owner, rtype))
				}
			}
		}
		if z.mode != Compact {
			for i := range z.chain {
				t.sets = append(t.sets, s.denial(z, i))
			}
		}
	}
}

// data returns an RRset of a zone. Its owner name is another one only if it is signed on
// line, as what a wildcard stands for.
func (s *signer) data(z *zone, source, owner string, rtype uint16) *Set {
	h := header(owner, rtype)
	switch rtype {
	case dns.TypeA:
		return s.sign(z.apex, owner, &dns.A{Hdr: h, A: addressOf(source)})
	case dns.TypeCNAME:
		return s.sign(z.apex, owner, &dns.CNAME{Hdr: h, Target: z.owners[source].Target})
	case dns.TypeDNAME:
		return s.sign(z.apex, owner, &dns.DNAME{Hdr: h, Target: z.owners[source].Target})
	case dns.TypeDS:
		ds := s.key(owner).record.ToDS(dns.SHA256)
		ds.Hdr.Ttl = h.Ttl
		return s.sign(z.apex, owner, ds)
	case dns.TypeDNSKEY:
		return s.sign(z.apex, owner, s.key(owner).record)
	case dns.TypeNS:
		return s.sign(z.apex, owner, &dns.NS{Hdr: h, Ns: "ns." + outside})
	default:
		return s.sign(z.apex, owner, soaOf(z.apex))
	}
}

// addressOf returns an address that no other name has.
func addressOf(name string) []byte {
	sum := sha1.Sum([]byte(name))
	return []byte{10, sum[0], sum[1], sum[2]}
}

func soaOf(apex string) *dns.SOA {
	return &dns.SOA{Hdr: header(apex, dns.TypeSOA), Ns: "ns." + outside, Mbox: "hostmaster." + outside, Serial: 1, Refresh: 7200, Retry: 3600, Expire: 1209600, Minttl: 300}
}

// denial returns the NSEC or NSEC3 RRset of one name of the chain.
func (s *signer) denial(z *zone, i int) *Set {
	name := z.chain[i]
	if z.mode == NSEC {
		next := z.chain[(i+1)%len(z.chain)]
		return s.sign(z.apex, name, &dns.NSEC{Hdr: header(name, dns.TypeNSEC), NextDomain: next, TypeBitMap: withRRSIG(z.types(name), true, dns.TypeNSEC)})
	}
	rr := &dns.NSEC3{Hdr: header(s.hash(name, z.salt)+"."+z.apex, dns.TypeNSEC3), Hash: dns.SHA1, SaltLength: 2, Salt: saltText(z.salt), HashLength: sha1.Size}
	rr.NextDomain = strings.ToUpper(s.nextHash(z, name))
	if z.mode == OptOut {
		rr.Flags = 1
	}
	types := z.types(name)
	signed := slices.ContainsFunc(types, func(rtype uint16) bool { return z.signs(name, rtype) })
	rr.TypeBitMap = withRRSIG(types, signed)
	return s.sign(z.apex, name, rr)
}

// compactDenial returns the NSEC RRset that an on-line signer makes for a name (RFC
// 9824, sections 3.1 and 3.2).
func (s *signer) compactDenial(z *zone, name string) *Set {
	types, more := z.types(name), []uint16{dns.TypeNSEC}
	if !z.exists[name] {
		wildcard := wildcardAt(z.encloser(name, z.exists))
		if types = z.types(wildcard); !z.exists[wildcard] {
			more = append(more, dns.TypeNXNAME)
		}
	}
	return s.sign(z.apex, name, &dns.NSEC{Hdr: header(name, dns.TypeNSEC), NextDomain: `\000.` + name, TypeBitMap: withRRSIG(types, true, more...)})
}

// hashedName is a name with the salt that it is hashed with.
type hashedName struct {
	name string
	salt uint16
}

func saltText(salt uint16) string {
	return strings.ToUpper(hex.EncodeToString(binary.BigEndian.AppendUint16(nil, salt)))
}

// hash returns the hash of a name without iterations, as the label of an NSEC3 record
// (RFC 5155, sections 3 and 5).
func (s *signer) hash(name string, salt uint16) string {
	key := hashedName{name, salt}
	if h, ok := s.hashes[key]; ok {
		return h
	}
	wire := make([]byte, 256)
	end, err := dns.PackDomainName(name, wire, 0, nil, false)
	if err != nil {
		panic("worlds: " + err.Error())
	}
	sum := sha1.Sum(binary.BigEndian.AppendUint16(wire[:end], salt))
	h := strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))
	s.hashes[key] = h
	return h
}

// nextHash returns the hash that follows that of a name in the chain of a zone.
func (s *signer) nextHash(z *zone, name string) string {
	own := s.hash(name, z.salt)
	first, next := own, ""
	for _, other := range z.chain {
		h := s.hash(other, z.salt)
		first = min(first, h)
		if h > own && (next == "" || h < next) {
			next = h
		}
	}
	if next == "" {
		return first
	}
	return next
}
