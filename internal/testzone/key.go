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

// Role says what a key of a zone is used for.
type Role uint8

// The roles of a key. With [Spec.CSK] one key has both.
const (
	ZSK Role = iota // zone signing key: signs all RRsets but the DNSKEY RRset
	KSK             // key signing key: signs the DNSKEY RRset, and the DS names it
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
	tag    uint16 // of DNSKEY: a field, since computing it for each signature is slow
}

// newKey makes a key for zone. An algorithm that is not implemented gives a
// key which looks like an Ed25519 key of that algorithm: good enough for
// zones whose algorithm nobody relies on.
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
	for range 3 { // miekg/dns signs with no key whose tag happens to be 0
		if err := k.generate(kind); err != nil {
			return nil, fmt.Errorf("testzone: key for %s, algorithm %d: %w", zone, spec.Algorithm, err)
		}
		if k.tag = k.DNSKEY.KeyTag(); k.tag != 0 {
			break
		}
	}
	return k, nil
}

// generate makes the private key and sets the public one.
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

// generateAs has miekg/dns make a key of algorithm alg.
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

// rsaKeys keeps the RSA keys of this process, one per kind: generating them
// takes too long for tests.
var rsaKeys struct {
	sync.Mutex
	m map[rsaKind]*Key
}

type rsaKind struct {
	role Role
	bits int
	nth  int // of the keys with this role that a zone has
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

// deterministic signs as RFC 6979 has it. As with the other algorithms, the
// same data then have the same signature, so that Break sees when nothing
// has changed.
type deterministic struct{ *ecdsa.PrivateKey }

func (s deterministic) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}

// relabel signs for an algorithm that miekg/dns does not know. For Ed25519
// it hands the signed data to the signer as they are, and their third octet
// is the algorithm (RFC 4034, section 3.1), so that it can be put right here.
type relabel struct {
	crypto.Signer
	alg uint8
}

func (s relabel) Sign(r io.Reader, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	data = append([]byte(nil), data...)
	data[2] = s.alg
	return s.Signer.Sign(r, data, opts)
}

// ed448Signer is pure Ed448 with an empty context (RFC 8080, section 2).
type ed448Signer struct{ key ed448.PrivateKey }

func (s ed448Signer) Public() crypto.PublicKey { return s.key.Public() }

func (s ed448Signer) Sign(_ io.Reader, data []byte, _ crypto.SignerOpts) ([]byte, error) {
	return ed448.Sign(s.key, data, ""), nil
}
