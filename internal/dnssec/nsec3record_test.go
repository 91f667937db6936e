package dnssec

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// n3 is an NSEC3 record that says one thing: it matches a name, or it covers one and
// next to nothing else. The hash is that of miekg/dns.
type n3 struct {
	match, cover string
	next         string // a name, or "self"; otherwise the hash is one more than that of match or cover
	types        string
	zone         string // default example.
	optOut       bool
	flags        uint8
	hash         uint8 // default SHA-1
	iterations   uint16
	salt         string
	declare      func(*dns.NSEC3) // what the record says of itself, other than how it was hashed
}

func (n n3) rr(t testing.TB) dns.RR {
	t.Helper()
	if n.zone == "" {
		n.zone = "example."
	}
	if n.hash == 0 {
		n.hash = dns.SHA1
	}
	if n.optOut {
		n.flags |= 1
	}
	owner, next := n.hashOf(n.match, 0), n.hashOf(n.match, 1)
	if n.cover != "" {
		owner, next = n.hashOf(n.cover, -1), n.hashOf(n.cover, 1)
	}
	switch n.next {
	case "":
	case "self":
		next = owner
	default:
		next = n.hashOf(n.next, 0)
	}
	salt := n.salt
	if salt == "" {
		salt = "-"
	}
	zone := "." + n.zone
	if n.zone == "." {
		zone = "."
	}
	line := fmt.Sprintf("%s%s 300 NSEC3 %d %d %d %s %s %s", owner, zone, n.hash, n.flags, n.iterations, salt, next, n.types)
	rr, err := parseRecord(line)
	must(t, err)
	rr.(*dns.NSEC3).SaltLength = uint8(len(n.salt) / 2) // miekg/dns reads long ones wrongly
	if n.declare != nil {
		n.declare(rr.(*dns.NSEC3))
	}
	return rewire(t, rr)
}

// hashOf is the hash of a name plus a number, round the end.
func (n n3) hashOf(name string, plus int64) string {
	raw, err := base32hex.DecodeString(dns.HashName(name, dns.SHA1, n.iterations, n.salt))
	if err != nil {
		panic(err)
	}
	h := new(big.Int).SetBytes(raw)
	h.Add(h, big.NewInt(plus)).Mod(h, new(big.Int).Lsh(big.NewInt(1), 8*sha1.Size))
	return strings.ToLower(base32hex.EncodeToString(h.FillBytes(make([]byte, sha1.Size))))
}

// section3 is the records, signed.
func (z *testZone) section3(t testing.TB, set ...n3) []dns.RR {
	t.Helper()
	var rrs []dns.RR
	for _, n := range set {
		if n.zone == "" {
			n.zone = z.name
		}
		rrs = append(rrs, n.rr(t))
	}
	return z.signed(t, rrs)
}

// denial3 is what the records deny; all of them are authentic.
func (z *testZone) denial3(t testing.TB, budget *Budget, set ...n3) *Denial {
	t.Helper()
	v := verifierAt(now)
	v.Budget = budget
	return v.Denial(z.name, z.authenticated(t, z.section3(t, set...)))
}

// withTag changes a public key so that the DNSKEY has the tag: "" if it can't be done
// in the last two octets.
func withTag(rdata []byte, want uint16) string {
	public := append([]byte(nil), rdata...)
	for n := range 1 << 16 {
		binary.BigEndian.PutUint16(public[len(public)-2:], uint16(n))
		if keyTag(public) == want {
			return base64.StdEncoding.EncodeToString(public[dnskeyHeaderLength:])
		}
	}
	return ""
}
