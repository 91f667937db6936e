package dnssec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1" // algorithms 5 and 7
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"math/big"
	"math/bits"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

// publicKey verifies signatures of one key. hash is the digest of the signed data, or
// the data themselves for Ed25519 and Ed448.
type publicKey interface {
	verify(hash, signature []byte) bool
	cost() int // of verify, about: 1 is one check of P-256
}

var errPublicKey = errors.New("dnssec: public key of the wrong form")

// parsePublicKey reads the Public Key field of a DNSKEY (RFC 3110, 5702, 6605, 8080).
// It fails for an algorithm that is not implemented.
func parsePublicKey(algorithm uint8, key []byte) (publicKey, error) {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		return parseRSA(algorithms[algorithm].hash, key)
	case dns.ECDSAP256SHA256:
		return parseECDSA(elliptic.P256(), key)
	case dns.ECDSAP384SHA384:
		return parseECDSA(elliptic.P384(), key)
	case dns.ED25519:
		if len(key) == ed25519.PublicKeySize {
			return ed25519Key(key), nil
		}
	case dns.ED448:
		if len(key) == ed448.PublicKeySize {
			return ed448Key(key), nil
		}
	}
	return nil, errPublicKey
}

type ed25519Key []byte

func (ed25519Key) cost() int { return 1 }

func (k ed25519Key) verify(data, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(ed25519.PublicKey(k), data, signature)
}

type ed448Key []byte

func (ed448Key) cost() int { return 4 }

func (k ed448Key) verify(data, signature []byte) bool {
	return len(signature) == ed448.SignatureSize && ed448.Verify(ed448.PublicKey(k), data, signature, "")
}

type ecdsaKey struct {
	*ecdsa.PublicKey
	size int // octets of r, and of s
}

func (k ecdsaKey) cost() int {
	if k.Curve == elliptic.P256() { // in assembly
		return 1
	}
	return 8
}

func parseECDSA(curve elliptic.Curve, key []byte) (publicKey, error) {
	point := append([]byte{4}, key...) // uncompressed point (SEC 1, section 2.3.3)
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, errPublicKey
	}
	return ecdsaKey{PublicKey: pub, size: len(key) / 2}, nil
}

func (k ecdsaKey) verify(hash, signature []byte) bool {
	if len(signature) != 2*k.size {
		return false
	}
	var buf [2 + 2*(3+66)]byte
	return ecdsa.VerifyASN1(k.PublicKey, hash, appendECDSASignature(buf[:0], signature[:k.size], signature[k.size:]))
}

// appendECDSASignature appends a signature in DER (RFC 3279, section 2.2.3). It
// assumes that the encoding of r and s has less than 128 octets, which holds for
// P-256 and P-384.
func appendECDSASignature(dst, r, s []byte) []byte {
	start := len(dst)
	dst = append(dst, 0x30, 0)
	dst = appendInteger(appendInteger(dst, r), s)
	dst[start+1] = byte(len(dst) - start - 2)
	return dst
}

// appendInteger appends an unsigned big-endian number as a DER INTEGER.
func appendInteger(dst, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	if n[0] >= 0x80 { // a leading zero keeps it positive
		return append(append(dst, 2, byte(len(n)+1), 0), n...)
	}
	return append(append(dst, 2, byte(len(n))), n...)
}

// Bounds on RSA keys. RFC 5702 allows no smaller modulus. Larger moduli and exponents
// are refused because they make verification expensive.
const (
	minModulusBits  = 512  // RFC 5702, section 2.1
	minSHA512Bits   = 1024 // RFC 5702, section 2.2
	maxModulusBits  = 4096
	maxExponentBits = 64
)

// parseRSA reads the exponent and the modulus of an RSA key (RFC 3110, section 2),
// and checks their bounds.
func parseRSA(hash crypto.Hash, key []byte) (publicKey, error) {
	if len(key) < 3 {
		return nil, errPublicKey
	}
	length, key := int(key[0]), key[1:]
	if length == 0 {
		length, key = int(key[0])<<8|int(key[1]), key[2:]
	}
	if length == 0 || length >= len(key) {
		return nil, errPublicKey
	}
	e, n := new(big.Int).SetBytes(key[:length]), new(big.Int).SetBytes(key[length:])
	switch {
	case n.BitLen() < minModulusBits, n.BitLen() > maxModulusBits, n.Bit(0) == 0:
		return nil, errPublicKey
	case hash == crypto.SHA512 && n.BitLen() < minSHA512Bits:
		return nil, errPublicKey
	case e.BitLen() < 2, e.BitLen() > maxExponentBits, e.Bit(0) == 0, e.Cmp(n) >= 0:
		return nil, errPublicKey
	case n.BitLen() >= 1024 && e.BitLen() < 32:
		return rsaKey{pub: &rsa.PublicKey{N: n, E: int(e.Int64())}, hash: hash}, nil
	default:
		return oddRSAKey{n: n, e: e, hash: hash}, nil
	}
}

// costOfRSA returns the cost of a modulus and an exponent of so many bits: a multiplication
// of numbers of the size of the modulus for each bit of the exponent.
func costOfRSA(modulus, exponent int) int {
	k := (modulus + 1023) / 1024
	return 1 + exponent*k*k/128
}

type rsaKey struct {
	pub  *rsa.PublicKey
	hash crypto.Hash
}

func (k rsaKey) cost() int { return costOfRSA(k.pub.N.BitLen(), bits.Len(uint(k.pub.E))) }

func (k rsaKey) verify(hash, signature []byte) bool {
	return rsa.VerifyPKCS1v15(k.pub, k.hash, hash, signature) == nil
}

// oddRSAKey is an RSA key that zones use but crypto/rsa rejects: one with an exponent
// of more than 31 bits or a modulus of less than 1024 bits. Verification has no
// secrets, so it need not run in constant time.
type oddRSAKey struct {
	n, e *big.Int
	hash crypto.Hash
}

func (k oddRSAKey) cost() int { return costOfRSA(k.n.BitLen(), k.e.BitLen()) }

// digestInfo has the DER prefixes of DigestInfo (RFC 8017, section 9.2, note 1).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

func (k oddRSAKey) verify(hash, signature []byte) bool {
	size := (k.n.BitLen() + 7) / 8
	s := new(big.Int).SetBytes(signature)
	if len(signature) != size || s.Cmp(k.n) >= 0 {
		return false
	}
	encoded := s.Exp(s, k.e, k.n).FillBytes(make([]byte, size))
	return bytes.Equal(encoded, encodePKCS1v15(digestInfo[k.hash], hash, size))
}

// encodePKCS1v15 implements EMSA-PKCS1-v1_5 (RFC 8017, section 9.2). It returns nil
// if size is too small.
func encodePKCS1v15(prefix, hash []byte, size int) []byte {
	padding := size - len(prefix) - len(hash) - 3
	if padding < 8 {
		return nil
	}
	em := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	em = append(em, 0)
	em = append(em, prefix...)
	return append(em, hash...)
}
