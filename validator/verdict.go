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
	proof     *dnssec.Authenticated // nil unless Secure
	inherited bool
	until     time.Time // of an inherited failure: when that of the zone ends
	refuted   bool      // a signature by a secure zone does not verify
}

// ttl is that of the proof, if there is one.
func (v verdict) ttl() uint32 {
	if v.proof == nil {
		return 0
	}
	return v.proof.TTL()
}

func bogus(r dnssec.Reason, detail string) verdict {
	return verdict{Finding: dnssec.Finding{Status: dnssec.Bogus, Reason: r, Detail: detail}}
}

// judgeSet decides the status of one RRset: by its signatures, or, if no secure zone signed
// it, by the zone that it lies in. It does not check the denial of a wildcard expansion.
func (q *query) judgeSet(set dnssec.RRset) verdict {
	v, decided := q.judgeSigned(set)
	if decided {
		return v
	}
	zone := q.zoneHolding(home(set))
	if zone.finding.Status != dnssec.Secure {
		return inheritedFrom(zone)
	}
	return v
}

// inheritedFrom returns the verdict of what lies in a zone that is not secure.
func inheritedFrom(zone *cut) verdict {
	return verdict{Finding: zone.finding, inherited: true, until: zone.expires}
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

// judgeSigned decides by the signatures. It is undecided if no secure zone made one: the
// RRset may lie in a zone that did not sign it. A signature that a secure zone made and
// that does not verify decides: what lies below an insecure delegation has none.
func (q *query) judgeSigned(set dnssec.RRset) (best verdict, decided bool) {
	scope := q.scope(home(set))
	if scope.finding.Status != dnssec.Secure {
		return verdict{Finding: scope.finding}, true
	}
	best.Finding = dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureMissing}
	refuted := false
	for _, signer := range closestFirst(set.Signers()) {
		v, decided := q.judgeBySigner(set, signer, scope.zone)
		if decided {
			return v, true
		}
		best, refuted = laterFailure(best, v), refuted || v.refuted
	}
	if best.Reason == dnssec.SignatureMissing && best.Detail == "" {
		best.Detail = "no RRSIG " + set.String()
	}
	return best, refuted || best.Reason.Unfinished()
}

// closestFirst orders signers by depth, and leaves out those over the limit.
func closestFirst(signers []string) []string {
	slices.SortFunc(signers, func(a, b string) int { return len(b) - len(a) })
	return signers[:min(len(signers), maxSigners)]
}

// judgeBySigner decides by the signatures of one signer, which has to be at or below
// the zone of the anchor that counts.
func (q *query) judgeBySigner(set dnssec.RRset, signer, within string) (v verdict, decided bool) {
	if !dnsname.IsSubdomain(home(set), signer) || !dnsname.IsSubdomain(signer, within) {
		return bogus(dnssec.SignatureSignerInvalid, signer+" signed "+set.String()), false
	}
	zone := q.zone(signer)
	switch zone.finding.Status {
	case dnssec.Secure:
		proof, failure := q.verifier.Authenticate(set, zone.keys)
		if failure == nil {
			return verdict{Finding: dnssec.Proven, proof: proof}, true
		}
		return verdict{Finding: failure.Finding(), refuted: true}, false
	case dnssec.Bogus:
		v = inheritedFrom(zone)
		v.inherited = zone.finding.Reason != dnssec.SignatureSignerInvalid
		return v, false
	default:
		return inheritedFrom(zone), true
	}
}

// laterFailure returns the failure that got further through the checks.
func laterFailure(a, b verdict) verdict {
	if b.Reason > a.Reason {
		return b
	}
	return a
}
