package dnssec

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// Verifier makes what the rest of the program may rely on: for one response, at
// one instant, under one policy and within one budget. It is for one goroutine.
type Verifier struct {
	Now    time.Time
	Policy Policy
	Budget *Budget
	Ledger Ledger // may be nil
}

// Ledger remembers what came of signatures, so that none is computed twice. It is told
// nothing of time and names: these are checked each time.
type Ledger interface {
	// Known tells what came of the signature, if it was checked before.
	Known(Digest) (good, known bool)
	// Checked is called for each signature that was computed.
	Checked(d Digest, algorithm uint8, good bool)
}

// Authenticate decides whether a key of the zone signed the RRset. Signatures by
// other signers are passed over. That a wildcard expansion was rightful is not
// checked: see Authenticated.Expanded.
func (v *Verifier) Authenticate(set RRset, keys *Keys) (*Authenticated, *Failure) {
	return v.authenticate(set, keys.zone, keys.keys)
}

// authenticate does RFC 4035, section 5.3, with the given keys of the zone.
func (v *Verifier) authenticate(set RRset, zone string, keys []*key) (*Authenticated, *Failure) {
	if len(set.RRs) == 0 {
		return nil, fail(ResponseMalformed, set.String()+" has no records")
	}
	if set.forks() {
		return nil, fail(CNAMEChainInvalid, set.String()+" has several targets")
	}
	attempt := attempt{verifier: v, set: set}
	defer attempt.end()
	sig, f := attempt.trySignatures(zone, keys)
	if f != nil {
		return nil, f
	}
	return v.proven(set, zone, sig), nil
}

// checkSignature makes the checks of RFC 4035, section 5.3.1, that need no key. It
// assumes that owner name, class and type are those of the set.
func (v *Verifier) checkSignature(set RRset, zone string, sig *dns.RRSIG) *Failure {
	if dnsname.Canonical(sig.SignerName) != zone || !signerFits(set, zone) {
		return fail(SignatureSignerInvalid, describe(sig)+" is not of the zone "+zone)
	}
	labels := int(sig.Labels)
	if labels > dnsname.SignedLabels(set.Name) || labels < dnsname.Labels(zone) {
		return fail(SignatureLabelsInvalid, fmt.Sprintf("%s has %d labels", describe(sig), labels))
	}
	if !v.Policy.ReliesOn(sig.Algorithm) {
		return fail(SignatureAlgorithmUnsupported, describe(sig)+" has algorithm "+AlgorithmName(sig.Algorithm))
	}
	return v.checkTimes(sig)
}

// signerFits tells whether the zone can hold the RRset at all: names at or below
// the apex, a DS only below it, NSEC3 records right below it, and at the apex alone
// what makes a zone.
func signerFits(set RRset, zone string) bool {
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

// proven makes the authenticated RRset and its TTL.
func (v *Verifier) proven(set RRset, zone string, sig *dns.RRSIG) *Authenticated {
	expires := v.expires(sig)
	ttl := min(sig.OrigTtl, sig.Hdr.Ttl, uint32(max(expires.Sub(v.Now)/time.Second, 0)))
	for _, rr := range set.RRs {
		ttl = min(ttl, rr.Header().Ttl)
	}
	return &Authenticated{set: set, signer: zone, sig: sig, ttl: ttl, expires: expires}
}

// attempt is the search for a key that verifies one RRset, with what it cost.
type attempt struct {
	verifier *Verifier
	set      RRset
	data     *signedData
	failed   int
}

// trySignatures looks for the first signature that verifies. Of failures the one that
// got furthest through the checks is returned.
func (a *attempt) trySignatures(zone string, keys []*key) (*dns.RRSIG, *Failure) {
	var best *Failure
	for i, sig := range a.set.Sigs {
		if i == MaxCandidates {
			return nil, further(best, fail(LimitExceeded, "RRSIG records of "+a.set.String()))
		}
		f := a.verifier.checkSignature(a.set, zone, sig)
		if f == nil {
			f = a.tryKeys(sig, keys)
		}
		if f == nil {
			return sig, nil
		}
		if best = further(best, f); f.Reason.Unfinished() {
			break
		}
	}
	if best == nil {
		best = fail(SignatureMissing, "no RRSIG "+a.set.String()+" by "+zone)
	}
	return nil, best
}

// tryKeys looks for a key of the signature's tag and algorithm that verifies it.
// A nil return is success.
func (a *attempt) tryKeys(sig *dns.RRSIG, keys []*key) *Failure {
	var best *Failure
	for i, k := range named(sig, keys) {
		if i == MaxKeysPerTag {
			return fail(LimitExceeded, fmt.Sprintf("DNSKEYs with tag %d", sig.KeyTag))
		}
		f := a.try(sig, k)
		if f == nil {
			if !k.signs.Load() {
				k.signs.Store(true)
			}
			return nil
		}
		best = further(best, f)
		if f.Reason.Unfinished() {
			break
		}
	}
	if best == nil {
		best = fail(DNSKEYMissing, describe(sig)+": no such DNSKEY in the zone")
	}
	return best
}

// named returns the keys that a signature may be by. Where several have one tag, those
// that have signed something come first: the others may do nothing but collide.
func named(sig *dns.RRSIG, keys []*key) []*key {
	found := make([]*key, 0, 2)
	signing := 0
	for _, k := range keys {
		if k.tag != sig.KeyTag || k.algorithm() != sig.Algorithm {
			continue
		}
		if k.signs.Load() {
			found = slices.Insert(found, signing, k)
			signing++
		} else {
			found = append(found, k)
		}
	}
	return found
}

// try verifies the signature with one key, unless that was done before.
func (a *attempt) try(sig *dns.RRSIG, k *key) *Failure {
	if f := k.usable(); f != nil {
		return f
	}
	signature, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil {
		return fail(SignatureInvalid, describe(sig)+" can't be read")
	}
	if a.data == nil {
		data, f := newSignedData(a.set)
		if f != nil {
			return f
		}
		a.data = data
	}
	return a.check(sig, k, a.data.forSignature(sig), signature)
}

// check computes the signature if the ledger does not have it. So many failures for an
// RRset are the end, whether they were known or not.
func (a *attempt) check(sig *dns.RRSIG, k *key, data, signature []byte) *Failure {
	if a.failed == MaxFailedPerRRset {
		return fail(LimitExceeded, "signature checks for "+a.set.String())
	}
	var digest Digest
	var good, known bool
	ledger := a.verifier.Ledger
	if ledger != nil {
		digest = a.data.digest(k, signature, data)
		good, known = ledger.Known(digest)
	}
	if !known {
		var f *Failure
		if good, f = a.verifier.Budget.check(func() bool { return k.verify(data, signature) }); f != nil {
			return f
		}
		if ledger != nil {
			ledger.Checked(digest, sig.Algorithm, good)
		}
	}
	if !good {
		a.failed++
		return fail(SignatureInvalid, describe(sig)+" does not verify")
	}
	return nil
}

// end gives back what the signed data were built in.
func (a *attempt) end() {
	if a.data != nil {
		a.data.release()
	}
}
