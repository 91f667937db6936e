package main

import (
	"time"

	"github.com/miekg/dns"

	"github.com/dnssecval/dnssecval/internal/testzone"
)

// www has the records of an ordinary zone.
var www = []string{"www A 192.0.2.80", "www AAAA 2001:db8::80"}

// worldZones is the tree that CoreDNS validates: a root, two top-level domains,
// and zones of each kind below them.
var worldZones = []testzone.Spec{
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

// worldBreakages breaks the zones that are named after the breakage.
var worldBreakages = map[string]testzone.Breakage{
	"expired.example.":  testzone.Expired("", 0),
	"not-yet.test.":     testzone.NotYetValid("", 0),
	"tampered.example.": testzone.ChangeRDATA("www.tampered.example.", dns.TypeA),
	"stripped.example.": testzone.DropAllSignatures(),
	"wrong-ds.test.":    testzone.WrongDSDigest(),
	"no-proof.test.":    testzone.DropDenial(),
}

// worldExpectations lists the answers of the validating CoreDNS.
var worldExpectations = []expectation{
	{"www.signed.example.", "A", "NOERROR", true, "", "signed: ECDSA P-256, NSEC"},
	{"www.signed.example.", "MX", "NOERROR", true, "", "no such type, proven by NSEC"},
	{"nobody.signed.example.", "A", "NXDOMAIN", true, "", "no such name, proven by NSEC"},
	{"any.wild.signed.example.", "A", "NOERROR", true, "", "from a wildcard, with its proof"},
	{"www.hashed.test.", "A", "NOERROR", true, "", "signed: ECDSA P-256, NSEC3"},
	{"nobody.hashed.test.", "A", "NXDOMAIN", true, "", "no such name, proven by NSEC3"},
	{"any.wild.hashed.test.", "A", "NOERROR", true, "", "from a wildcard, with its proof"},
	{"alias.signed.example.", "A", "NOERROR", true, "", "CNAME into another signed zone"},
	{"www.moved.signed.example.", "A", "NOERROR", true, "", "DNAME into another signed zone"},
	{"nobody.compact.example.", "A", "NOERROR", true, "", "no such name, compact denial (RFC 9824)"},
	{"www.rsa.example.", "A", "NOERROR", true, "", "signed: RSA/SHA-512"},
	{"www.p384.example.", "A", "NOERROR", true, "", "signed: ECDSA P-384, SHA-384 DS"},
	{"www.ed25519.test.", "A", "NOERROR", true, "", "signed: Ed25519, one key"},
	{"www.ed448.test.", "A", "NOERROR", true, "", "signed: Ed448"},

	{"www.unsigned.example.", "A", "NOERROR", false, "", "insecure: no DS, proven by NSEC"},
	{"www.unsigned.test.", "A", "NOERROR", false, "", "insecure: opt-out span"},
	{"downgrade.signed.example.", "A", "NOERROR", false, "", "CNAME from a signed zone into an unsigned one"},
	{"www.private-algorithm.test.", "A", "NOERROR", false, "algorithm_unsupported", "insecure: unsupported algorithm"},

	{"www.expired.example.", "A", "SERVFAIL", false, "signature_expired", "the signatures expired yesterday"},
	{"www.not-yet.test.", "A", "SERVFAIL", false, "signature_not_yet_valid", "the signatures become valid in two weeks"},
	{"www.tampered.example.", "A", "SERVFAIL", false, "signature_invalid", "the address was changed after signing"},
	{"www.tampered.example.", "AAAA", "NOERROR", true, "", "the same name, untouched"},
	{"trap.signed.example.", "A", "SERVFAIL", false, "signature_invalid", "CNAME to the changed address"},
	{"www.stripped.example.", "A", "SERVFAIL", false, "signature_missing", "DS, but no signatures"},
	{"www.wrong-ds.test.", "A", "SERVFAIL", false, "dnskey_no_ds_match", "the DS matches no key"},
	{"nobody.no-proof.test.", "A", "SERVFAIL", false, "denial_missing", "NXDOMAIN without proof"},
}

// realExpectations lists the answers of CoreDNS with -upstream.
var realExpectations = []expectation{
	{"www.iana.org.", "A", "NOERROR", true, "", "signed"},
	{"nobody-has-this-name.iana.org.", "A", "NXDOMAIN", true, "", "no such name, proven"},
	{"google.com.", "A", "NOERROR", false, "", "not signed, proven by com"},
	{"dnssec-failed.org.", "A", "SERVFAIL", false, "dnskey_no_ds_match", "broken on purpose by its owner"},
}

// newWorld creates the zones and breaks some of them.
func newWorld(now time.Time) (*testzone.World, error) {
	w, err := testzone.New(now, worldZones...)
	if err != nil {
		return nil, err
	}
	for zone, breakage := range worldBreakages {
		if err := w.Break(zone, breakage); err != nil {
			return nil, err
		}
	}
	return w, nil
}
