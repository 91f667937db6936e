package validator

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// Names such as localhost and 1.0.0.10.in-addr.arpa are answered by resolvers themselves,
// without signatures, although they lie below signed zones (RFC 6303, RFC 6761). An answer
// about them is judged like any other. Only if it is not proven, for lack of a signature or of
// a denial, is it Insecure where others are Bogus.
//
// This makes no attack possible: for these zones the public tree has no signed data that an
// attacker could strip. What a signature or a denial proves to be wrong stays Bogus: a resolver that
// answers by itself adds none. So does what lies in a zone that the tree proves to be signed,
// as a private root may have one.

// localFinding returns the finding of a name to which a built-in negative trust anchor
// applies.
func (q *query) localFinding(name string) (zone string, f dnssec.Finding, ok bool) {
	zone, rfc, ok := q.anchors.BuiltinNegative(name, q.now)
	if !ok {
		return "", f, false
	}
	return zone, dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.LocallyServed, Detail: zone + " (RFC " + rfc + ")"}, true
}

// seenAsLocal makes a cut in a locally served zone Insecure if nothing shows whether it is
// signed. This is kept no longer than a failure: a zone of a private root must not be taken
// for unsigned for long because its DS was missing once.
func (q *query) seenAsLocal(c *cut) *cut {
	zone, finding, ok := q.localFinding(c.name)
	if !ok || !unproven(c.finding) || c.delegation == dnssec.DelegationSigned {
		return c
	}
	if c.name != zone && !unsignedIn(zone, q.zoneOf(dnsname.Parent(c.name))) {
		return c
	}
	return &cut{name: c.name, delegation: dnssec.DelegationUnsigned, finding: finding, expires: q.now.Add(maxFailureTTL)}
}

// orLocal makes a verdict about a name in a locally served zone Insecure if it is Bogus since
// nothing proves the answer.
func (q *query) orLocal(name string, v verdict) verdict {
	if !unproven(v.Finding) || v.refuted {
		return v
	}
	zone, finding, ok := q.localFinding(name)
	if !ok {
		return v
	}
	holder := q.closestKnown(name, zone)
	if holder == nil {
		holder = q.zoneHolding(name)
	}
	if !unsignedIn(zone, holder) {
		return v
	}
	return verdict{Finding: finding, zone: &cut{finding: finding}}
}

// unproven reports whether a finding is that something is missing, and not that something is
// wrong.
func unproven(f dnssec.Finding) bool {
	switch f.Reason {
	case dnssec.DSUnavailable, dnssec.DNSKEYUnavailable, dnssec.DNSKEYAbsent, dnssec.DenialMissing, dnssec.DenialIncomplete, dnssec.SignatureMissing, dnssec.SignatureSignerInvalid:
		return f.Status == dnssec.Bogus
	default:
		return false
	}
}

// unsignedIn reports whether nothing proves that a name in a locally served zone is in a signed
// zone: the zone that holds the name is one above, or nothing shows whether it is signed. A
// zone that is proven to be signed or not is judged as elsewhere.
func unsignedIn(local string, holder *cut) bool {
	if !dnsname.IsBelow(local, holder.name) {
		return holder.finding.Reason == dnssec.LocallyServed
	}
	return holder.finding.Status == dnssec.Secure || unproven(holder.finding)
}

// deniesLocal reports whether the records of a zone may answer a question about a name without
// asking it: what resolvers answer by themselves is not in the tree.
func (q *query) deniesLocal(name, zone string) bool {
	local, _, ok := q.localFinding(name)
	return !ok || dnsname.IsSubdomain(zone, local)
}

// privateInLocal returns the zone that the operator forwards by name, if a name lies in one
// below a zone that is Insecure for being locally served. It is judged as it would be if the
// public tree were known to deny it.
func (q *query) privateInLocal(name string, local *cut) *cut {
	if local.finding.Reason == dnssec.LocallyServed {
		if private := q.v.options.Topology.Private(name); dnsname.IsBelow(private, local.name) {
			return q.cutAt(private)
		}
	}
	return local
}
