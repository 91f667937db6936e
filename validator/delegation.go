package validator

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// withoutDS judges a response without DS: by its denial, or, if there is none, by whether
// the zone above is one that can give none.
func (q *query) withoutDS(name string, msg *dns.Msg) *cut {
	if v, ok := q.aliased(name, msg); ok {
		return &cut{name: name, delegation: dnssec.NotDelegation, finding: dnssec.Proven, within: v.proof.Signer(), expires: q.until(v.proof.TTL())}
	}
	proofs := q.proofs(signedAbove(name, dnssec.GroupRRsets(msg.Ns)))
	if q.v.denials != nil {
		q.v.denials.keep(proofs.sets, negativeTTL(msg.Ns), q)
	}
	shown, finding, zone := proofs.delegation(name, q.scope(dnsname.Parent(name)).zone)
	if finding.Status != dnssec.Bogus {
		c := &cut{name: name, delegation: shown, finding: finding, within: zone, expires: q.until(proofs.ttl(msg))}
		if shown == dnssec.NoSuchName {
			c.absence = proofs.absence(name)
		}
		return c
	}
	if finding.Reason.Unfinished() {
		return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: finding}
	}
	above := q.zoneOf(dnsname.Parent(name))
	if above.finding.Status != dnssec.Secure {
		return q.inherit(name, above)
	}
	return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: finding}
}

// withoutAnswer judges that the question for a DS was not answered. If the zone above is
// insecure the DS is of no use.
func (q *query) withoutAnswer(name string, err error) *cut {
	failed := q.unavailable(name, dnssec.DSUnavailable, err)
	if failed.finding.Reason != dnssec.DSUnavailable || name == dnsname.Root || q.v.options.Topology.Silent(name) {
		return failed
	}
	if above := q.zoneOf(dnsname.Parent(name)); above.finding.Status == dnssec.Insecure {
		return q.inherit(name, above)
	}
	return failed
}

// inherit returns what is at a name below a zone that is not secure.
func (q *query) inherit(name string, above *cut) *cut {
	c := &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: above.finding, inherited: true, expires: above.expires}
	if c.finding.Status != dnssec.Bogus {
		c.expires = earlier(c.expires, q.now.Add(maxDenialTTL))
	}
	return c
}

// aliased reports whether a proven CNAME at the name, or DNAME above it, answered the
// question for a DS: there is no zone cut at an alias.
func (q *query) aliased(name string, msg *dns.Msg) (verdict, bool) {
	sets := signedAbove(name, dnssec.GroupRRsets(msg.Answer))
	set, ok := findSet(sets, name, dns.TypeCNAME)
	if !ok || len(set.Sigs) == 0 {
		set, ok = closestDNAME(sets, name)
	}
	if !ok {
		return verdict{}, false
	}
	v, _ := q.judgeSigned(set)
	if v.Status == dnssec.Secure {
		_, expanded := v.proof.Expanded()
		return v, !expanded // a wildcard expansion for another name can be replayed for this one
	}
	return v, false
}

// signedAbove leaves out what was signed by zones that name does not lie below. They say
// nothing of a zone cut at name, and asking for their keys could wait for this very cut.
func signedAbove(name string, sets []dnssec.RRset) []dnssec.RRset {
	parent := dnsname.Parent(name)
	above := sets[:0]
	for _, set := range sets {
		unsigned := len(set.Sigs) == 0
		set.Sigs = slices.DeleteFunc(set.Sigs, func(sig *dns.RRSIG) bool {
			return !dnsname.IsSubdomain(parent, dnsname.Canonical(sig.SignerName))
		})
		if unsigned || len(set.Sigs) > 0 {
			above = append(above, set)
		}
	}
	return above
}
