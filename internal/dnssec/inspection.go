package dnssec

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// The functions in this file look at single records to explain a verdict. They prove
// nothing.

// Matches reports whether a DS refers to a DNSKEY: whether the owner name, the key
// tag, the algorithm and the digest match. It does not check whether the algorithm
// and the digest type are accepted.
func Matches(ds *dns.DS, rr *dns.DNSKEY) bool {
	k, ok := parseKey(rr)
	return ok && k.tag == ds.KeyTag && k.algorithm() == ds.Algorithm && k.zone == dnsname.Canonical(ds.Hdr.Name) && k.matches(ds)
}

// CheckKey decides whether a DNSKEY may verify signatures: it has the ZONE flag, no
// REVOKE flag, protocol 3 and a public key of an implemented algorithm. It does not
// check whether the key is authenticated or its algorithm accepted.
func CheckKey(rr *dns.DNSKEY) *Failure {
	k, ok := parseKey(rr)
	if !ok {
		return fail(DNSKEYMalformed, "DNSKEY "+dnsname.Canonical(rr.Hdr.Name))
	}
	return k.usable()
}

// parseKey reads a single DNSKEY. ok is false if the public key is not base64.
func parseKey(rr *dns.DNSKEY) (k *key, ok bool) {
	rdata, ok := new(packer).canonicalRDATA([]dns.RR{rr}, nil)
	if !ok || len(rdata[0]) < dnskeyHeaderLength {
		return nil, false
	}
	return newKey(dnsname.Canonical(rr.Hdr.Name), rdata[0]), true
}
