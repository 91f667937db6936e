package dnssec

import (
	"bytes"
	"fmt"

	"github.com/miekg/dns"
)

// Revokes decides whether a DNSKEY RRset revokes a key: whether it has the key with
// the REVOKE bit, and a signature by that key (RFC 5011, section 2.1). The key tag of
// that signature is computed with the bit set. No other signature is required, so
// nothing else in the RRset is authenticated.
func (v *Verifier) Revokes(set RRset, revoked *dns.DNSKEY) *Failure {
	if set.Type != dns.TypeDNSKEY {
		return fail(ResponseMalformed, set.String()+" is no DNSKEY RRset")
	}
	keys, f := newKeys(set)
	if f != nil {
		return f
	}
	rdata, ok := new(packer).canonicalRDATA([]dns.RR{revoked}, nil)
	if !ok || revoked.Flags&dns.REVOKE == 0 {
		return fail(DNSKEYMissing, fmt.Sprintf("DNSKEY %s (tag %d) does not have the REVOKE bit", set.Name, revoked.KeyTag()))
	}
	for _, k := range keys {
		if !bytes.Equal(k.rdata, rdata[0]) {
			continue
		}
		k.allowRevoked = true
		// The owner name is the apex, so a signature with fewer labels fails.
		_, f := v.authenticate(set, set.Name, []*key{k})
		return f
	}
	return fail(DNSKEYMissing, fmt.Sprintf("%s does not have the key with tag %d", set.String(), revoked.KeyTag()))
}
