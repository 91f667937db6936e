package dnssec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// DSSet authenticates the keys of a zone. It is either an authenticated DS RRset from
// the parent zone, or trust anchors.
type DSSet struct {
	zone    string // canonical
	records []*dns.DS
	noMatch Reason // the Reason if no key matches
}

// TrustAnchors returns the trust anchors of a zone as a DSSet. The records are
// trusted without a check, so the caller is responsible for their source.
func TrustAnchors(zone string, records []*dns.DS) DSSet {
	return DSSet{zone: dnsname.Canonical(zone), records: records, noMatch: DNSKEYNoAnchorMatch}
}

// DSSet returns an authenticated DS RRset as the DSSet of its owner name. ok is false
// if the RRset has another type or was expanded from a wildcard.
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

// Supported decides whether a zone with this DS RRset can be validated. The zone is
// insecure if no record has both an accepted algorithm and an implemented digest type
// (RFC 4035, section 5.2; RFC 6840, section 5.2).
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
	return finding(missing, "DS "+s.zone+" has "+s.describe())
}

// describe lists the first MaxDS records: "tag 1 algorithm 3 digest type 2, …".
func (s DSSet) describe() string {
	parts := make([]string, 0, len(s.records))
	for _, ds := range s.records[:min(len(s.records), MaxDS)] {
		parts = append(parts, fmt.Sprintf("tag %d algorithm %s digest type %d", ds.KeyTag, AlgorithmName(ds.Algorithm), ds.DigestType))
	}
	return strings.Join(parts, ", ")
}

// keyID is what a DS says of its key, besides the digest. Several keys may have it.
type keyID struct {
	tag       uint16
	algorithm uint8
}

// acceptedDigests returns a function that reports whether a DS may authenticate a key: one
// with the strongest digest type of its key tag and algorithm. SHA-1 is ignored if any
// record of an accepted algorithm has a stronger digest (RFC 4509, section 3).
func (s DSSet) acceptedDigests(p Policy) func(ds *dns.DS) bool {
	strongest := 0
	each := make(map[keyID]int)
	for _, ds := range s.records {
		if strength := digestStrength(ds.DigestType); strength > 0 && p.ReliesOn(ds.Algorithm) {
			id := keyID{ds.KeyTag, ds.Algorithm}
			each[id] = max(each[id], strength)
			strongest = max(strongest, strength)
		}
	}
	return func(ds *dns.DS) bool {
		strength := digestStrength(ds.DigestType)
		weak := ds.DigestType == dns.SHA1 && strongest > strength
		return strength > 0 && strength == each[keyID{ds.KeyTag, ds.Algorithm}] && !weak
	}
}

// Keys is the authenticated DNSKEY RRset of a zone. It is safe for concurrent use.
type Keys struct {
	zone    string
	keys    []*key
	ttl     uint32
	origTTL uint32
	expires time.Time
	tag     uint16 // key tag of the signature over the RRset
}

// SignedBy returns the key tag of the key whose signature authenticated the RRset. A
// DS record or a trust anchor matches that key.
func (k *Keys) SignedBy() uint16 { return k.tag }

// Zone returns the canonical name of the zone.
func (k *Keys) Zone() string { return k.zone }

// TTL returns how long the keys may be cached, in seconds (RFC 4035, section 5.3.3).
func (k *Keys) TTL() uint32 { return k.ttl }

// OriginalTTL returns the Original TTL field of the signature over the keys, in
// seconds.
func (k *Keys) OriginalTTL() uint32 { return k.origTTL }

// Expires returns when the signature over the keys stops being accepted.
func (k *Keys) Expires() time.Time { return k.expires }

// Keys authenticates the DNSKEY RRset of a zone: a key that matches a DS record has
// to sign it (RFC 4035, section 5.2). One such key is enough, whatever other
// algorithms the DS RRset has (RFC 6840, section 5.11). It assumes that ds is
// Supported, and returns a Failure if no such key verifies the RRset.
func (v *Verifier) Keys(set RRset, ds DSSet) (*Keys, *Failure) {
	if set.Type != dns.TypeDNSKEY || set.Name != ds.zone {
		return nil, fail(ResponseMalformed, set.String()+" is not the DNSKEY RRset of "+ds.zone)
	}
	keys, f := newKeys(set)
	if f != nil {
		return nil, f
	}
	matching, f := keysMatchingDS(keys, ds, v.Policy)
	if f != nil {
		return nil, f
	}
	a, f := v.authenticate(set, set.Name, matching)
	if f != nil {
		return nil, f
	}
	if _, expanded := a.Expanded(); expanded {
		return nil, fail(SignatureLabelsInvalid, signatureString(a.sig)+" is of a wildcard")
	}
	return &Keys{zone: set.Name, keys: keys, ttl: a.ttl, origTTL: a.sig.OrigTtl, expires: a.expires, tag: a.sig.KeyTag}, nil
}

// keysMatchingDS returns the usable keys that match a record of the DSSet. Only records that
// cost something and match no other key count against MaxDS: not those whose key tag and
// algorithm no key has, and not the first one that matches a key.
func keysMatchingDS(keys []*key, set DSSet, p Policy) ([]*key, *Failure) {
	best := fail(set.noMatch, "DNSKEY "+set.zone+" has none of: "+set.describe())
	accepted := set.acceptedDigests(p)
	var matching []*key
	missed := 0
	for _, ds := range set.records {
		candidates := keysWith(keyID{ds.KeyTag, ds.Algorithm}, keys)
		if len(candidates) == 0 || !accepted(ds) {
			continue
		}
		// Trust anchors are configured, so their number is not limited.
		if missed == MaxDS && set.noMatch == DNSKEYNoDSMatch {
			best = laterFailure(best, fail(DNSKEYLimitExceeded, "DS records of "+set.zone))
			break
		}
		found, f := matchingDS(candidates, ds)
		if f != nil {
			best = preferUnusableKey(best, f)
		}
		known := len(matching)
		for _, k := range found {
			if !slices.Contains(matching, k) {
				matching = append(matching, k)
			}
		}
		if len(matching) == known {
			missed++
		}
	}
	if len(matching) == 0 {
		return nil, best
	}
	return matching, nil
}

// keysWith returns the keys with a key tag and algorithm.
func keysWith(id keyID, keys []*key) (found []*key) {
	for _, k := range keys {
		if k.tag == id.tag && k.algorithm() == id.algorithm {
			found = append(found, k)
		}
	}
	return found
}

// matchingDS returns the usable keys that a DS matches, of candidates with its key tag and
// algorithm, and the failure of those that can't be used.
func matchingDS(candidates []*key, ds *dns.DS) (found []*key, f *Failure) {
	for i, k := range candidates {
		if i == MaxKeysPerTag {
			return found, fail(DNSKEYLimitExceeded, fmt.Sprintf("DNSKEYs of %s with tag %d", k.zone, ds.KeyTag))
		}
		if !k.matches(ds) {
			continue
		}
		if unusable := k.usable(); unusable != nil {
			f = unusable
		} else {
			found = append(found, k)
		}
	}
	return found, f
}

// preferUnusableKey returns the failure of a key that matches a DS but is unusable,
// unless a limit was exceeded before.
func preferUnusableKey(best, f *Failure) *Failure {
	if best.Reason == DNSKEYLimitExceeded {
		return best
	}
	return f
}
