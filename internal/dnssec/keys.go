package dnssec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// DSSet vouches for the keys of a zone: an authenticated DS RRset of its parent, or
// trust anchors.
type DSSet struct {
	zone    string
	records []*dns.DS
	noMatch Reason
}

// TrustAnchors returns the anchors of a zone as the set that vouches for its keys.
// They are believed: who calls this knows where they come from.
func TrustAnchors(zone string, records []*dns.DS) DSSet {
	return DSSet{zone: dnsname.Canonical(zone), records: records, noMatch: DNSKEYNoAnchorMatch}
}

// DSSet returns the DS RRset of a zone as the set that vouches for its keys; ok is
// false if the RRset is of another type or was made from a wildcard.
func (a *Authenticated) DSSet() (set DSSet, ok bool) {
	if _, expanded := a.Expanded(); expanded || a.set.Type != dns.TypeDS {
		return DSSet{}, false
	}
	set = DSSet{zone: a.set.Name, noMatch: DNSKEYNoDSMatch}
	for _, rr := range a.set.RRs {
		if ds, ok := rr.(*dns.DS); ok {
			set.records = append(set.records, ds)
		}
	}
	return set, true
}

// Supported decides whether a zone with this DS set can be validated. If no record
// has an algorithm and a digest type that are relied on, the zone is insecure (RFC
// 4035, section 5.2; RFC 6840, section 5.2).
func (s DSSet) Supported(p Policy) Finding {
	missing := AlgorithmUnsupported
	for _, ds := range s.records {
		if !p.ReliesOn(ds.Algorithm) {
			continue
		}
		if digestStrength(ds.DigestType) > 0 {
			return Proven
		}
		missing = DigestUnsupported
	}
	return found(missing, "DS "+s.zone+" has "+s.describe())
}

// describe lists algorithms and digest types: "algorithm 3 digest 2, …".
func (s DSSet) describe() string {
	parts := make([]string, 0, len(s.records))
	for _, ds := range s.records[:min(len(s.records), MaxDS)] {
		parts = append(parts, fmt.Sprintf("tag %d algorithm %s digest type %d", ds.KeyTag, AlgorithmName(ds.Algorithm), ds.DigestType))
	}
	return strings.Join(parts, ", ")
}

// reliedOn returns the records that count: for each key those of the strongest
// digest, and no SHA-1 at all where something stronger is offered (RFC 4509,
// section 3).
func (s DSSet) reliedOn(p Policy) []*dns.DS {
	strongest := 0
	for _, ds := range s.records {
		if p.ReliesOn(ds.Algorithm) {
			strongest = max(strongest, digestStrength(ds.DigestType))
		}
	}
	var records []*dns.DS
	for _, ds := range s.records {
		strength := digestStrength(ds.DigestType)
		if strength == 0 || !p.ReliesOn(ds.Algorithm) || (ds.DigestType == dns.SHA1 && strongest > strength) {
			continue
		}
		if s.strongestFor(ds) == strength {
			records = append(records, ds)
		}
	}
	return records
}

func (s DSSet) strongestFor(ds *dns.DS) int {
	strongest := 0
	for _, other := range s.records {
		if other.KeyTag == ds.KeyTag && other.Algorithm == ds.Algorithm {
			strongest = max(strongest, digestStrength(other.DigestType))
		}
	}
	return strongest
}

// Keys is the DNSKEY RRset of a zone, authenticated. It may be used by several
// goroutines at once.
type Keys struct {
	zone    string
	keys    []*key
	ttl     uint32
	origTTL uint32
	expires time.Time
	tag     uint16
}

// SignedBy returns the tag of the key, of those that were vouched for, whose
// signature over the keys verified.
func (k *Keys) SignedBy() uint16 { return k.tag }

// Zone returns the canonical name of the zone.
func (k *Keys) Zone() string { return k.zone }

// TTL returns the seconds that the keys may be kept.
func (k *Keys) TTL() uint32 { return k.ttl }

// OriginalTTL returns the TTL that the zone signed the keys with, whatever caches
// left of it.
func (k *Keys) OriginalTTL() uint32 { return k.origTTL }

// Expires returns the instant at which the signature over the keys runs out.
func (k *Keys) Expires() time.Time { return k.expires }

// Keys authenticates the DNSKEY RRset of a zone: a key that a record of the DS set
// stands for has to sign it (RFC 4035, section 5.2). One is enough, whatever other
// algorithms the set names (RFC 6840, section 5.11). It assumes that the DS set is
// Supported.
func (v *Verifier) Keys(set RRset, vouched DSSet) (*Keys, *Failure) {
	if set.Type != dns.TypeDNSKEY || set.Name != vouched.zone {
		return nil, fail(ResponseMalformed, set.String()+" is not the DNSKEY RRset of "+vouched.zone)
	}
	keys, f := newKeys(set)
	if f != nil {
		return nil, f
	}
	entry, f := entryPoints(keys, vouched, v.Policy)
	if f != nil {
		return nil, f
	}
	a, f := v.authenticate(set, set.Name, entry)
	if f != nil {
		return nil, f
	}
	if _, expanded := a.Expanded(); expanded {
		return nil, fail(SignatureLabelsInvalid, describe(a.sig)+" is of a wildcard")
	}
	return &Keys{zone: set.Name, keys: keys, ttl: a.ttl, origTTL: a.sig.OrigTtl, expires: a.expires, tag: a.sig.KeyTag}, nil
}

// entryPoints returns the keys that a DS stands for and that may sign.
func entryPoints(keys []*key, vouched DSSet, p Policy) ([]*key, *Failure) {
	best := fail(vouched.noMatch, "DNSKEY "+vouched.zone+" has none of: "+vouched.describe())
	var entry []*key
	for i, ds := range vouched.reliedOn(p) {
		if i == MaxDS && vouched.noMatch == DNSKEYNoDSMatch { // trust anchors are not a stranger's
			best = further(best, fail(DNSKEYLimitExceeded, "DS records of "+vouched.zone))
			break
		}
		tried := 0
		for _, k := range keys {
			if k.tag != ds.KeyTag || k.algorithm() != ds.Algorithm {
				continue
			}
			if tried++; tried > MaxKeysPerTag {
				best = further(best, fail(DNSKEYLimitExceeded, fmt.Sprintf("DNSKEYs of %s with tag %d", vouched.zone, ds.KeyTag)))
				break
			}
			if !k.matches(ds) {
				continue
			}
			if f := k.usable(); f != nil {
				best = matchedBut(best, f)
			} else if !slices.Contains(entry, k) {
				entry = append(entry, k)
			}
		}
	}
	if len(entry) == 0 {
		return nil, best
	}
	return entry, nil
}

// matchedBut prefers what is wrong with a key that a DS does stand for.
func matchedBut(best, f *Failure) *Failure {
	if best.Reason == DNSKEYLimitExceeded {
		return best
	}
	return f
}
