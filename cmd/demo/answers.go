package main

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
