package dnssec

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"

	"github.com/miekg/dns"
)

// TestAlgorithms verifies a signature of each algorithm, and rejects changed and
// forged ones.
func TestAlgorithms(t *testing.T) {
	for algorithm := range algorithms {
		t.Run(AlgorithmName(algorithm), func(t *testing.T) {
			s, other := newSigner(t, "example.", algorithm), newSigner(t, "example.", algorithm)
			v := verifierAt(now)
			v.Policy.AllowSHA1 = true
			keys := keysOf(t, v, s)
			set := s.set(t, []string{"www.example. 300 A 192.0.2.1"})
			if _, f := v.Authenticate(set, keys); f != nil {
				t.Error(f)
			}
			for what, change := range signatureChanges {
				bad := set
				if sig := change(dns.Copy(set.Sigs[0]).(*dns.RRSIG)); sig != nil && sig.Hdr == set.Sigs[0].Hdr && sig.TypeCovered == dns.TypeA {
					bad.Sigs = []*dns.RRSIG{sig}
					if _, f := v.Authenticate(bad, keys); f == nil {
						t.Errorf("authentic with another %s", what)
					}
				}
				v.Budget = NewBudget(nil)
			}
			forged := other.set(t, []string{"www.example. 300 A 192.0.2.1"}, func(sig *dns.RRSIG) { sig.KeyTag = s.key.KeyTag() })
			_, f := v.Authenticate(forged, keys)
			wantReason(t, f, SignatureInvalid)
		})
	}
}

func TestReliesOn(t *testing.T) {
	always := map[uint8]bool{8: true, 10: true, 13: true, 14: true, 15: true, 16: true}
	for n := range 256 {
		algorithm := uint8(n)
		if got := (Policy{}).ReliesOn(algorithm); got != always[algorithm] {
			t.Errorf("relies on algorithm %d: %v", n, got)
		}
		if got, want := (Policy{AllowSHA1: true}).ReliesOn(algorithm), always[algorithm] || n == 5 || n == 7; got != want {
			t.Errorf("relies on algorithm %d with allow-sha1: %v", n, got)
		}
	}
	if AlgorithmName(13) != "ECDSAP256SHA256" || AlgorithmName(12) != "12" {
		t.Errorf("names %s, %s", AlgorithmName(13), AlgorithmName(12))
	}
}

// TestRSAKeys checks the bounds on exponents and moduli, and that accepted keys
// verify.
func TestRSAKeys(t *testing.T) {
	e := func(text string) *big.Int { n, _ := new(big.Int).SetString(text, 0); return n }
	tests := []struct {
		name     string
		bits     int
		exponent *big.Int
		hash     crypto.Hash
		refused  bool
	}{
		{name: "3", bits: 1024, exponent: e("3")},
		{name: "65537", bits: 1024, exponent: e("65537")},
		{name: "31 bits", bits: 1024, exponent: e("0x7fffffff")},
		{name: "2^31+11", bits: 1024, exponent: e("0x8000000b")},
		{name: "2^32+1, used by mailbox.org", bits: 1024, exponent: e("0x100000001")},
		{name: "64 bits", bits: 1024, exponent: e("0xffffffffffffffc5")},
		{name: "65 bits", bits: 1024, exponent: e("0x1000000000000000d"), refused: true},
		{name: "as long as the modulus", bits: 1024, exponent: e("0x" + fmt.Sprintf("%0254d", 7)[:200] + "1"), refused: true},
		{name: "512 bits", bits: 512, exponent: e("65537")},
		{name: "513 bits", bits: 513, exponent: e("65537")},
		{name: "768 bits", bits: 768, exponent: e("65537")},
		{name: "1023 bits", bits: 1023, exponent: e("65537")},
		{name: "1031 bits", bits: 1031, exponent: e("65537")},
		{name: "2048 bits", bits: 2048, exponent: e("65537")},
		{name: "4096 bits", bits: 4096, exponent: e("65537")},
		{name: "4096 bits, 2^32+1", bits: 4096, exponent: e("0x100000001")},
		{name: "4097 bits", bits: 4097, exponent: e("65537"), refused: true},
		{name: "511 bits", bits: 511, exponent: e("65537"), refused: true},
		{name: "SHA-512 with 1024 bits", bits: 1024, exponent: e("65537"), hash: crypto.SHA512},
		{name: "SHA-512 with 1023 bits", bits: 1023, exponent: e("65537"), hash: crypto.SHA512, refused: true},
		{name: "SHA-1 with 512 bits", bits: 512, exponent: e("3"), hash: crypto.SHA1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.hash == 0 {
				tt.hash = crypto.SHA256
			}
			public, sign := rsaPair(t, tt.bits, tt.exponent, tt.hash)
			key, err := parseRSA(tt.hash, public)
			if (err != nil) != tt.refused {
				t.Fatalf("refused: %v", err)
			}
			if !tt.refused {
				checkVerify(t, key, tt.hash, sign)
			}
		})
	}
}

// checkVerify checks that the key verifies its signature and no variant of it.
func checkVerify(t *testing.T, key publicKey, hash crypto.Hash, sign func([]byte) []byte) {
	t.Helper()
	data := []byte("data")
	signature := sign(data)
	if !key.verify(digest(hash, data), signature) {
		t.Error("a good signature does not verify")
	}
	if key.verify(digest(hash, []byte("other")), signature) {
		t.Error("a signature of other data verifies")
	}
	size := len(signature)
	more := new(big.Int).SetBytes(signature)
	if more.Add(more, modulusOf(key)).BitLen() <= 8*size && key.verify(digest(hash, data), more.FillBytes(make([]byte, size))) {
		t.Error("a signature above the modulus verifies")
	}
	for _, bad := range [][]byte{nil, {1}, make([]byte, size), append([]byte{0}, signature...), signature[1:], append(signature[:size:size], 0)} {
		if key.verify(digest(hash, data), bad) {
			t.Errorf("%d octets %.8x… verify", len(bad), bad)
		}
	}
}

func modulusOf(key publicKey) *big.Int {
	if odd, ok := key.(oddRSAKey); ok {
		return odd.n
	}
	return key.(rsaKey).pub.N
}

// TestRSAMalformed checks public keys that violate RFC 3110, section 2.
func TestRSAMalformed(t *testing.T) {
	odd := new(big.Int).Lsh(big.NewInt(1), 1023)
	odd.SetBit(odd, 0, 1)
	even := new(big.Int).Lsh(big.NewInt(1), 1023)
	for name, public := range map[string][]byte{
		"nothing":                     {},
		"two octets":                  {1, 3},
		"no modulus":                  {1, 3, 0},
		"exponent 1":                  rsaPublic(big.NewInt(1), odd),
		"exponent 2":                  rsaPublic(big.NewInt(2), odd),
		"even exponent":               rsaPublic(big.NewInt(65536), odd),
		"even modulus":                rsaPublic(big.NewInt(3), even),
		"exponent longer than all":    append([]byte{200, 1, 0, 1}, odd.Bytes()[:64]...),
		"long form longer than all":   append([]byte{0, 0xff, 0xff, 3}, odd.Bytes()...),
		"long form of length 0":       append([]byte{0, 0, 0}, odd.Bytes()...),
		"exponent above the modulus":  append([]byte{0, 1, 0}, append(make([]byte, 256), odd.Bytes()...)...),
		"modulus of leading zeros":    append([]byte{1, 3}, make([]byte, 128)...),
		"exponent that is all zeros":  append([]byte{2, 0, 0}, odd.Bytes()...),
		"long form and nothing after": {0, 1, 0},
	} {
		if _, err := parseRSA(crypto.SHA256, public); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := parseRSA(crypto.SHA256, append([]byte{0, 0, 1, 3}, odd.Bytes()...)); err != nil {
		t.Error("an exponent of one octet in the long form is refused")
	}
}

// TestRSAPadding checks encoded messages that a lenient parser accepts as PKCS #1
// v1.5, such as Bleichenbacher's forgery for exponent 3.
func TestRSAPadding(t *testing.T) {
	for _, bits := range []int{512, 1024} { // 512 bits use math/big, 1024 bits use crypto/rsa
		public, sign := rsaPower(t, bits, big.NewInt(3))
		key, err := parseRSA(crypto.SHA256, public)
		must(t, err)
		sum := digest(crypto.SHA256, []byte("data"))
		good := pkcs1(t, crypto.SHA256, sum, bits/8)
		if !key.verify(sum, sign(good)) {
			t.Fatal("a good signature does not verify")
		}
		info := good[len(good)-51:]
		junk := func(padding int) []byte { // the digest is not at the end
			em := append([]byte{0, 1}, good[2:2+padding]...)
			em = append(append(em, 0), info...)
			return append(em, make([]byte, len(good)-len(em))...)
		}
		withoutNull := append(append([]byte{}, good...), 0)[1:]
		for name, em := range map[string][]byte{
			"block type 2":        append([]byte{0, 2}, good[2:]...),
			"first octet":         append([]byte{1}, good[1:]...),
			"junk at the end":     junk(8),
			"short padding":       junk(1),
			"padding not ff":      append([]byte{0, 1, 0xfe}, good[3:]...),
			"shifted":             withoutNull,
			"digest only":         append(make([]byte, len(good)-32), sum...),
			"all zero but digest": append(append([]byte{0, 1}, make([]byte, len(good)-34)...), sum...),
		} {
			if key.verify(sum, sign(em)) {
				t.Errorf("%d bits: %s verifies", bits, name)
			}
		}
	}
}

// TestPublicKeys checks malformed keys of the other algorithms.
func TestPublicKeys(t *testing.T) {
	good := make(map[uint8][]byte)
	for _, algorithm := range []uint8{dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448} {
		raw, err := base64.StdEncoding.DecodeString(newSigner(t, "example.", algorithm).key.PublicKey)
		must(t, err)
		good[algorithm] = raw
	}
	for algorithm, raw := range good {
		name := AlgorithmName(algorithm)
		if _, err := parsePublicKey(algorithm, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, bad := range [][]byte{nil, raw[1:], append([]byte{4}, raw...), append(raw[:len(raw):len(raw)], 0)} {
			if _, err := parsePublicKey(algorithm, bad); err == nil {
				t.Errorf("%s: a key of %d octets is accepted", name, len(bad))
			}
		}
	}
	for _, algorithm := range []uint8{dns.ECDSAP256SHA256, dns.ECDSAP384SHA384} {
		offCurve := append([]byte(nil), good[algorithm]...)
		offCurve[len(offCurve)-1] ^= 1
		for what, bad := range map[string][]byte{"a point that is not on the curve": offCurve, "the point at infinity": make([]byte, len(offCurve))} {
			if _, err := parsePublicKey(algorithm, bad); err == nil {
				t.Errorf("%s: %s is accepted", AlgorithmName(algorithm), what)
			}
		}
	}
	for _, algorithm := range []uint8{0, 1, 3, 12, 17, 253, 255} {
		if _, err := parsePublicKey(algorithm, good[dns.ED25519]); err == nil {
			t.Errorf("a key of algorithm %d is accepted", algorithm)
		}
	}
}
