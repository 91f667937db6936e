package dnssec

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// What follows looks at single records, for those who explain a verdict. Nothing is
// proven by it.

// Matches decides whether a DS stands for a DNSKEY: that it has its tag, its
// algorithm and the digest of it. Whether these are relied on is not checked.
func Matches(ds *dns.DS, rr *dns.DNSKEY) bool {
	k, ok := readKey(rr)
	return ok && k.tag == ds.KeyTag && k.algorithm() == ds.Algorithm && k.zone == dnsname.Canonical(ds.Hdr.Name) && k.matches(ds)
}

// CheckKey decides whether a DNSKEY may verify signatures at all. Whether it is
// vouched for is not checked.
func CheckKey(rr *dns.DNSKEY) *Failure {
	k, ok := readKey(rr)
	if !ok {
		return fail(DNSKEYMalformed, "DNSKEY "+dnsname.Canonical(rr.Hdr.Name))
	}
	return k.usable()
}

// readKey fails if the public key is not base64.
func readKey(rr *dns.DNSKEY) (*key, bool) {
	rdata, _, ok := canonicalRDATA([]dns.RR{rr}, nil, nil)
	if !ok || len(rdata[0]) < keyHeader {
		return nil, false
	}
	return newKey(dnsname.Canonical(rr.Hdr.Name), rdata[0]), true
}
