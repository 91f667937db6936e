package dnssec

import (
	"fmt"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// Verifier authenticates the records of one response, at one time, under one policy
// and within one budget. Several goroutines may use it, as nothing changes it. Budget must
// not be nil.
type Verifier struct {
	Now    time.Time
	Policy Policy
	Budget *Budget
	Ledger Ledger // may be nil
}

// Ledger caches the results of signature checks. A Digest does not include the
// validity period and the names that RFC 4035, section 5.3.1, compares: these are
// checked every time. A Ledger has to be safe for concurrent use if Verifiers share
// it.
type Ledger interface {
	// Known returns the result of an earlier check. known is false if there is none.
	Known(Digest) (good, known bool)
	// Meanwhile is Known once more, before a check that had to wait for its turn.
	Meanwhile(Digest) (good, known bool)
	// Checked stores the result of a signature check.
	Checked(d Digest, algorithm uint8, good bool)
}

// Authenticate decides whether one of the keys signed the RRset (RFC 4035, section
// 5.3). Signatures by other signers are ignored. It does not check whether an
// expansion from a wildcard was allowed: see Authenticated.Expanded.
func (v *Verifier) Authenticate(set RRset, keys *Keys) (*Authenticated, *Failure) {
	return v.authenticate(set, keys.zone, keys.keys)
}

// authenticate implements Authenticate with some of the keys of a zone.
func (v *Verifier) authenticate(set RRset, zone string, keys []*key) (*Authenticated, *Failure) {
	a := v.attempt(set)
	defer a.end()
	if f := a.malformed(); f != nil {
		return nil, f
	}
	sig, f := a.trySignatures(zone, keys)
	if f != nil {
		return nil, f
	}
	return a.authenticated(zone, sig), nil
}

// checkSignature makes the checks of RFC 4035, section 5.3.1, that need no key. It
// does not compare owner name, class and type covered, which GroupRRsets did.
func (v *Verifier) checkSignature(set *RRset, zone string, sig *dns.RRSIG) *Failure {
	if dnsname.Canonical(sig.SignerName) != zone || !zoneMayHold(set, zone) {
		return fail(SignatureSignerInvalid, signatureString(sig)+" is not of the zone "+zone)
	}
	labels := int(sig.Labels)
	if labels > dnsname.SignedLabels(set.Name) || labels < dnsname.Labels(zone) {
		return fail(SignatureLabelsInvalid, fmt.Sprintf("%s has %d labels", signatureString(sig), labels))
	}
	if !v.Policy.ReliesOn(sig.Algorithm) {
		return fail(SignatureAlgorithmUnsupported, signatureString(sig)+" has algorithm "+AlgorithmName(sig.Algorithm))
	}
	return v.checkValidityPeriod(sig)
}

// zoneMayHold reports whether an RRset can be in the zone. A DS is below the apex,
// SOA, NS and DNSKEY are at the apex, NSEC3 is directly below it, and other types are
// at the apex or below.
func zoneMayHold(set *RRset, zone string) bool {
	switch set.Type {
	case dns.TypeDS:
		return dnsname.IsBelow(set.Name, zone)
	case dns.TypeSOA, dns.TypeNS, dns.TypeDNSKEY:
		return set.Name == zone
	case dns.TypeNSEC3:
		return dnsname.IsBelow(set.Name, zone) && dnsname.Parent(set.Name) == zone
	default:
		return dnsname.IsSubdomain(set.Name, zone)
	}
}

// authenticated returns the authenticated RRset with its TTL (RFC 4035, section
// 5.3.3).
//
//go:noinline
func (a *attempt) authenticated(zone string, sig *dns.RRSIG) *Authenticated {
	v := a.verifier
	expires := v.expires(sig)
	ttl := min(sig.OrigTtl, sig.Hdr.Ttl, uint32(max(expires.Sub(v.Now)/time.Second, 0)))
	for _, rr := range a.set.RRs {
		ttl = min(ttl, rr.Header().Ttl)
	}
	return &Authenticated{set: a.set, signer: zone, sig: sig, ttl: ttl, expires: expires}
}

// trySignatures returns the first signature that a key verifies. Otherwise it returns
// the failure of the signature that passed the most checks.
func (a *attempt) trySignatures(zone string, keys []*key) (*dns.RRSIG, *Failure) {
	var best *Failure
	for i, sig := range a.set.Sigs {
		if i == MaxCandidates {
			return nil, laterFailure(best, a.limit("RRSIG records of "))
		}
		f := a.verifier.checkSignature(&a.set, zone, sig)
		if f == nil {
			f = a.tryKeys(sig, keys)
		}
		if f == nil {
			return sig, nil
		}
		if best = laterFailure(best, f); f.Reason.Unfinished() {
			break
		}
	}
	if best == nil {
		best = a.unsigned(zone)
	}
	return nil, best
}

// tryKeys looks for a key with the key tag and the algorithm of the signature that
// verifies it. It returns nil on success.
func (a *attempt) tryKeys(sig *dns.RRSIG, keys []*key) *Failure {
	var best *Failure
	for i, k := range a.candidateKeys(sig, keys) {
		if i == MaxKeysPerTag {
			return fail(LimitExceeded, fmt.Sprintf("DNSKEYs with tag %d", sig.KeyTag))
		}
		f := a.tryKey(sig, k)
		if f == nil {
			if !k.verified.Load() {
				k.verified.Store(true)
			}
			return nil
		}
		best = laterFailure(best, f)
		if f.Reason.Unfinished() {
			break
		}
	}
	if best == nil {
		best = fail(DNSKEYMissing, signatureString(sig)+": no such DNSKEY in the zone")
	}
	return best
}

// candidateKeys returns the keys with the key tag and the algorithm of the signature.
// If there are several, keys that have verified a signature come first: the others
// may have been published only to collide.
func (a *attempt) candidateKeys(sig *dns.RRSIG, keys []*key) []*key {
	found := a.candidates[:0]
	signing := 0
	for _, k := range keys {
		if k.tag != sig.KeyTag || k.algorithm() != sig.Algorithm {
			continue
		}
		if k.verified.Load() {
			found = slices.Insert(found, signing, k)
			signing++
		} else {
			found = append(found, k)
		}
	}
	a.candidates = found
	return found
}

// tryKey verifies the signature with one key.
func (a *attempt) tryKey(sig *dns.RRSIG, k *key) *Failure {
	if f := k.usable(); f != nil {
		return f
	}
	if !a.data.decode(sig.Signature) {
		return fail(SignatureInvalid, signatureString(sig)+" can't be read")
	}
	if !a.packed {
		if !a.data.prepare(a.set) {
			return fail(ResponseMalformed, a.set.String()+" has RDATA that can't be packed")
		}
		a.packed = true
	}
	a.data.forSignature(sig)
	return a.verify(sig, k)
}

// verify makes the signature check, or takes its result from the Ledger. It fails
// with LimitExceeded after MaxFailedPerRRset failed checks. Known results count as
// well, so that the result does not depend on the Ledger.
func (a *attempt) verify(sig *dns.RRSIG, k *key) *Failure {
	if a.failed == MaxFailedPerRRset {
		return a.limit("signature checks for ")
	}
	var good, known bool
	if ledger := a.verifier.Ledger; ledger != nil {
		a.digest = a.data.digest(k)
		good, known = ledger.Known(a.digest)
	}
	if !known {
		var f *Failure
		if good, f = a.check(k); f != nil {
			return f
		}
	}
	if !good {
		a.failed++
		return fail(SignatureInvalid, signatureString(sig)+" does not verify")
	}
	return nil
}
