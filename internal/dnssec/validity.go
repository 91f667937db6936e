package dnssec

import (
	"time"

	"github.com/miekg/dns"
)

// Skew is the clock skew between signer and validator that is accepted: a tenth of
// the validity period, but at least Min and at most Max. The zero value accepts none.
type Skew struct {
	Min, Max time.Duration
}

// allowance returns the accepted skew for a signature, in seconds.
func (s Skew) allowance(sig *dns.RRSIG) int32 {
	tenth := time.Duration(int32(sig.Expiration-sig.Inception)) * time.Second / 10
	return int32(max(s.Min, min(s.Max, tenth)) / time.Second)
}

// checkValidityPeriod decides whether Now is within the validity period, in serial
// number arithmetic (RFC 4034, section 3.1.5).
func (v *Verifier) checkValidityPeriod(sig *dns.RRSIG) *Failure {
	now := uint32(v.Now.Unix())
	if int32(sig.Expiration-sig.Inception) < 0 {
		return fail(SignatureExpiredBeforeValid, signatureString(sig)+" is valid from "+formatSerialTime(v.Now, sig.Inception)+" to "+formatSerialTime(v.Now, sig.Expiration))
	}
	skew := v.Policy.Skew.allowance(sig)
	if early := int32(sig.Inception - now); early > 0 && early > skew {
		return fail(SignatureNotYetValid, signatureString(sig)+" is valid from "+formatSerialTime(v.Now, sig.Inception))
	}
	if late := int32(now - sig.Expiration); late > 0 && late > skew {
		return fail(SignatureExpired, signatureString(sig)+" expired "+formatSerialTime(v.Now, sig.Expiration))
	}
	return nil
}

// expires returns when the signature stops being accepted: at its expiration, or at
// the end of the skew if the expiration has passed. It assumes that
// checkValidityPeriod succeeded.
func (v *Verifier) expires(sig *dns.RRSIG) time.Time {
	end := SerialTime(v.Now, sig.Expiration)
	if !end.After(v.Now) {
		end = end.Add(time.Duration(v.Policy.Skew.allowance(sig)) * time.Second)
	}
	return end
}

// SerialTime returns the time nearest to now of a field of an RRSIG record (RFC 4034, section
// 3.1.5).
func SerialTime(now time.Time, serial uint32) time.Time {
	return time.Unix(now.Unix()+int64(int32(serial-uint32(now.Unix()))), 0).UTC()
}

// formatSerialTime formats SerialTime in RFC 3339.
func formatSerialTime(now time.Time, serial uint32) string {
	return SerialTime(now, serial).Format(time.RFC3339)
}
