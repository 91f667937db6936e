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

// Digest identifies the key, the signature and the signed data of a signature check.
type Digest [sha256.Size]byte

// key is one DNSKEY of a zone. It is safe for concurrent use. The public key is
// parsed when it is first used.
type key struct {
	zone     string
	rdata    []byte // canonical: flags, protocol, algorithm, public key
	tag      uint16
	digest   Digest    // SHA-256 of zone and rdata
	parsed   publicKey // by public
	invalid  error
	parse    sync.Once
	verified atomic.Bool // a signature by this key was verified

	allowRevoked bool // usable accepts the REVOKE flag, for Verifier.Revokes
}

const dnskeyHeaderLength = 4 // octets of RDATA before the public key

// newKeys parses the records of a DNSKEY RRset. It fails if there are more than
// MaxDNSKEY. It does not check whether the keys are usable.
func newKeys(set RRset) ([]*key, *Failure) {
	if len(set.RRs) > MaxDNSKEY {
		return nil, fail(DNSKEYLimitExceeded, fmt.Sprintf("%d DNSKEYs in %s", len(set.RRs), set.Name))
	}
	rdatas, ok := new(packer).canonicalRDATA(set.RRs, nil)
	if !ok {
		return nil, fail(ResponseMalformed, set.String()+" has RDATA that can't be packed")
	}
	keys := make([]*key, 0, len(set.RRs))
	for _, rdata := range rdatas {
		if len(rdata) < dnskeyHeaderLength {
			return nil, fail(ResponseMalformed, set.String()+" has RDATA that is too short")
		}
		keys = append(keys, newKey(set.Name, rdata))
	}
	return keys, nil
}

func newKey(zone string, rdata []byte) *key {
	k := &key{zone: zone, rdata: rdata, tag: keyTag(rdata)}
	k.digest = sha256.Sum256(append(dnsname.AppendWire(nil, zone), rdata...))
	return k
}

// public returns the parsed public key, or why it is of no use.
func (k *key) public() (publicKey, error) {
	k.parse.Do(func() { k.parsed, k.invalid = parsePublicKey(k.algorithm(), k.rdata[dnskeyHeaderLength:]) })
	return k.parsed, k.invalid
}

// keyTag computes the key tag (RFC 4034, appendix B). Algorithm 1 has a different
// computation and is not supported.
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

// usable checks the protocol, the ZONE and REVOKE flags, and the public key (RFC
// 4034, section 2.1; RFC 5011, section 2.1). The SEP flag is not used in validation
// (RFC 4034, section 2.1.1).
func (k *key) usable() *Failure {
	switch {
	case k.protocol() != 3:
		return fail(DNSKEYProtocolInvalid, k.String())
	case k.flags()&dns.ZONE == 0:
		return fail(DNSKEYZoneFlagMissing, k.String())
	case k.flags()&dns.REVOKE != 0 && !k.allowRevoked:
		return fail(DNSKEYRevoked, k.String())
	}
	if _, err := k.public(); err != nil {
		return fail(DNSKEYMalformed, k.String())
	}
	return nil
}

// verify reports whether the signature over the data is by this key. It assumes that
// the key is usable. Fields of the RRSIG are not checked.
func (k *key) verify(data, signature []byte) bool {
	public, err := k.public()
	if err != nil {
		return false
	}
	switch hash := algorithms[k.algorithm()].hash; hash {
	case 0:
		return public.verify(data, signature)
	case crypto.SHA256: // most signatures use SHA-256, and Sum256 does not allocate
		sum := sha256.Sum256(data)
		return public.verify(sum[:], signature)
	default:
		h := hash.New()
		h.Write(data)
		return public.verify(h.Sum(nil), signature)
	}
}

// cost returns what a signature check with this key costs, in units of MaxSignatureCost.
func (k *key) cost() int {
	public, err := k.public()
	if err != nil {
		return 1
	}
	return public.cost()
}

// matches reports whether the DS has the digest of this key (RFC 4034, section
// 5.1.4). The owner name, the key tag and the algorithm are not compared.
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
