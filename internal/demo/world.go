// Package demo has a small tree of signed zones with an answer of each kind. Some of the zones
// are broken on purpose.
package demo

import (
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// www are the records of a zone with nothing special in it.
var www = []string{"www A 192.0.2.80", "www AAAA 2001:db8::80"}

// zones are a root, two top-level domains, and below them a zone of each kind.
var zones = []testzone.Spec{
	{Name: ".", Algorithm: dns.RSASHA256},
	{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC},
	{Name: "test.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3OptOut},

	{Name: "signed.example.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC, Records: append([]string{
		"*.wild A 192.0.2.81",
		"alias CNAME www.hashed.test.",
		"downgrade CNAME www.unsigned.example.",
		"trap CNAME www.tampered.example.",
		"moved DNAME hashed.test.",
	}, www...)},
	{Name: "hashed.test.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3, Records: append([]string{"*.wild A 192.0.2.81"}, www...)},
	{Name: "compact.example.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.CompactNSEC, Records: www},
	{Name: "rsa.example.", Algorithm: dns.RSASHA512, Records: www},
	{Name: "p384.example.", Algorithm: dns.ECDSAP384SHA384, DS: []uint8{dns.SHA384}, Records: www},
	{Name: "ed25519.test.", Algorithm: dns.ED25519, CSK: true, Records: www},
	{Name: "ed448.test.", Algorithm: dns.ED448, Records: www},

	{Name: "unsigned.example.", Records: www},
	{Name: "unsigned.test.", Records: www},
	{Name: "private-algorithm.test.", Algorithm: dns.PRIVATEDNS, Records: www},

	{Name: "expired.example.", Algorithm: dns.ECDSAP256SHA256, Records: www},
	{Name: "not-yet.test.", Algorithm: dns.ECDSAP256SHA256, Records: www},
	{Name: "tampered.example.", Algorithm: dns.ECDSAP256SHA256, Records: www},
	{Name: "stripped.example.", Algorithm: dns.ECDSAP256SHA256, Records: www},
	{Name: "wrong-ds.test.", Algorithm: dns.ECDSAP256SHA256, Records: www},
	{Name: "no-proof.test.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3, Records: www},
}

// breakages are what is wrong in the zones that are named after it.
var breakages = map[string]testzone.Breakage{
	"expired.example.":  testzone.Expired("", 0),
	"not-yet.test.":     testzone.NotYetValid("", 0),
	"tampered.example.": testzone.ChangeRDATA("www.tampered.example.", dns.TypeA),
	"stripped.example.": testzone.DropAllSignatures(),
	"wrong-ds.test.":    testzone.WrongDSDigest(),
	"no-proof.test.":    testzone.DropDenial(),
}

// NewWorld makes the zones, signs them as of a time, and breaks those that are to be broken.
func NewWorld(now time.Time) (*testzone.World, error) {
	w, err := testzone.New(now, zones...)
	if err != nil {
		return nil, err
	}
	for zone, breakage := range breakages {
		if err := w.Break(zone, breakage); err != nil {
			return nil, err
		}
	}
	return w, nil
}
