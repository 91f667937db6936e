package testzone

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"sync"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

// Role is the use of a key in a zone.
type Role uint8

// The roles of a key. With [Spec.CSK] one key has both roles.
const (
	ZSK Role = iota // zone signing key: signs all RRsets except the DNSKEY RRset
	KSK             // key signing key: signs the DNSKEY RRset; the DS RRs refer to it
)

func (r Role) String() string {
	if r == KSK {
		return "KSK"
	}
	return "ZSK"
}

// Key is a DNSKEY with its private key.
type Key struct {
	DNSKEY *dns.DNSKEY
	signer crypto.Signer
	tag    uint16 // key tag of DNSKEY, stored because it is expensive to compute
}

// newKey makes a key for zone. For an algorithm that is not implemented it
// makes an Ed25519 key with that algorithm number. That is enough for zones
// whose algorithm no validator supports.
func newKey(zone string, role Role, spec *Spec) (*Key, error) {
	return newNthKey(zone, rsaKind{role: role, bits: spec.Bits}, spec)
}

// newNthKey is newKey for one of several keys with the same role.
func newNthKey(zone string, kind rsaKind, spec *Spec) (*Key, error) {
	flags := uint16(dns.ZONE)
	if kind.role == KSK {
		flags |= dns.SEP
	}
	k := &Key{DNSKEY: &dns.DNSKEY{
		Hdr:       dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: spec.TTL},
		Flags:     flags,
		Protocol:  3,
		Algorithm: spec.Algorithm,
	}}
	for range 3 { // miekg/dns can't sign with a key whose tag is 0
		if err := k.generate(kind); err != nil {
			return nil, fmt.Errorf("testzone: key for %s, algorithm %d: %w", zone, spec.Algorithm, err)
		}
		if k.tag = k.DNSKEY.KeyTag(); k.tag != 0 {
			break
		}
	}
	return k, nil
}

// generate makes the key pair.
func (k *Key) generate(kind rsaKind) error {
	switch alg := k.DNSKEY.Algorithm; alg {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		if kind.bits == 0 {
			kind.bits = 2048
		}
		return k.generateRSA(kind)
	case dns.ECDSAP256SHA256, dns.ED25519:
		return k.generateAs(alg, 256)
	case dns.ECDSAP384SHA384:
		return k.generateAs(alg, 384)
	case dns.ED448:
		pub, priv, err := ed448.GenerateKey(rand.Reader)
		k.DNSKEY.PublicKey = base64.StdEncoding.EncodeToString(pub)
		k.signer = relabel{ed448Signer{priv}, alg}
		return err
	default:
		if err := k.generateAs(dns.ED25519, 256); err != nil {
			return err
		}
		k.signer = relabel{k.signer, alg}
		return nil
	}
}

// generateAs makes a key pair of algorithm alg with miekg/dns.
func (k *Key) generateAs(alg uint8, bits int) error {
	template := dns.DNSKEY{Algorithm: alg}
	priv, err := template.Generate(bits)
	if err != nil {
		return err
	}
	signer, ok := priv.(crypto.Signer)
	if !ok {
		return fmt.Errorf("a %T can't sign", priv)
	}
	if ec, ok := signer.(*ecdsa.PrivateKey); ok {
		signer = deterministic{ec}
	}
	k.DNSKEY.PublicKey, k.signer = template.PublicKey, signer
	return nil
}

// rsaKeys caches RSA keys for the life of the process, one per rsaKind, because
// generating them is slow.
var rsaKeys struct {
	sync.Mutex
	m map[rsaKind]*Key
}

type rsaKind struct {
	role Role
	bits int
	nth  int // index among the zone's keys with this role
}

func (k *Key) generateRSA(kind rsaKind) error {
	rsaKeys.Lock()
	defer rsaKeys.Unlock()
	made := rsaKeys.m[kind]
	if made == nil {
		made = &Key{DNSKEY: new(dns.DNSKEY)}
		if err := made.generateAs(dns.RSASHA256, kind.bits); err != nil {
			return err
		}
		if rsaKeys.m == nil {
			rsaKeys.m = make(map[rsaKind]*Key)
		}
		rsaKeys.m[kind] = made
	}
	k.DNSKEY.PublicKey, k.signer = made.DNSKEY.PublicKey, made.signer
	return nil
}

// deterministic signs as in RFC 6979. The same data then always get the same
// signature, as with the other algorithms, and Break can detect that a breakage
// changed nothing.
type deterministic struct{ *ecdsa.PrivateKey }

func (s deterministic) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}

// relabel signs for an algorithm that miekg/dns does not know. The key poses as
// Ed25519, for which miekg/dns passes the signed data unhashed. Their third
// octet is the algorithm (RFC 4034, section 3.1), which relabel sets to the
// real one.
type relabel struct {
	crypto.Signer
	alg uint8
}

func (s relabel) Sign(r io.Reader, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	data = append([]byte(nil), data...)
	data[2] = s.alg
	return s.Signer.Sign(r, data, opts)
}

// ed448Signer signs with pure Ed448 and an empty context (RFC 8080, section 2).
type ed448Signer struct{ key ed448.PrivateKey }

func (s ed448Signer) Public() crypto.PublicKey { return s.key.Public() }

func (s ed448Signer) Sign(_ io.Reader, data []byte, _ crypto.SignerOpts) ([]byte, error) {
	return ed448.Sign(s.key, data, ""), nil
}
