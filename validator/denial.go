package validator

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// addDenial judges that there is no answer at the end of the alias chain.
func (r *response) addDenial(p *path) {
	v, zone := r.denial(p.end)
	v = r.orLocal(p.end, v)
	if v.Status == dnssec.Secure || v.Status == dnssec.Insecure && zone != "" {
		r.keepProofs(zone)
		if soa, ok := findSet(r.authority(), zone, dns.TypeSOA); ok {
			r.addDenialSOA(soa)
		}
	}
	r.result.partial = v.Status != dnssec.Secure && p.partial(r.msg)
	if v.Status == dnssec.Bogus && r.result.partial && r.result.Status != dnssec.Secure {
		return // the upstream did not resolve the target of an alias that is not proven: it is asked for
	}
	if v.Status == dnssec.Bogus && !v.inherited() {
		r.lacksProof(p.end)
	}
	r.weaken(v)
}

// denial decides whether the authority section proves that there is no answer for a name,
// and returns the zone that proves it. Without a proof the name has to be in a zone that
// is not secure. If the SOA of a secure zone is proven a delegation has to be shown: the
// parent's SOA and NSEC may come with a denial at an insecure delegation (RFC 4035, section
// 5.2), or with one of its own that lacks records.
func (r *response) denial(name string) (verdict, string) {
	home := container(name, r.question.qtype)
	within := r.scope(home).zone
	finding, zone := r.deny(name, within)
	if finding.Status != dnssec.Bogus || finding.Reason.Unfinished() {
		return verdict{Finding: finding}, zone
	}
	above := r.zoneHolding(home)
	if above.finding.Status == dnssec.Secure || !showsDelegation(above.finding) && r.saidBySecureZone(home, within) {
		return verdict{Finding: finding}, ""
	}
	return inheritedFrom(above), ""
}

// deny looks for a proof by the zones at or below the trust anchor that counts. Two other
// complete proofs are accepted: that a name said not to exist is an empty non-terminal,
// and a denial by a zone above the anchor, since then there is no zone for the anchor.
func (r *response) deny(name, within string) (dnssec.Finding, string) {
	proofs, qtype, rcode := r.proofs(), r.question.qtype, r.msg.Rcode
	finding, zone := proofs.deny(name, qtype, rcode, within)
	if finding.Status != dnssec.Bogus || finding.Reason.Unfinished() {
		return finding, zone
	}
	if rcode == dns.RcodeNameError {
		if f, z := proofs.deny(name, qtype, dns.RcodeSuccess, within); f.Status == dnssec.Secure {
			r.exists = true
			return f, z
		}
	}
	if f, z := proofs.deny(name, qtype, rcode, dnsname.Root); f.Status == dnssec.Secure {
		return f, z
	}
	return finding, ""
}

// saidBySecureZone reports whether the SOA of a zone that holds the name is proven.
func (r *response) saidBySecureZone(name, within string) bool {
	return r.proofs().holder(name, func(zone string) bool { return dnsname.IsSubdomain(zone, within) }) != ""
}

// container returns a name in the zone that holds the RRset: a DS is the parent's.
func container(name string, rtype uint16) string {
	if rtype == dns.TypeDS {
		return dnsname.Parent(name)
	}
	return name
}

// addDenialSOA judges the SOA of a denial. The SOA says how long the denial may be kept
// (RFC 2308, section 5), so that one that does not verify is not left out but fails.
func (r *response) addDenialSOA(soa dnssec.RRset) {
	signed, _ := r.judgeSigned(soa)
	if signed.Status != dnssec.Secure {
		r.lacksSignature(soa)
		r.weaken(signed)
		return
	}
	r.keep(signed.proof, authoritySection)
	last := &r.result.sets.proven[len(r.result.sets.proven)-1]
	last.ttl = min(last.ttl, negativeTTL(soa.RRs)) // its original TTL may be longer than a denial's
	if r.v.denials != nil {
		r.v.denials.keepSOA(signed.proof, negativeTTL(r.msg.Ns), r.query)
	}
}
