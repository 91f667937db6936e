package dnssec

import (
	"bytes"
	"fmt"

	"github.com/miekg/dns"
)

// Revokes decides whether a DNSKEY RRset revokes a key: the key is in it with the
// REVOKE bit, and signs it (RFC 5011, section 2.1). The key tag of that signature is
// the one with the bit, which is another than before. Nobody else can say this, and
// nobody else needs to: no other signature is asked for, and a nil return vouches for
// nothing else in the set.
func (v *Verifier) Revokes(set RRset, revoked *dns.DNSKEY) *Failure {
	if set.Type != dns.TypeDNSKEY {
		return fail(ResponseMalformed, set.String()+" is no DNSKEY RRset")
	}
	keys, f := newKeys(set)
	if f != nil {
		return f
	}
	rdata, _, ok := canonicalRDATA([]dns.RR{revoked}, nil, nil)
	if !ok || revoked.Flags&dns.REVOKE == 0 {
		return fail(DNSKEYMissing, fmt.Sprintf("DNSKEY %s (tag %d) does not have the REVOKE bit", set.Name, revoked.KeyTag()))
	}
	for _, k := range keys {
		if !bytes.Equal(k.rdata, rdata[0]) {
			continue
		}
		k.revoking = true
		// The set is of the apex, so that no signature with too few labels gets through.
		_, f := v.authenticate(set, set.Name, []*key{k})
		return f
	}
	return fail(DNSKEYMissing, fmt.Sprintf("%s does not have the key with tag %d", set.String(), revoked.KeyTag()))
}
