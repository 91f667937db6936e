package validator

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// p384Points are points of the curve, one a line, whose DNSKEY records (flags 256,
// algorithm 14) all have trapTag. They were found by adding the base point to a point that
// was derived from a sentence; nobody has their private keys.
//
//go:embed testdata/keytrap-p384.txt
var p384Points string

// trapTag is the key tag of all colliding keys.
const trapTag = 28383

// trapKeys returns DNSKEY records of one tag. Those of P-384 are valid as far as there are
// points. The RSA keys cost most: 4096 bits, and an exponent of 64 bits.
func trapKeys(zone string, algorithm uint8, n int) (keys []dns.RR) {
	points := strings.Fields(p384Points)
	for i := range n {
		key := &dns.DNSKEY{Hdr: header(zone, dns.TypeDNSKEY), Flags: 256, Protocol: 3, Algorithm: algorithm}
		if algorithm == p384 && i < len(points) {
			key.PublicKey = points[i]
		} else {
			setTag(key, i)
		}
		keys = append(keys, key)
	}
	return keys
}

// setTag gives a key a public key of its own for which its tag is trapTag. The tag is a sum
// of 16-bit words, so that a few steps reach any tag.
func setTag(key *dns.DNSKEY, i int) {
	public := []byte{8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	modulus := make([]byte, 512)
	for j := range modulus {
		modulus[j] = byte(j*7 + i + 1)
	}
	modulus[0], modulus[1], modulus[511] = 0xff, byte(i>>8), 0xff
	for range 3 {
		key.PublicKey = base64.StdEncoding.EncodeToString(append(public, modulus...))
		const at = 101 // an odd offset of the public key: the high octets of the sum
		v := uint16(modulus[at])<<8 | uint16(modulus[at+1])
		v += trapTag - key.KeyTag()
		modulus[at], modulus[at+1] = byte(v>>8), byte(v)
	}
	key.PublicKey = base64.StdEncoding.EncodeToString(append(public, modulus...))
}

// addKeys puts keys before those of a zone, and signs the DNSKEY RRset.
func addKeys(t testing.TB, z *testzone.Zone, keys []dns.RR) {
	t.Helper()
	set, _ := z.RRset(z.Name, dns.TypeDNSKEY)
	var lines []string
	for _, rr := range append(keys, set.RRs...) {
		lines = append(lines, rr.String())
	}
	if err := z.Replace(lines...); err != nil {
		t.Fatal(err)
	}
	if err := z.Resign(z.Name, dns.TypeDNSKEY); err != nil {
		t.Fatal(err)
	}
}

// colliding adds n keys of one tag to a zone.
func colliding(n int, algorithm uint8) func(testing.TB, *testzone.World, string) {
	return func(t testing.TB, w *testzone.World, zone string) {
		t.Helper()
		addKeys(t, w.Zone(zone), trapKeys(zone, algorithm, n))
	}
}

// collidingDS adds 28 keys of one tag, and replaces the DS RRset by n DS records with that
// tag that match none of them.
func collidingDS(n int) func(testing.TB, *testzone.World, string) {
	return func(t testing.TB, w *testzone.World, zone string) {
		t.Helper()
		addKeys(t, w.Zone(zone), trapKeys(zone, p384, 28))
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf("%s DS %d %d 2 %064x", zone, trapTag, p384, i))
		}
		if err := w.Zone(".").Replace(lines...); err != nil {
			t.Fatal(err)
		}
		if err := w.Zone(".").Resign(zone, dns.TypeDS); err != nil {
			t.Fatal(err)
		}
	}
}

// trapped adds as many keys and DS records of one tag as the limits allow, none of which
// match each other, beside those of the zone.
func trapped(t testing.TB, w *testzone.World, zone string) {
	t.Helper()
	colliding(4, p384)(t, w, zone)
	set, _ := w.Zone(".").RRset(zone, dns.TypeDS)
	var lines []string
	for i := range 4 {
		lines = append(lines, fmt.Sprintf("%s DS %d %d 2 %064x", zone, trapTag, p384, i))
	}
	for _, rr := range set.RRs {
		lines = append(lines, rr.String())
	}
	if err := w.Zone(".").Replace(lines...); err != nil {
		t.Fatal(err)
	}
	if err := w.Zone(".").Resign(zone, dns.TypeDS); err != nil {
		t.Fatal(err)
	}
}

// forgedThroughout puts n forged signatures before that of the DNSKEY RRset, and replaces
// those of names by forged ones.
func forgedThroughout(n int) func(q, a *dns.Msg) *dns.Msg {
	return func(q, a *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeDNSKEY || q.Question[0].Name != "trap." {
			return forgedBy(p384, n)(q, a)
		}
		for i := range n {
			a.Answer = append([]dns.RR{badSignature("trap.", dns.TypeDNSKEY, "trap.", p384, trapTag, i)}, a.Answer...)
		}
		return a
	}
}

// trapTime is fixed, so that a forged signature is the same each time.
var trapTime = time.Now()

// badSignature returns a forged signature.
func badSignature(name string, covered uint16, signer string, algorithm uint8, tag uint16, i int) *dns.RRSIG {
	signature := make([]byte, map[uint8]int{rsa: 512, p384: 96}[algorithm])
	for j := range signature { // r and s have to be less than the order
		signature[j] = byte(j + 1)
	}
	signature[0], signature[1], signature[len(signature)-1] = 0x0f, byte(i>>8), byte(i)
	return &dns.RRSIG{Hdr: header(name, dns.TypeRRSIG), TypeCovered: covered, Algorithm: algorithm, Labels: uint8(dns.CountLabel(name)), OrigTtl: 60,
		Expiration: uint32(trapTime.Add(time.Hour).Unix()), Inception: uint32(trapTime.Add(-time.Hour).Unix()), KeyTag: tag, SignerName: signer,
		Signature: base64.StdEncoding.EncodeToString(signature)}
}

// forgedBy replaces each signature in responses for the names of a zone by n forged ones.
func forgedBy(algorithm uint8, n int) func(q, a *dns.Msg) *dns.Msg {
	return func(q, a *dns.Msg) *dns.Msg {
		zone := q.Question[0].Name[strings.IndexByte(q.Question[0].Name, '.')+1:]
		if !strings.HasPrefix(q.Question[0].Name, "n") {
			return a
		}
		var answer []dns.RR
		for _, rr := range a.Answer {
			sig, ok := rr.(*dns.RRSIG)
			if !ok {
				answer = append(answer, rr)
				continue
			}
			for i := range n {
				answer = append(answer, badSignature(sig.Hdr.Name, sig.TypeCovered, zone, algorithm, trapTag, i))
			}
		}
		a.Answer = answer
		return a
	}
}

// forgedAnew makes another forged signature for each response.
func forgedAnew(algorithm uint8) func(q, a *dns.Msg) *dns.Msg {
	return func(q, a *dns.Msg) *dns.Msg {
		a = forgedBy(algorithm, 1)(q, a)
		for _, rr := range a.Answer {
			if sig, ok := rr.(*dns.RRSIG); ok && sig.KeyTag == trapTag {
				raw, _ := base64.StdEncoding.DecodeString(sig.Signature)
				_, _ = rand.Read(raw[1:40]) // of r, which stays less than the order
				sig.Signature = base64.StdEncoding.EncodeToString(raw)
			}
		}
		return a
	}
}

// wronglySigned breaks each signature in responses for the names of a zone, and may put the
// good one behind it.
func wronglySigned(goodToo bool) func(q, a *dns.Msg) *dns.Msg {
	return func(q, a *dns.Msg) *dns.Msg {
		if !strings.HasPrefix(q.Question[0].Name, "n") {
			return a
		}
		var answer []dns.RR
		for _, rr := range a.Answer {
			if sig, ok := rr.(*dns.RRSIG); ok {
				wrong := dns.Copy(sig).(*dns.RRSIG)
				flip(wrong)
				answer = append(answer, wrong)
				if !goodToo {
					continue
				}
			}
			answer = append(answer, rr)
		}
		a.Answer = answer
		return a
	}
}

// overSignatures adds signatures over the signatures.
func overSignatures(q, a *dns.Msg) *dns.Msg {
	if q.Question[0].Qtype == dns.TypeRRSIG {
		for i := range 100 {
			a.Answer = append(a.Answer, badSignature(q.Question[0].Name, dns.TypeRRSIG, "many.", p384, trapTag, i))
		}
	}
	return a
}
