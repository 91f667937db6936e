package main

import (
	"fmt"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// ttl is the TTL of all records. It is short, so that they are fetched often.
const ttl = 5

var content = []string{
	"@ SOA ns hostmaster 1 7200 3600 1209600 5", "www A 192.0.2.1", "www AAAA 2001:db8::1", "*.wild A 192.0.2.2", "alias CNAME www",
	"across CNAME www.hashed.test.",
}

// newWorld makes zones of each kind, some of them broken.
func newWorld() (*testzone.World, error) {
	specs := []testzone.Spec{
		{Name: ".", Algorithm: dns.ECDSAP256SHA256},
		{Name: "test.", Algorithm: dns.ECDSAP256SHA256},
		{Name: "secure.test.", Algorithm: dns.ECDSAP256SHA256},
		{Name: "hashed.test.", Algorithm: dns.ED25519, Denial: testzone.NSEC3},
		{Name: "rsa.test.", Algorithm: dns.RSASHA256},
		{Name: "unsigned.test."},
		{Name: "island.test.", Algorithm: dns.ECDSAP256SHA256, DS: []uint8{}},
		{Name: "expired.test.", Algorithm: dns.ECDSAP256SHA256},
		{Name: "changed.test.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3},
		{Name: "wrongds.test.", Algorithm: dns.ECDSAP256SHA256},
		{Name: "unproven.test.", Algorithm: dns.ECDSAP256SHA256},
	}
	for i := range specs {
		specs[i].TTL, specs[i].Records = ttl, content
		if specs[i].Name == "." {
			specs[i].Records = content[:1]
		}
	}
	w, err := testzone.New(time.Now(), specs...)
	if err != nil {
		return nil, err
	}
	for zone, breakage := range map[string]testzone.Breakage{
		"expired.test.":  testzone.Expired("", 0),
		"changed.test.":  testzone.FlipSignatureBit("", 0),
		"wrongds.test.":  testzone.WrongDSDigest(),
		"unproven.test.": testzone.DropDenial(),
	} {
		if err := w.Break(zone, breakage); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// status is the expected status of an answer.
type status uint8

const (
	secure   status = iota
	insecure        // and not broken
	island          // secure with its trust anchor, otherwise insecure
	broken
)

// kind is a kind of question with one right answer. N in the name is replaced
// by a random number.
type kind struct {
	name   string
	qtype  uint16
	status status
	rcode  int
}

var kinds = []kind{
	{"www.secure.test.", dns.TypeA, secure, dns.RcodeSuccess},
	{"www.secure.test.", dns.TypeMX, secure, dns.RcodeSuccess},
	{"N.wild.secure.test.", dns.TypeA, secure, dns.RcodeSuccess},
	{"nN.secure.test.", dns.TypeA, secure, dns.RcodeNameError},
	{"across.secure.test.", dns.TypeA, secure, dns.RcodeSuccess},
	{"www.hashed.test.", dns.TypeAAAA, secure, dns.RcodeSuccess},
	{"N.wild.hashed.test.", dns.TypeA, secure, dns.RcodeSuccess},
	{"nN.hashed.test.", dns.TypeA, secure, dns.RcodeNameError},
	{"alias.hashed.test.", dns.TypeTXT, secure, dns.RcodeSuccess},
	{"N.wild.rsa.test.", dns.TypeA, secure, dns.RcodeSuccess},
	{"rsa.test.", dns.TypeDNSKEY, secure, dns.RcodeSuccess},
	{"unsigned.test.", dns.TypeDS, secure, dns.RcodeSuccess},
	{"www.unsigned.test.", dns.TypeA, insecure, dns.RcodeSuccess},
	{"N.wild.unsigned.test.", dns.TypeA, insecure, dns.RcodeSuccess},
	{"nN.unsigned.test.", dns.TypeA, insecure, dns.RcodeNameError},
	{"across.unsigned.test.", dns.TypeA, insecure, dns.RcodeSuccess},
	{"www.island.test.", dns.TypeA, island, dns.RcodeSuccess},
	{"N.wild.island.test.", dns.TypeA, island, dns.RcodeSuccess},
	{"www.expired.test.", dns.TypeA, broken, dns.RcodeServerFailure},
	{"N.wild.expired.test.", dns.TypeA, broken, dns.RcodeServerFailure},
	{"N.wild.changed.test.", dns.TypeA, broken, dns.RcodeServerFailure},
	{"www.wrongds.test.", dns.TypeA, broken, dns.RcodeServerFailure},
	{"nN.unproven.test.", dns.TypeA, broken, dns.RcodeServerFailure},
}

func (k kind) String() string { return fmt.Sprintf("%s %s", k.name, dns.Type(k.qtype)) }
