package worlds

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Set is an RRset that a zone signed. It is shared and must not be modified.
type Set struct {
	Zone  string // the signer
	Of    string // the name that the RRset is about: the owner name, or of NSEC3 what is hashed
	Type  uint16
	RRs   []dns.RR
	Sig   *dns.RRSIG
	proof *dnssec.Authenticated
}

// zoneKey is the only key of a zone.
type zoneKey struct {
	private crypto.Signer
	record  *dns.DNSKEY
	proven  *dnssec.Keys
}

// signer signs RRsets, each once. Keys follow from the name of the zone.
type signer struct {
	now         time.Time
	keys        map[string]*zoneKey
	signed      map[string]*Set // by the zone and the text of the records
	bySignature map[string]*Set
	hashes      map[hashedName]string
	verifier    dnssec.Verifier
}

// mostSigned is how many RRsets are remembered from one world to the next.
const mostSigned = 100_000

// tidy forgets what was signed, before a new world, if it is too much.
func (s *signer) tidy() {
	if len(s.signed) > mostSigned {
		clear(s.signed)
		clear(s.bySignature)
		clear(s.hashes)
	}
}

// validity is how long before and after now signatures are valid.
const validity = 240 * time.Hour

func newSigner(now time.Time) *signer {
	return &signer{
		now: now, keys: make(map[string]*zoneKey), signed: make(map[string]*Set), bySignature: make(map[string]*Set),
		hashes: make(map[hashedName]string), verifier: dnssec.Verifier{Now: now},
	}
}

// key returns the key of a zone, and its DNSKEY RRset proven from a trust anchor.
func (s *signer) key(apex string) *zoneKey {
	if k := s.keys[apex]; k != nil {
		return k
	}
	seed := sha256.Sum256([]byte(apex))
	private := ed25519.NewKeyFromSeed(seed[:])
	k := &zoneKey{private: private, record: &dns.DNSKEY{
		Hdr: header(apex, dns.TypeDNSKEY), Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ED25519,
		PublicKey: base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey)),
	}}
	s.keys[apex] = k
	sig := s.signature(k, []dns.RR{k.record})
	s.verifier.Budget = dnssec.NewBudget(nil)
	anchors := dnssec.TrustAnchors(apex, []*dns.DS{k.record.ToDS(dns.SHA256)})
	proven, failure := s.verifier.Keys(rrset(apex, dns.TypeDNSKEY, []dns.RR{k.record}, sig), anchors)
	if failure != nil {
		panic("worlds: the keys of " + apex + " are not accepted: " + failure.Finding().String())
	}
	k.proven = proven
	return k
}

func header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 3600}
}

func rrset(name string, rtype uint16, rrs []dns.RR, sig *dns.RRSIG) dnssec.RRset {
	return dnssec.RRset{Name: name, Type: rtype, RRs: rrs, Sigs: []*dns.RRSIG{sig}}
}

// sign returns the signed RRset of a zone, about a name.
func (s *signer) sign(apex, of string, rrs ...dns.RR) *Set {
	var text strings.Builder
	text.WriteString(apex)
	for _, rr := range rrs {
		text.WriteByte('\n')
		text.WriteString(rr.String())
	}
	set := s.signed[text.String()]
	if set == nil {
		k := s.key(apex)
		set = &Set{Zone: apex, Of: of, Type: rrs[0].Header().Rrtype, RRs: rrs, Sig: s.signature(k, rrs)}
		s.verifier.Budget = dnssec.NewBudget(nil)
		set.proof, _ = s.verifier.Authenticate(rrset(rrs[0].Header().Name, set.Type, rrs, set.Sig), k.proven)
		s.signed[text.String()], s.bySignature[set.Sig.Signature] = set, set
	}
	return set
}

// signature makes the RRSIG record. The Labels field follows from the owner name.
func (s *signer) signature(k *zoneKey, rrs []dns.RR) *dns.RRSIG {
	first := rrs[0].Header()
	sig := &dns.RRSIG{
		Hdr: header(first.Name, dns.TypeRRSIG), TypeCovered: first.Rrtype, Algorithm: k.record.Algorithm, OrigTtl: first.Ttl,
		Inception: uint32(s.now.Add(-validity).Unix()), Expiration: uint32(s.now.Add(validity).Unix()),
		KeyTag: k.record.KeyTag(), SignerName: k.record.Hdr.Name,
	}
	sig.Hdr.Ttl = first.Ttl
	if err := sig.Sign(k.private, rrs); err != nil {
		panic("worlds: " + err.Error())
	}
	return sig
}

// owner returns the owner name of the RRset.
func (s *Set) owner() string { return s.RRs[0].Header().Name }

// isDenial reports whether the RRset is of NSEC or NSEC3 records.
func (s *Set) isDenial() bool { return s.Type == dns.TypeNSEC || s.Type == dns.TypeNSEC3 }

// withRRSIG returns the types in ascending order with RRSIG, if any is signed, and one more.
func withRRSIG(types []uint16, signed bool, more ...uint16) []uint16 {
	all := slices.Concat(types, more)
	if signed {
		all = append(all, dns.TypeRRSIG)
	}
	slices.Sort(all)
	return all
}
