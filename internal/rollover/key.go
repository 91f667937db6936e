package rollover

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Key is a key of a zone and what is known of it. Of a configured anchor whose key
// was never seen there is only the DS.
type Key struct {
	DNSKEY   *dns.DNSKEY // with the REVOKE bit if revoked or removed; nil if there is a DS
	DS       *dns.DS
	State    State
	Since    time.Time     // of the state; zero for an anchor that no RRset was asked about yet
	Seen     time.Time     // when it was last in an authenticated RRset; zero for never
	Count    int           // authenticated RRsets that had it while it was pending
	HoldDown time.Duration // how long it has to be pending
}

// Tag returns the key tag: that with the REVOKE bit if the key is revoked.
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

// anchor returns the DS that stands for the key.
func (k *Key) anchor() *dns.DS {
	if k.DNSKEY == nil {
		return k.DS
	}
	return k.DNSKEY.ToDS(dns.SHA256)
}

// is tells whether the DNSKEY is this key, whatever its REVOKE bit says.
func (k *Key) is(rr *dns.DNSKEY) bool {
	if k.DNSKEY == nil {
		return matches(k.DS, rr)
	}
	return sameKey(k.DNSKEY, rr)
}

// sameKey compares all but the REVOKE bit.
func sameKey(a, b *dns.DNSKEY) bool {
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

// matches tells whether the DS stands for the key as it is without the REVOKE bit.
func matches(ds *dns.DS, rr *dns.DNSKEY) bool {
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

func revoked(rr *dns.DNSKEY) bool { return rr.Flags&dns.REVOKE != 0 }

// secureEntryPoint tells whether RFC 5011 looks at the key at all: a zone key with
// the SEP flag.
func secureEntryPoint(rr *dns.DNSKEY) bool {
	return rr.Flags&dns.ZONE != 0 && rr.Flags&dns.SEP != 0 && rr.Protocol == 3
}
