package validator

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// At a zone cut there are two NSEC RRsets of one owner name, the parent's and the child's
// (RFC 4035, section 2.3).

// keptNSEC returns the NSEC RRset to keep that a record of it or a signature belongs to, or
// nil. That of the other side of a zone cut need not be proven.
func keptNSEC(kept []keptRRset, rr dns.RR, in section) *keptRRset {
	name := dnsname.Canonical(rr.Header().Name)
	for i := range kept {
		k := &kept[i]
		if k.name == name && k.rtype == dns.TypeNSEC && k.section == in && (k.sig == nil || isOfApex(rr) == isOfApex(k.sig)) {
			return k
		}
	}
	return nil
}

// isOfApex reports whether an NSEC record, or the signature of one, is of the zone that begins
// at its owner name.
func isOfApex(rr dns.RR) bool {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return dnsname.Canonical(sig.SignerName) == dnsname.Canonical(sig.Hdr.Name)
	}
	return dnssec.IsApexNSEC(rr)
}
