package validator

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// proofs is the NSEC and NSEC3 RRsets of an authority section that were authenticated, and
// the failure of the others that got furthest through the checks.
type proofs struct {
	query   *query
	sets    []*dnssec.Authenticated
	soas    []dnssec.RRset // as they came
	failed  verdict
	denials []*dnssec.Denial
}

// maxDenialRRsets bounds the NSEC and NSEC3 RRsets of a response, as MaxNSEC3PerProof does
// the records of a zone.
const maxDenialRRsets = dnssec.MaxNSEC3PerProof

// proofs authenticates the NSEC and NSEC3 RRsets of an authority section.
func (q *query) proofs(authority []dnssec.RRset) *proofs {
	p := &proofs{query: q}
	p.failed = bogus(dnssec.DenialMissing, "no NSEC or NSEC3 in the answer")
	p.soas = soas(authority)
	tried := 0
	for _, set := range authority {
		if set.Type != dns.TypeNSEC && set.Type != dns.TypeNSEC3 {
			continue
		}
		if tried++; tried > maxDenialRRsets {
			p.failed = bogus(dnssec.LimitExceeded, "NSEC and NSEC3 RRsets in a response")
			break
		}
		v, _ := q.judgeSigned(set)
		switch {
		case v.Status == dnssec.Secure:
			p.sets = append(p.sets, v.proof)
		case v.Status == dnssec.Bogus:
			p.failed = laterFailure(p.failed, v)
		}
		if v.Reason.Unfinished() {
			break
		}
	}
	return p
}

// soas returns the SOA RRsets of an authority section.
func soas(authority []dnssec.RRset) (sets []dnssec.RRset) {
	for _, set := range authority {
		if set.Type == dns.TypeSOA {
			sets = append(sets, set)
		}
	}
	return sets
}

// of returns the denial by a zone.
func (p *proofs) of(zone string) *dnssec.Denial {
	for _, d := range p.denials {
		if d.Zone() == zone {
			return d
		}
	}
	d := p.query.verifier.Denial(zone, p.sets)
	p.denials = append(p.denials, d)
	return d
}

// zones returns the signers that can deny a name, the closest first: those at or above the
// name, at or below the trust anchor that counts for it, and not above a zone that shows
// by a proven SOA that it holds the name (RFC 4035, section 5.3.1).
func (p *proofs) zones(name, within string) []string {
	var zones []string
	for _, a := range p.sets {
		signer := a.Signer()
		if !dnsname.IsSubdomain(name, signer) || !dnsname.IsSubdomain(signer, within) || slices.Contains(zones, signer) {
			continue
		}
		if below := p.holder(name, func(zone string) bool { return dnsname.IsBelow(zone, signer) }); below != "" {
			p.failed = laterFailure(p.failed, bogus(dnssec.SignatureSignerInvalid, signer+" signed "+a.RRset().String()+", and the SOA is of "+below))
			continue
		}
		zones = append(zones, signer)
	}
	slices.SortFunc(zones, func(a, b string) int { return len(b) - len(a) })
	return zones
}

// holder returns a zone at or above the name whose SOA is proven, of those that are
// wanted, or an empty string.
func (p *proofs) holder(name string, wanted func(zone string) bool) string {
	for _, soa := range p.soas {
		if dnsname.IsSubdomain(name, soa.Name) && wanted(soa.Name) {
			if v, _ := p.query.judgeSigned(soa); v.Status == dnssec.Secure {
				return soa.Name
			}
		}
	}
	return ""
}

// deny decides whether the records prove what the response code says of the name.
func (p *proofs) deny(name string, qtype uint16, rcode int, within string) (best dnssec.Finding, zone string) {
	zones := p.zones(container(name, qtype), within)
	best = p.failed.Finding
	for _, zone := range zones {
		f := p.of(zone).NoData(name, qtype)
		if rcode == dns.RcodeNameError {
			f = p.of(zone).NameError(name)
		}
		if p.counts(f, zone, container(name, qtype)) {
			return f, zone
		}
		if f.Reason > best.Reason {
			best = f
		}
	}
	return best, ""
}

// counts reports whether a finding by a zone decides. An Insecure one, by opt-out or too
// many iterations, does not if a zone between it and the name is known to have a chain. A
// failure to find a zone cut below, which an attacker can cause, shows nothing.
func (p *proofs) counts(f dnssec.Finding, zone, name string) bool {
	if f.Status != dnssec.Insecure {
		return f.Status == dnssec.Secure
	}
	for n := dnsname.Labels(name); n > dnsname.Labels(zone); n-- {
		known := p.query.known(dnsname.Ancestor(name, n))
		if known != nil && known.beginsZone() && (known.finding.Status == dnssec.Secure || known.finding.Status == dnssec.Bogus && known.delegation == dnssec.DelegationSigned) {
			return false
		}
	}
	return true
}

// delegation decides what the records show of a zone cut at the name, and returns the zone
// that proves it.
func (p *proofs) delegation(name, within string) (dnssec.Delegation, dnssec.Finding, string) {
	zones := p.zones(dnsname.Parent(name), within)
	best := p.failed.Finding
	for _, zone := range zones {
		shown, f := p.of(zone).Delegation(name)
		if p.counts(f, zone, dnsname.Parent(name)) {
			return shown, f, zone
		}
		if f.Reason > best.Reason {
			best = f
		}
	}
	return dnssec.DelegationUnproven, best, ""
}

// ttl returns for how many seconds the denial may be kept: the least TTL of its records
// and the SOA's minimum (RFC 9077).
func (p *proofs) ttl(msg *dns.Msg) uint32 {
	ttl := ^uint32(0)
	for _, a := range p.sets {
		ttl = min(ttl, a.TTL())
	}
	return min(ttl, negativeTTL(msg.Ns))
}
