package dnssec

import (
	"time"

	"github.com/miekg/dns"
)

// Skew is how far the clocks of signer and validator may be apart: a tenth of the
// time that a signature is valid for, between Min and Max. Zero allows nothing.
type Skew struct {
	Min, Max time.Duration
}

// allowance returns the skew in seconds for a signature.
func (s Skew) allowance(sig *dns.RRSIG) int32 {
	tenth := time.Duration(int32(sig.Expiration-sig.Inception)) * time.Second / 10
	return int32(max(s.Min, min(s.Max, tenth)) / time.Second)
}

// checkTimes decides whether the signature is valid now, in the serial number
// arithmetic of RFC 4034, section 3.1.5.
func (v *Verifier) checkTimes(sig *dns.RRSIG) *Failure {
	now := uint32(v.Now.Unix())
	if int32(sig.Expiration-sig.Inception) < 0 {
		return fail(SignatureExpiredBeforeValid, describe(sig)+" is valid from "+stamp(v.Now, sig.Inception)+" to "+stamp(v.Now, sig.Expiration))
	}
	skew := v.Policy.Skew.allowance(sig)
	if early := int32(sig.Inception - now); early > 0 && early > skew {
		return fail(SignatureNotYetValid, describe(sig)+" is valid from "+stamp(v.Now, sig.Inception))
	}
	if late := int32(now - sig.Expiration); late > 0 && late > skew {
		return fail(SignatureExpired, describe(sig)+" expired "+stamp(v.Now, sig.Expiration))
	}
	return nil
}

// expires returns when the signature stops being accepted: at its expiration, or
// for one that only the skew lets pass at the end of that.
func (v *Verifier) expires(sig *dns.RRSIG) time.Time {
	end := instant(v.Now, sig.Expiration)
	if !end.After(v.Now) {
		end = end.Add(time.Duration(v.Policy.Skew.allowance(sig)) * time.Second)
	}
	return end
}

// instant is the time nearest to now that has the serial number.
func instant(now time.Time, serial uint32) time.Time {
	return time.Unix(now.Unix()+int64(int32(serial-uint32(now.Unix()))), 0).UTC()
}

func stamp(now time.Time, serial uint32) string { return instant(now, serial).Format(time.RFC3339) }
