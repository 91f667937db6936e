package rollover

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Key is a key of a zone with its state. A configured trust anchor has a DS until its
// DNSKEY is seen.
type Key struct {
	DNSKEY   *dns.DNSKEY // with the REVOKE bit if Revoked or Removed; nil if DS is set
	DS       *dns.DS     // nil if DNSKEY is set
	State    State
	Since    time.Time     // when the state changed; zero for a trust anchor whose state never changed
	Seen     time.Time     // when it was last in an authenticated RRset; zero for never
	Count    int           // authenticated RRsets with the key while in AddPend
	HoldDown time.Duration // add hold-down time while in AddPend
}

// Tag returns the key tag, computed with the REVOKE bit if the key is revoked.
func (k *Key) Tag() uint16 {
	if k.DNSKEY == nil {
		return k.DS.KeyTag
	}
	return k.DNSKEY.KeyTag()
}

// Algorithm returns the DNSSEC algorithm number.
func (k *Key) Algorithm() uint8 {
	if k.DNSKEY == nil {
		return k.DS.Algorithm
	}
	return k.DNSKEY.Algorithm
}

// anchor returns the DS of the key.
func (k *Key) anchor() *dns.DS {
	if k.DNSKEY == nil {
		return k.DS
	}
	return k.DNSKEY.ToDS(dns.SHA256)
}

// sameKeyAs reports whether the DNSKEY is this key, with or without the REVOKE bit.
func (k *Key) sameKeyAs(rr *dns.DNSKEY) bool {
	if k.DNSKEY == nil {
		return dsMatches(k.DS, rr)
	}
	return equalExceptRevoke(k.DNSKEY, rr)
}

// equalExceptRevoke compares the RDATA except for the REVOKE bit.
func equalExceptRevoke(a, b *dns.DNSKEY) bool {
	if (a.Flags^b.Flags)&^dns.REVOKE != 0 || a.Protocol != b.Protocol || a.Algorithm != b.Algorithm {
		return false
	}
	if a.PublicKey == b.PublicKey {
		return true
	}
	p, err := base64.StdEncoding.DecodeString(a.PublicKey)
	q, err2 := base64.StdEncoding.DecodeString(b.PublicKey)
	return err == nil && err2 == nil && bytes.Equal(p, q)
}

// dsMatches reports whether the DS matches the key without the REVOKE bit.
func dsMatches(ds *dns.DS, rr *dns.DNSKEY) bool {
	if ds.Algorithm != rr.Algorithm {
		return false
	}
	plain := *rr
	plain.Flags &^= dns.REVOKE
	if plain.KeyTag() != ds.KeyTag {
		return false
	}
	made := plain.ToDS(ds.DigestType)
	return made != nil && strings.EqualFold(made.Digest, ds.Digest)
}

func isRevoked(rr *dns.DNSKEY) bool { return rr.Flags&dns.REVOKE != 0 }

// isSecureEntryPoint reports whether RFC 5011 applies to the key: it has the ZONE and
// SEP flags and protocol 3.
func isSecureEntryPoint(rr *dns.DNSKEY) bool {
	return rr.Flags&dns.ZONE != 0 && rr.Flags&dns.SEP != 0 && rr.Protocol == 3
}
