package dnssec

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// Digest identifies a signature, the data and the key that it was checked with.
type Digest [sha256.Size]byte

// key is one DNSKEY of a zone. What is costly is computed when first needed; keys
// are shared between goroutines.
type key struct {
	zone   string
	rdata  []byte // flags, protocol, algorithm, public key
	tag    uint16
	digest Digest // of zone and rdata
	public func() (publicKey, error)
	signs  atomic.Bool // it has verified something

	revoking bool // it is asked only whether it revokes itself
}

const keyHeader = 4 // octets before the public key

// newKeys reads the records of a DNSKEY RRset.
func newKeys(set RRset) ([]*key, *Failure) {
	if len(set.RRs) > MaxDNSKEY {
		return nil, fail(DNSKEYLimitExceeded, fmt.Sprintf("%d DNSKEYs in %s", len(set.RRs), set.Name))
	}
	rdatas, _, ok := canonicalRDATA(set.RRs, nil, nil)
	if !ok {
		return nil, fail(ResponseMalformed, set.String()+" has RDATA that can't be packed")
	}
	keys := make([]*key, 0, len(set.RRs))
	for _, rdata := range rdatas {
		if len(rdata) < keyHeader {
			return nil, fail(ResponseMalformed, set.String()+" has RDATA that is too short")
		}
		keys = append(keys, newKey(set.Name, rdata))
	}
	return keys, nil
}

func newKey(zone string, rdata []byte) *key {
	k := &key{zone: zone, rdata: rdata, tag: keyTag(rdata)}
	k.digest = sha256.Sum256(append(dnsname.AppendWire(nil, zone), rdata...))
	k.public = sync.OnceValues(func() (publicKey, error) { return parsePublicKey(k.algorithm(), k.rdata[keyHeader:]) })
	return k
}

// keyTag is RFC 4034, appendix B. Algorithm 1 has another one, and is not relied on.
func keyTag(rdata []byte) uint16 {
	var sum uint32
	for i, b := range rdata {
		if i%2 == 0 {
			sum += uint32(b) << 8
		} else {
			sum += uint32(b)
		}
	}
	return uint16(sum + sum>>16)
}

func (k *key) flags() uint16    { return binary.BigEndian.Uint16(k.rdata) }
func (k *key) protocol() uint8  { return k.rdata[2] }
func (k *key) algorithm() uint8 { return k.rdata[3] }

func (k *key) String() string {
	return fmt.Sprintf("DNSKEY %s (tag %d, %s)", k.zone, k.tag, AlgorithmName(k.algorithm()))
}

// usable makes the checks of RFC 4034, section 2.1, and RFC 5011, section 2.1. The
// SEP flag says nothing here.
func (k *key) usable() *Failure {
	switch {
	case k.protocol() != 3:
		return fail(DNSKEYProtocolInvalid, k.String())
	case k.flags()&dns.ZONE == 0:
		return fail(DNSKEYZoneFlagMissing, k.String())
	case k.flags()&dns.REVOKE != 0 && !k.revoking:
		return fail(DNSKEYRevoked, k.String())
	}
	if _, err := k.public(); err != nil {
		return fail(DNSKEYMalformed, k.String())
	}
	return nil
}

// verify assumes that the key is usable.
func (k *key) verify(data, signature []byte) bool {
	public, err := k.public()
	if err != nil {
		return false
	}
	switch hash := algorithms[k.algorithm()].hash; hash {
	case 0:
		return public.verify(data, signature)
	case crypto.SHA256: // most are, and this allocates least
		sum := sha256.Sum256(data)
		return public.verify(sum[:], signature)
	default:
		h := hash.New()
		h.Write(data)
		return public.verify(h.Sum(nil), signature)
	}
}

// matches tells whether the DS is the digest of the key (RFC 4034, section 5.1.4).
func (k *key) matches(ds *dns.DS) bool {
	strength := digestStrength(ds.DigestType)
	if strength == 0 {
		return false
	}
	h := digests[strength-1].hash.New()
	h.Write(dnsname.AppendWire(nil, k.zone))
	h.Write(k.rdata)
	return strings.EqualFold(hex.EncodeToString(h.Sum(nil)), ds.Digest)
}
