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

// n3 describes an NSEC3 record that matches one name, or covers one name and hardly
// another hash. miekg/dns computes the hash.
type n3 struct {
	match, cover string
	next         string // a name, or "self"; by default the successor of the hash of match or cover
	types        string
	zone         string // default example.
	optOut       bool
	flags        uint8
	hash         uint8 // default SHA-1
	iterations   uint16
	salt         string
	declare      func(*dns.NSEC3) // changes parameters after hashing
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
	rr.(*dns.NSEC3).SaltLength = uint8(len(n.salt) / 2) // miekg/dns parses a long salt incorrectly
	if n.declare != nil {
		n.declare(rr.(*dns.NSEC3))
	}
	return roundTrip(t, rr)
}

// hashOf returns the hash of a name plus a number, modulo 2^160.
func (n n3) hashOf(name string, plus int64) string {
	raw, err := base32hex.DecodeString(dns.HashName(name, dns.SHA1, n.iterations, n.salt))
	if err != nil {
		panic(err)
	}
	h := new(big.Int).SetBytes(raw)
	h.Add(h, big.NewInt(plus)).Mod(h, new(big.Int).Lsh(big.NewInt(1), 8*sha1.Size))
	return strings.ToLower(base32hex.EncodeToString(h.FillBytes(make([]byte, sha1.Size))))
}

// nsec3Section returns the signed records.
func (z *testZone) nsec3Section(t testing.TB, set ...n3) []dns.RR {
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

// nsec3Denial returns the Denial of the signed records.
func (z *testZone) nsec3Denial(t testing.TB, budget *Budget, set ...n3) *Denial {
	t.Helper()
	v := verifierAt(now)
	v.Budget = budget
	return v.Denial(z.name, z.authenticated(t, z.nsec3Section(t, set...)))
}

// withTag returns a public key in base64 with which the DNSKEY has the key tag. It
// changes the last two octets, and returns "" if that is not possible.
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
