package dnssec

import "github.com/miekg/dns"

// Reason says why a status is what it is. Its token is the metric label, the word
// of the log line and of the test vectors, and the head of the EDE text.
//
// The reasons of one candidate are in the order in which the checks are made, so
// that of several failed candidates the largest is the one that got furthest.
type Reason uint8

// The reasons. ReasonNone belongs to what is secure.
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

	// Bogus: what is there to be checked.
	ResponseMalformed
	CNAMEChainInvalid
	DNAMEMismatch
	AnswerUnavailable
	DSUnavailable
	DNSKEYUnavailable
	DenialMissing
	DenialIncomplete
	DenialContradicted
	WildcardDenialMissing

	// Bogus: the checks of RFC 4035, section 5.3.1, in their order.
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

	// Bogus: it was not looked at to the end.
	LimitExceeded
	Overloaded

	reasons // how many there are
)

type reasonEntry struct {
	token  string
	status Status
	ede    uint16
	text   string
}

const noEDE = ^uint16(0)

// reasonTable has the EDE codes of RFC 8914 and its registry; where the field
// does not agree the most specific code is taken.
var reasonTable = [reasons]reasonEntry{
	ReasonNone:         {"none", Secure, noEDE, "proven"},
	TrustAnchorMissing: {"trust_anchor_missing", Indeterminate, noEDE, "no trust anchor at or above the name"},
	PrivateZone:        {"private_zone", Indeterminate, noEDE, "forwarded by name, and the public tree has no signed delegation for it"},
	TypeNotSigned:      {"type_not_signed", Indeterminate, noEDE, "records of this type are never signed"},

	DelegationInsecure:   {"delegation_insecure", Insecure, noEDE, "the parent zone proves that there is no DS"},
	OptOut:               {"opt_out", Insecure, noEDE, "the name lies in an opt-out span"},
	AlgorithmUnsupported: {"algorithm_unsupported", Insecure, dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "the DS set names no algorithm that is relied on"},
	DigestUnsupported:    {"digest_unsupported", Insecure, dns.ExtendedErrorCodeUnsupportedDSDigestType, "the DS set has no digest type that is relied on"},
	NSEC3IterationsHigh:  {"nsec3_iterations_high", Insecure, dns.ExtendedErrorCodeUnsupportedNSEC3IterValue, "NSEC3 with more iterations than are computed"},
	NegativeTrustAnchor:  {"negative_trust_anchor", Insecure, edeNegativeTrustAnchor, "a negative trust anchor covers the name"},

	ResponseMalformed:     {"response_malformed", Bogus, dns.ExtendedErrorCodeDNSBogus, "the response does not fit the question"},
	CNAMEChainInvalid:     {"cname_chain_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the CNAME chain loops, forks or is too long"},
	DNAMEMismatch:         {"dname_mismatch", Bogus, dns.ExtendedErrorCodeDNSBogus, "the CNAME is not what the DNAME makes of the name"},
	AnswerUnavailable:     {"answer_unavailable", Bogus, dns.ExtendedErrorCodeNoReachableAuthority, "the upstream gave no answer"},
	DSUnavailable:         {"ds_unavailable", Bogus, dns.ExtendedErrorCodeNoReachableAuthority, "the DS RRset could not be had from the upstream"},
	DNSKEYUnavailable:     {"dnskey_unavailable", Bogus, dns.ExtendedErrorCodeNoReachableAuthority, "the DNSKEY RRset could not be had from the upstream"},
	DenialMissing:         {"denial_missing", Bogus, dns.ExtendedErrorCodeNSECMissing, "no NSEC or NSEC3 record proves that there is no such record"},
	DenialIncomplete:      {"denial_incomplete", Bogus, dns.ExtendedErrorCodeNSECMissing, "the NSEC or NSEC3 records do not prove that there is no such record"},
	DenialContradicted:    {"denial_contradicted", Bogus, dns.ExtendedErrorCodeDNSBogus, "an NSEC or NSEC3 record shows that the record exists"},
	WildcardDenialMissing: {"wildcard_denial_missing", Bogus, dns.ExtendedErrorCodeNSECMissing, "no proof that the name does not exist beside the wildcard"},

	SignatureMissing:              {"signature_missing", Bogus, dns.ExtendedErrorCodeRRSIGsMissing, "the zone is signed, the RRset is not"},
	SignatureSignerInvalid:        {"signature_signer_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the signer is not the zone of the RRset"},
	SignatureLabelsInvalid:        {"signature_labels_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the Labels field does not fit the owner name"},
	SignatureAlgorithmUnsupported: {"signature_algorithm_unsupported", Bogus, dns.ExtendedErrorCodeDNSBogus, "signed with an algorithm that is not relied on only"},
	SignatureExpiredBeforeValid:   {"signature_expired_before_valid", Bogus, dns.ExtendedErrorCodeSignatureExpiredBeforeValid, "the expiration lies before the inception"},
	SignatureNotYetValid:          {"signature_not_yet_valid", Bogus, dns.ExtendedErrorCodeSignatureNotYetValid, "the inception lies in the future"},
	SignatureExpired:              {"signature_expired", Bogus, dns.ExtendedErrorCodeSignatureExpired, "the expiration lies in the past"},
	DNSKEYMissing:                 {"dnskey_missing", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY has the tag and the algorithm of the signature"},
	DNSKEYProtocolInvalid:         {"dnskey_protocol_invalid", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the DNSKEY's protocol is not 3"},
	DNSKEYZoneFlagMissing:         {"dnskey_zone_flag_missing", Bogus, dns.ExtendedErrorCodeNoZoneKeyBitSet, "the DNSKEY is not a zone key"},
	DNSKEYRevoked:                 {"dnskey_revoked", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the DNSKEY is revoked"},
	DNSKEYMalformed:               {"dnskey_malformed", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the DNSKEY's public key can't be used"},
	DNSKEYNoDSMatch:               {"dnskey_no_ds_match", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY matches a DS of the parent zone"},
	DNSKEYNoAnchorMatch:           {"dnskey_no_anchor_match", Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "no DNSKEY matches a trust anchor"},
	DNSKEYLimitExceeded:           {"dnskey_limit_exceeded", Bogus, dns.ExtendedErrorCodeOther, "the zone has more DNSKEY or DS records than are looked at"},
	SignatureInvalid:              {"signature_invalid", Bogus, dns.ExtendedErrorCodeDNSBogus, "the signature does not verify"},

	LimitExceeded: {"limit_exceeded", Bogus, dns.ExtendedErrorCodeOther, "more work than one response is worth"},
	Overloaded:    {"overloaded", Bogus, dns.ExtendedErrorCodeOther, "more work at once than this machine can do"},
}

// edeNegativeTrustAnchor is not in miekg/dns yet.
const edeNegativeTrustAnchor = 33

// String returns the token.
func (r Reason) String() string { return reasonTable[r].token }

// Status returns the status that the reason stands for.
func (r Reason) Status() Status { return reasonTable[r].status }

// Unfinished tells whether nobody looked to the end: that says nothing of the zone, and
// is not to be kept.
func (r Reason) Unfinished() bool { return r >= LimitExceeded }

// Unavailable tells whether something could not be had, rather than that it was wrong.
func (r Reason) Unavailable() bool {
	return r == AnswerUnavailable || r == DSUnavailable || r == DNSKEYUnavailable
}

// Text returns a sentence that explains the token.
func (r Reason) Text() string { return reasonTable[r].text }

// EDE returns the INFO-CODE of RFC 8914; ok is false where none fits.
func (r Reason) EDE() (code uint16, ok bool) {
	code = reasonTable[r].ede
	return code, code != noEDE
}

// Reasons returns all reasons but ReasonNone, in their order.
func Reasons() []Reason {
	all := make([]Reason, 0, reasons-1)
	for r := ReasonNone + 1; r < reasons; r++ {
		all = append(all, r)
	}
	return all
}
