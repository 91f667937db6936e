package dnssec

//go:generate go test -run ^TestReasonTable$ -update

import "github.com/miekg/dns"

// Reason says why a response has its Status. The token is used as the metric label,
// in log lines and test vectors, and at the start of the EDE text.
//
// Bogus reasons are ordered as the checks are made. If all candidates fail, the
// largest Reason belongs to the candidate that passed the most checks.
type Reason uint8

// The reasons. ReasonNone is that of a secure response.
const (
	ReasonNone Reason = iota

	// Indeterminate.
	TrustAnchorMissing
	PrivateZone
	TypeNotSigned

	// Insecure.
	DelegationInsecure
	OptOut
	AlgorithmUnsupported
	DigestUnsupported
	NSEC3IterationsHigh
	NegativeTrustAnchor
	LocallyServed

	// Bogus: the contents of the response.
	ResponseMalformed
	CNAMEChainInvalid
	DNAMEMismatch
	AnswerUnavailable
	DSUnavailable
	DNSKEYUnavailable
	DNSKEYAbsent
	DenialMissing
	DenialIncomplete
	DenialContradicted
	WildcardDenialMissing

	// Bogus: the checks of RFC 4035, sections 5.2 and 5.3, in the order made.
	SignatureMissing
	SignatureSignerInvalid
	SignatureLabelsInvalid
	SignatureAlgorithmUnsupported
	SignatureExpiredBeforeValid
	SignatureNotYetValid
	SignatureExpired
	DNSKEYMissing
	DNSKEYProtocolInvalid
	DNSKEYZoneFlagMissing
	DNSKEYRevoked
	DNSKEYMalformed
	DNSKEYNoDSMatch
	DNSKEYNoAnchorMatch
	DNSKEYLimitExceeded
	SignatureInvalid

	// Bogus: validation was not completed.
	LimitExceeded
	Overloaded

	numReasons
)

// reasonInfo is what users see of a Reason.
type reasonInfo struct {
	token  string
	status Status
	ede    uint16
	text   string
	remedy string
}

// noEDE is the code of a Reason without an EDE.
const noEDE = ^uint16(0)

// reasonTable describes the reasons. EDE codes are those of RFC 8914 and its IANA
// registry. Where resolvers use different codes, the most specific one is used.
var reasonTable = [numReasons]reasonInfo{
	ReasonNone:         {"none", Secure, noEDE, "proven", ""},
	TrustAnchorMissing: {"trust_anchor_missing", Indeterminate, noEDE, "no trust anchor at or above the name", "Add a trust anchor for the name or for a zone above it, if there is one."},
	PrivateZone:        {"private_zone", Indeterminate, noEDE, "forwarded by name, and the public tree has no signed delegation for it", "Add `trust-anchor FILE` with a DS or DNSKEY of the zone, or `negative-trust-anchor ZONE`."},
	TypeNotSigned:      {"type_not_signed", Indeterminate, noEDE, "records of this type are never signed", "Nothing. Ask for another type to have it validated."},

	DelegationInsecure:   {"delegation_insecure", Insecure, noEDE, "the parent zone proves that there is no DS", "Nothing, unless the zone ought to be signed: then its owner has to have a DS published in the parent zone."},
	OptOut:               {"opt_out", Insecure, noEDE, "the name lies in an opt-out span", "Nothing, unless the zone ought to be signed: then its owner has to have a DS published in the parent zone."},
	AlgorithmUnsupported: {"algorithm_unsupported", Insecure, dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "the DS set names no algorithm that is relied on", "The zone's owner should sign with a current algorithm, such as 13 (ECDSAP256SHA256). For RSASHA1 there is `allow-sha1`."},
	DigestUnsupported:    {"digest_unsupported", Insecure, dns.ExtendedErrorCodeUnsupportedDSDigestType, "the DS set has no digest type that is relied on", "The zone's owner should have a DS with digest type 2 (SHA-256) published in the parent zone."},
	NSEC3IterationsHigh:  {"nsec3_iterations_high", Insecure, dns.ExtendedErrorCodeUnsupportedNSEC3IterValue, "NSEC3 with more iterations than are computed", "The zone's owner should sign with 0 NSEC3 iterations (RFC 9276)."},
	NegativeTrustAnchor:  {"negative_trust_anchor", Insecure, edeNegativeTrustAnchor, "a negative trust anchor covers the name", "Remove the negative trust anchor once the zone is mended."},
	LocallyServed:        {"locally_served", Insecure, noEDE, "resolvers answer for the name by themselves, without signatures", "Nothing. To have the zone validated, add a trust anchor for it."},

	ResponseMalformed:     {"response_malformed", Bogus, dns.ExtendedErrorCodeDNSBogus, "the response does not fit the question", "Look at the upstream: no zone makes a response like that. It may be an attack."},
	CNAMEChainInvalid:     {"cname_chain_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the CNAME chain loops, forks or is too long", "The owner of the zone with the CNAME has to mend it: one target, no loop, at most 11 of them."},
	DNAMEMismatch:         {"dname_mismatch", Bogus, dns.ExtendedErrorCodeDNSBogus, "the CNAME is not what the DNAME makes of the name", "Look at the upstream, which changed the CNAME or made it wrongly. It may be an attack."},
	AnswerUnavailable:     {"answer_unavailable", Bogus, dns.ExtendedErrorCodeNoReachableAuthority, "the upstream gave no answer", "See that the upstream is up, and that it can be reached from here."},
	DSUnavailable:         {"ds_unavailable", Bogus, dns.ExtendedErrorCodeNoReachableAuthority, "the DS RRset could not be had from the upstream", "Ask the upstream for it: `dig @UPSTREAM +dnssec ZONE DS`. Large answers need TCP. If it has the DS of other zones, look at the servers of the parent zone."},
	DNSKEYUnavailable:     {"dnskey_unavailable", Bogus, dns.ExtendedErrorCodeNoReachableAuthority, "the DNSKEY RRset could not be had from the upstream", "Ask the upstream for it: `dig @UPSTREAM +dnssec ZONE DNSKEY`. Large answers need TCP. If it has those of other zones, look at the servers of this zone."},
	DNSKEYAbsent:          {"dnskey_absent", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the zone has a DS, and the answer has no DNSKEY", "Ask the upstream for it: `dig @UPSTREAM +dnssec ZONE DNSKEY`. If it has none of any zone, it does not pass on DNSSEC records: use another one. If it has those of other zones, look whether the servers of this zone are those that its DS is for."},
	DenialMissing:         {"denial_missing", Bogus, dns.ExtendedErrorCodeNSECMissing, "no NSEC or NSEC3 record proves that there is no such record", "If it is so for all signed names, the upstream strips DNSSEC records: use another one. Else the servers of the zone leave them out, or it is an attack."},
	DenialIncomplete:      {"denial_incomplete", Bogus, dns.ExtendedErrorCodeNSECMissing, "the NSEC or NSEC3 records do not prove that there is no such record", "The zone's owner has to sign again and to look at the server software. If it is so for all signed names, look at the upstream."},
	DenialContradicted:    {"denial_contradicted", Bogus, dns.ExtendedErrorCodeDNSBogus, "an NSEC or NSEC3 record shows that the record exists", "Look at the upstream, which denies what the zone has. It may be an attack."},
	WildcardDenialMissing: {"wildcard_denial_missing", Bogus, dns.ExtendedErrorCodeNSECMissing, "no proof that the name does not exist beside the wildcard", "The zone's owner has to look at the server software, which leaves out the proof. If it is so for all wildcards, look at the upstream."},

	SignatureMissing:              {"signature_missing", Bogus, dns.ExtendedErrorCodeRRSIGsMissing, "the zone is signed, the RRset is not", "If it is so for all signed names, the upstream strips DNSSEC records: use another one. Else the zone's owner has to sign again, or to have the DS removed. It may be an attack."},
	SignatureSignerInvalid:        {"signature_signer_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the signer is not the zone of the RRset", "The zone's owner has to sign with the keys of this zone."},
	SignatureLabelsInvalid:        {"signature_labels_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the Labels field does not fit the owner name", "The zone's owner has to sign again. It may be an attack."},
	SignatureAlgorithmUnsupported: {"signature_algorithm_unsupported", Bogus, dns.ExtendedErrorCodeDNSBogus, "no signature has an algorithm that is relied on", "The zone's owner has to sign all of it with an algorithm that the DS set names and that is relied on, such as 13 (ECDSAP256SHA256)."},
	SignatureExpiredBeforeValid:   {"signature_expired_before_valid", Bogus, dns.ExtendedErrorCodeSignatureExpiredBeforeValid, "the expiration lies before the inception", "The zone's owner has to sign again, and to look at the clock of the signer."},
	SignatureNotYetValid:          {"signature_not_yet_valid", Bogus, dns.ExtendedErrorCodeSignatureNotYetValid, "the inception lies in the future", "Check the clock of this machine. If it is right, the zone's owner has to look at the clock of the signer and to sign again."},
	SignatureExpired:              {"signature_expired", Bogus, dns.ExtendedErrorCodeSignatureExpired, "the expiration lies in the past", "Check the clock of this machine. If it is right, the zone's owner has to sign again."},
	DNSKEYMissing:                 {"dnskey_missing", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY has the tag and the algorithm of the signature", "The owner of the zone has to publish the key again, or to sign with the keys that are published: a key was removed too early, or added too late."},
	DNSKEYProtocolInvalid:         {"dnskey_protocol_invalid", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the DNSKEY's protocol is not 3", "The zone's owner has to replace the key."},
	DNSKEYZoneFlagMissing:         {"dnskey_zone_flag_missing", Bogus, dns.ExtendedErrorCodeNoZoneKeyBitSet, "the DNSKEY is not a zone key", "The zone's owner has to replace the key by one with the ZONE flag (256 or 257)."},
	DNSKEYRevoked:                 {"dnskey_revoked", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the DNSKEY is revoked", "The zone's owner has to sign with a key that is not revoked. If it is a trust anchor here, replace that."},
	DNSKEYMalformed:               {"dnskey_malformed", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the DNSKEY's public key can't be used", "The zone's owner has to replace the key."},
	DNSKEYNoDSMatch:               {"dnskey_no_ds_match", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY matches a DS of the parent zone", "The zone's owner has to have the DS of a present key published in the parent zone, or the old key put back. To go unsigned, the DS has to be removed first."},
	DNSKEYNoAnchorMatch:           {"dnskey_no_anchor_match", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY matches a trust anchor", "Replace the trust anchor, which is out of date. If it is one of the root, make sure that the upstream is not one with a root of its own."},
	DNSKEYLimitExceeded:           {"dnskey_limit_exceeded", Bogus, dns.ExtendedErrorCodeOther, "the zone has more DNSKEY or DS records than are looked at", "The owner of the zone has to publish at most 32 DNSKEY and 8 DS records, and no two keys with the same tag and algorithm. It may be an attack."},
	SignatureInvalid:              {"signature_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the signature does not verify", "Ask another upstream. If the signature verifies there, this one or the way to it changes answers. If not, the zone's owner has to sign again."},

	LimitExceeded: {"limit_exceeded", Bogus, dns.ExtendedErrorCodeDNSBogus, "more work than one response is worth", "If it persists, assume an attack: no legitimate zone costs that much. Two keys with the same tag and algorithm cost as much; their owner has to replace one."},
	Overloaded:    {"overloaded", Bogus, dns.ExtendedErrorCodeOther, "more work at once than this machine can do", "If it persists, give the machine more processors, or find out who asks: `signatures_total` with `bad` shows an attack. The failure is not cached."},
}

// edeNegativeTrustAnchor is not defined in miekg/dns.
const edeNegativeTrustAnchor = 33

// String returns the token, such as "signature_expired".
func (r Reason) String() string { return reasonTable[r].token }

// Status returns the Status that the reason implies.
func (r Reason) Status() Status { return reasonTable[r].status }

// Unfinished reports whether validation stopped at a limit. Such a result says
// nothing about the zone and must not be cached.
func (r Reason) Unfinished() bool { return r >= LimitExceeded }

// Unavailable reports whether records could not be fetched, as opposed to being
// invalid.
func (r Reason) Unavailable() bool {
	return r == AnswerUnavailable || r == DSUnavailable || r == DNSKEYUnavailable
}

// Text returns a phrase that explains the token.
func (r Reason) Text() string { return reasonTable[r].text }

// Remedy returns what to do about the problem, and who has to do it. It is empty for
// ReasonNone.
func (r Reason) Remedy() string { return reasonTable[r].remedy }

// EDE returns the INFO-CODE of RFC 8914, section 2. ok is false if no code applies.
func (r Reason) EDE() (code uint16, ok bool) {
	code = reasonTable[r].ede
	return code, code != noEDE
}

// Reasons returns all reasons except ReasonNone, in order.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons-1)
	for r := ReasonNone + 1; r < numReasons; r++ {
		all = append(all, r)
	}
	return all
}
