package validator

import (
	"slices"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// verdict is what was found of one RRset.
type verdict struct {
	dnssec.Finding
	proof   *dnssec.Authenticated // nil unless Secure
	zone    *cut                  // whose finding it is; nil if it is that of the RRset
	refuted bool                  // a signature by a secure zone does not verify
}

// inherited reports whether the finding is that of a zone.
func (v verdict) inherited() bool { return v.zone != nil }

// until returns when an inherited failure ends.
func (v verdict) until() time.Time {
	if v.zone == nil {
		return time.Time{}
	}
	return v.zone.expires
}

// ttl is that of the proof, if there is one.
func (v verdict) ttl() uint32 {
	if v.proof == nil {
		return 0
	}
	return v.proof.TTL()
}

// bogus returns the verdict of a failure.
func bogus(r dnssec.Reason, detail string) verdict {
	return verdict{Finding: dnssec.Finding{Status: dnssec.Bogus, Reason: r, Detail: detail}}
}

// judgeSet decides the status of one RRset: by its signatures, or, if none of them verifies,
// by the zone that it lies in. What lies at or below an insecure delegation is insecure,
// whatever signatures come with it (RFC 4035, section 5.2): that they do not verify shows
// nothing, since anybody can add them. It does not check the denial of a wildcard expansion.
func (q *query) judgeSet(set dnssec.RRset) verdict {
	v, decided := q.judgeSigned(set)
	if decided {
		return v
	}
	return q.judgeUnsigned(set, v)
}

// judgeUnsigned decides the status of an RRset by the zone that it lies in. No signature
// verifies, which is the failure.
//
//go:noinline
func (q *query) judgeUnsigned(set dnssec.RRset, failure verdict) verdict {
	zone := q.zoneHolding(home(set))
	if zone.finding.Status == dnssec.Secure || failure.refuted && !excuses(zone.finding, set) {
		return q.orLocal(home(set), failure)
	}
	return q.orLocal(home(set), inheritedFrom(zone))
}

// excuses reports whether what is found of the zone that an RRset lies in makes a signature
// meaningless that does not verify. A delegation without DS does, and an opt-out span in
// which one may be (RFC 5155, section 8.9), but not for the signature of a wildcard
// expansion: an honest one lies in such a span too.
func excuses(zone dnssec.Finding, set dnssec.RRset) bool {
	if zone.Reason == dnssec.OptOut {
		return !slices.ContainsFunc(set.Sigs, func(sig *dns.RRSIG) bool { return int(sig.Labels) < dnsname.Labels(set.Name) })
	}
	return showsDelegation(zone)
}

// showsDelegation reports whether a finding that is not Secure shows that a name is not in
// the secure zone above. A failure does not, nor does that the zone is served locally. An
// opt-out span and too many iterations do not either: an attacker can have both for names of
// the zone.
func showsDelegation(f dnssec.Finding) bool {
	switch f.Reason {
	case dnssec.OptOut, dnssec.NSEC3IterationsHigh, dnssec.LocallyServed:
		return false
	default:
		return f.Status != dnssec.Bogus
	}
}

// inheritedFrom returns the verdict of what lies in a zone that is not secure.
func inheritedFrom(zone *cut) verdict {
	return verdict{Finding: zone.finding, zone: zone}
}

// zoneHolding returns the zone that a name lies in. For what the program serves that is
// known, since it answers with a referral below a zone cut.
func (q *query) zoneHolding(name string) *cut {
	if q.v.served != nil {
		if zone := q.v.served.zoneOf(name); zone != "" {
			return q.zone(zone)
		}
	}
	return q.zoneOf(name)
}

// home returns a name in the zone that holds an RRset. At a zone cut there is an NSEC on
// either side, and the signer shows which one it is.
func home(set dnssec.RRset) string {
	if set.Type == dns.TypeNSEC && len(set.Sigs) > 0 && set.Name != dnsname.Root && !slices.Contains(set.Signers(), set.Name) {
		return dnsname.Parent(set.Name)
	}
	return container(set.Name, set.Type)
}

// maxSigners bounds the zones that are asked for because signatures name them.
const maxSigners = 4

// judgeSigned decides by the signatures. It is undecided if none verifies: the RRset may lie
// in a zone that did not sign it.
func (q *query) judgeSigned(set dnssec.RRset) (best verdict, decided bool) {
	within, unproven := q.trustAnchorFor(set)
	if unproven.Status != dnssec.Secure {
		return verdict{Finding: unproven}, true
	}
	best = bogus(dnssec.SignatureMissing, "")
	for _, signer := range closestFirst(set.Signers()) {
		v, decided := q.judgeBySigner(set, signer, within)
		if decided {
			return v, true
		}
		best = best.orLater(v)
	}
	if best.Reason == dnssec.SignatureMissing && best.Detail == "" {
		best.Detail = lacksRRSIG(set)
	}
	return best, best.Reason.Unfinished()
}

// trustAnchorFor returns the zone of the trust anchor that counts for an RRset. If none does
// the finding says why.
//
//go:noinline
func (q *query) trustAnchorFor(set dnssec.RRset) (zone string, f dnssec.Finding) {
	scope := q.scope(home(set))
	return scope.zone, scope.finding
}

// lacksRRSIG returns the detail of the failure of an RRset without a signature.
//
//go:noinline
func lacksRRSIG(set dnssec.RRset) string { return "no RRSIG " + set.String() }

// closestFirst orders signers by depth, and leaves out those over the limit.
//
//go:noinline
func closestFirst(signers []string) []string {
	slices.SortFunc(signers, func(a, b string) int { return len(b) - len(a) })
	return signers[:min(len(signers), maxSigners)]
}

// judgeBySigner decides by the signatures of one signer, which has to be at or below
// the zone of the anchor that counts.
func (q *query) judgeBySigner(set dnssec.RRset, signer, within string) (v verdict, decided bool) {
	zone := q.signerZone(set, signer, within)
	switch zone.finding.Status {
	case dnssec.Secure:
		proof, failure := q.verifier.Authenticate(set, zone.keys)
		if failure == nil {
			return verdict{Finding: dnssec.Proven, proof: proof}, true
		}
		return verdict{Finding: failure.Finding(), refuted: true}, false
	case dnssec.Bogus:
		if zone.finding.Reason == dnssec.SignatureSignerInvalid {
			return verdict{Finding: zone.finding}, false
		}
		return inheritedFrom(zone), false
	default:
		return inheritedFrom(zone), true
	}
}

// signerZone returns the zone of a signer, or a failure if it can't sign the RRset.
//
//go:noinline
func (q *query) signerZone(set dnssec.RRset, signer, within string) *cut {
	if !dnsname.IsSubdomain(home(set), signer) || !dnsname.IsSubdomain(signer, within) {
		return failedCut(signer, dnssec.SignatureSignerInvalid, signer+" signed "+set.String())
	}
	return q.zone(signer)
}

// orLater returns the failure that got further through the checks. A signature by either that
// does not verify refutes it.
func (v verdict) orLater(other verdict) verdict {
	refuted := v.refuted || other.refuted
	v = laterFailure(v, other)
	v.refuted = refuted
	return v
}

// laterFailure returns the failure that got further through the checks.
func laterFailure(a, b verdict) verdict {
	if b.Reason > a.Reason {
		return b
	}
	return a
}
