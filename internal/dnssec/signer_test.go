package dnssec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

// now is the time of tests that need no other.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func serial(t time.Time) uint32 { return uint32(t.Unix()) }

// signer is a DNSKEY with its private key. It signs with miekg/dns, so that the
// signed data do not come from the code under test.
type signer struct {
	key  *dns.DNSKEY
	sign func(data []byte) []byte
}

// newSigner returns a new key. The edits change the DNSKEY but not the key pair.
func newSigner(t testing.TB, zone string, algorithm uint8, edits ...func(*dns.DNSKEY)) *signer {
	t.Helper()
	s := &signer{key: &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: algorithm,
	}}
	var public []byte
	switch algorithm {
	case dns.ECDSAP256SHA256:
		public, s.sign = ecdsaPair(t, elliptic.P256(), crypto.SHA256)
	case dns.ECDSAP384SHA384:
		public, s.sign = ecdsaPair(t, elliptic.P384(), crypto.SHA384)
	case dns.ED448:
		pub, private, err := ed448.GenerateKey(rand.Reader)
		must(t, err)
		public, s.sign = pub, func(data []byte) []byte { return ed448.Sign(private, data, "") }
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		public, s.sign = rsaPair(t, 1024, big.NewInt(65537), rsaHash[algorithm])
	default:
		pub, private, err := ed25519.GenerateKey(rand.Reader)
		must(t, err)
		public, s.sign = pub, func(data []byte) []byte { return ed25519.Sign(private, data) }
	}
	s.key.PublicKey = base64.StdEncoding.EncodeToString(public)
	for _, edit := range edits {
		edit(s.key)
	}
	return s
}

var rsaHash = map[uint8]crypto.Hash{
	dns.RSASHA1: crypto.SHA1, dns.RSASHA1NSEC3SHA1: crypto.SHA1, dns.RSASHA256: crypto.SHA256, dns.RSASHA512: crypto.SHA512,
}

func ecdsaPair(t testing.TB, curve elliptic.Curve, hash crypto.Hash) ([]byte, func([]byte) []byte) {
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(t, err)
	public, err := private.PublicKey.Bytes()
	must(t, err)
	size := (curve.Params().BitSize + 7) / 8
	return public[1:], func(data []byte) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, private, digest(hash, data))
		must(t, err)
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
}

// rsaPair returns an RSA key with a modulus of the given length. Its many small
// primes make it fast to generate, and do not matter to the verifier.
func rsaPair(t testing.TB, bits int, e *big.Int, hash crypto.Hash) ([]byte, func([]byte) []byte) {
	t.Helper()
	public, power := rsaPower(t, bits, e)
	return public, func(data []byte) []byte { return power(pkcs1(t, hash, digest(hash, data), (bits+7)/8)) }
}

// rsaPower returns the public key, and the RSA private operation on a padded message.
func rsaPower(t testing.TB, bits int, e *big.Int) ([]byte, func([]byte) []byte) {
	t.Helper()
	one := big.NewInt(1)
	for {
		n, phi := big.NewInt(1), big.NewInt(1)
		for n.BitLen() < bits {
			size := min(128, bits-n.BitLen()+1)
			if rest := bits - n.BitLen(); rest > 128 && rest < 160 {
				size = 64
			}
			p, err := rand.Prime(rand.Reader, max(size, 16))
			must(t, err)
			less := new(big.Int).Sub(p, one)
			if new(big.Int).GCD(nil, nil, e, less).Cmp(one) != 0 {
				continue
			}
			n.Mul(n, p)
			phi.Mul(phi, less)
		}
		d := new(big.Int).ModInverse(e, phi)
		if n.BitLen() != bits || d == nil {
			continue
		}
		return rsaPublic(e, n), func(message []byte) []byte {
			m := new(big.Int).SetBytes(message)
			return m.Exp(m, d, n).FillBytes(make([]byte, (bits+7)/8))
		}
	}
}

// rsaPublic encodes a public key (RFC 3110, section 2).
func rsaPublic(e, n *big.Int) []byte {
	exponent := e.Bytes()
	public := []byte{byte(len(exponent))}
	if len(exponent) > 255 {
		public = []byte{0, byte(len(exponent) >> 8), byte(len(exponent))}
	}
	return append(append(public, exponent...), n.Bytes()...)
}

var hashOID = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA1:   {1, 3, 14, 3, 2, 26},
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
	crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
}

// pkcs1 implements EMSA-PKCS1-v1_5 (RFC 8017, section 9.2) with encoding/asn1.
func pkcs1(t testing.TB, hash crypto.Hash, sum []byte, size int) []byte {
	t.Helper()
	type algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	info, err := asn1.Marshal(struct {
		Algorithm algorithm
		Digest    []byte
	}{algorithm{hashOID[hash], asn1.NullRawValue}, sum})
	must(t, err)
	padding := size - len(info) - 3
	if padding < 0 {
		return make([]byte, size) // the modulus is too small for the hash
	}
	em := []byte{0, 1}
	for range padding {
		em = append(em, 0xff)
	}
	return append(append(em, 0), info...)
}

func digest(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// rrsigSigner makes the signature of one RRSIG. For Ed25519, miekg/dns passes the
// signed data without hashing them, so Sign can replace the RRSIG fields at their
// start.
type rrsigSigner struct {
	*signer
	sig *dns.RRSIG
}

func (a rrsigSigner) Public() crypto.PublicKey { return nil }

func (a rrsigSigner) Sign(_ io.Reader, data []byte, _ crypto.SignerOpts) ([]byte, error) {
	data = append([]byte(nil), data...)
	binary.BigEndian.PutUint16(data, a.sig.TypeCovered)
	data[2], data[3] = a.sig.Algorithm, a.sig.Labels
	binary.BigEndian.PutUint32(data[4:], a.sig.OrigTtl)
	binary.BigEndian.PutUint32(data[8:], a.sig.Expiration)
	binary.BigEndian.PutUint32(data[12:], a.sig.Inception)
	binary.BigEndian.PutUint16(data[16:], a.sig.KeyTag)
	data = bytes.ReplaceAll(data, []byte(rootWildcardWire), []byte("\x01*\x00"))
	return a.signer.sign(data), nil
}

// rrsig signs the RRset. The edits are made before signing, so that the signature is
// valid for the edited fields.
func (s *signer) rrsig(t testing.TB, rrs []dns.RR, edits ...func(*dns.RRSIG)) *dns.RRSIG {
	t.Helper()
	h := rrs[0].Header()
	sig := &dns.RRSIG{
		Hdr:         dns.RR_Header{Name: h.Name, Rrtype: dns.TypeRRSIG, Class: h.Class, Ttl: h.Ttl},
		TypeCovered: h.Rrtype, Algorithm: s.key.Algorithm, Labels: labelsField(h.Name), OrigTtl: h.Ttl,
		Inception: serial(now.AddDate(0, 0, -1)), Expiration: serial(now.AddDate(0, 0, 14)),
		KeyTag: s.key.KeyTag(), SignerName: s.key.Hdr.Name,
	}
	for _, edit := range edits {
		edit(sig)
	}
	owner := h.Name
	if sig.Labels < labelsField(owner) {
		owner = "*." + lastLabels(owner, int(sig.Labels))
	}
	if owner == "*." {
		owner = rootWildcard
	}
	signed := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		signed[i] = dns.Copy(rr)
		signed[i].Header().Name = owner
	}
	template := *sig
	template.Algorithm, template.KeyTag = dns.ED25519, 1
	must(t, template.Sign(rrsigSigner{s, sig}, signed))
	sig.Signature = template.Signature
	return sig
}

// rootWildcard replaces the name *., which miekg/dns handles incorrectly.
const rootWildcard, rootWildcardWire = "@.", "\x01@\x00"

// labelsField returns the Labels field (RFC 4034, section 3.1.3).
func labelsField(name string) uint8 {
	n := dns.CountLabel(name)
	if name[0] == '*' {
		n--
	}
	return uint8(n)
}

func lastLabels(name string, n int) string {
	labels := dns.SplitDomainName(name)
	name = ""
	for _, label := range labels[len(labels)-n:] {
		name += label + "."
	}
	return name
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
