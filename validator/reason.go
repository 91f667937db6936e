package validator

import "github.com/dnssecval/dnssecval/internal/dnssec"

// Reason says why a status is not Secure. Its String is a token for logs and metrics, such
// as "signature_expired". Text explains it in a sentence, Remedy says what an operator
// can do, EDE returns the INFO-CODE of RFC 8914 if one fits, and Status the status that
// the reason belongs to. Tokens do not change.
type Reason = dnssec.Reason

// The reasons, in the order of the checks. ReasonNone belongs to Secure; a result that is
// not Secure has it too if the response could not be judged, such as one with REFUSED.
const (
	ReasonNone = dnssec.ReasonNone

	// The answer is Indeterminate.
	TrustAnchorMissing = dnssec.TrustAnchorMissing
	PrivateZone        = dnssec.PrivateZone
	TypeNotSigned      = dnssec.TypeNotSigned

	// The answer is Insecure.
	DelegationInsecure   = dnssec.DelegationInsecure
	OptOut               = dnssec.OptOut
	AlgorithmUnsupported = dnssec.AlgorithmUnsupported
	DigestUnsupported    = dnssec.DigestUnsupported
	NSEC3IterationsHigh  = dnssec.NSEC3IterationsHigh
	NegativeTrustAnchor  = dnssec.NegativeTrustAnchor
	LocallyServed        = dnssec.LocallyServed

	// The answer is Bogus: something is missing, or does not fit.
	ResponseMalformed     = dnssec.ResponseMalformed
	CNAMEChainInvalid     = dnssec.CNAMEChainInvalid
	DNAMEMismatch         = dnssec.DNAMEMismatch
	AnswerUnavailable     = dnssec.AnswerUnavailable
	DSUnavailable         = dnssec.DSUnavailable
	DNSKEYUnavailable     = dnssec.DNSKEYUnavailable
	DNSKEYAbsent          = dnssec.DNSKEYAbsent
	DenialMissing         = dnssec.DenialMissing
	DenialIncomplete      = dnssec.DenialIncomplete
	DenialContradicted    = dnssec.DenialContradicted
	WildcardDenialMissing = dnssec.WildcardDenialMissing

	// The answer is Bogus: the checks of RFC 4035, section 5.3.1, in their order.
	SignatureMissing              = dnssec.SignatureMissing
	SignatureSignerInvalid        = dnssec.SignatureSignerInvalid
	SignatureLabelsInvalid        = dnssec.SignatureLabelsInvalid
	SignatureAlgorithmUnsupported = dnssec.SignatureAlgorithmUnsupported
	SignatureExpiredBeforeValid   = dnssec.SignatureExpiredBeforeValid
	SignatureNotYetValid          = dnssec.SignatureNotYetValid
	SignatureExpired              = dnssec.SignatureExpired
	DNSKEYMissing                 = dnssec.DNSKEYMissing
	DNSKEYProtocolInvalid         = dnssec.DNSKEYProtocolInvalid
	DNSKEYZoneFlagMissing         = dnssec.DNSKEYZoneFlagMissing
	DNSKEYRevoked                 = dnssec.DNSKEYRevoked
	DNSKEYMalformed               = dnssec.DNSKEYMalformed
	DNSKEYNoDSMatch               = dnssec.DNSKEYNoDSMatch
	DNSKEYNoAnchorMatch           = dnssec.DNSKEYNoAnchorMatch
	DNSKEYLimitExceeded           = dnssec.DNSKEYLimitExceeded
	SignatureInvalid              = dnssec.SignatureInvalid

	// The answer is Bogus: validation was given up. Nothing is known about the zone.
	LimitExceeded = dnssec.LimitExceeded
	Overloaded    = dnssec.Overloaded
)

// Reasons returns all reasons but ReasonNone.
func Reasons() []Reason { return dnssec.Reasons() }
