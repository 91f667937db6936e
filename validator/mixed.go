package validator

import (
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// mixed records that the upstreams differ: records came without their signatures, and with
// them when they were asked for again. For a minute after that a question may be asked more
// often, since it is left to chance which upstream gets it.
type mixed struct{ until atomic.Int64 } // in nanoseconds since 1970

const (
	mixedFor     = time.Minute
	mixedEfforts = 8 // if half of the responses lack their signatures, one question of 256 fails
)

// noteRecovery is called when an effort succeeded after one that failed for a reason.
func (m *mixed) noteRecovery(r dnssec.Reason, now time.Time) {
	if stripped(r) {
		m.until.Store(now.Add(mixedFor).UnixNano())
	}
}

// efforts returns how often a question is asked that fails for a reason.
func (m *mixed) efforts(r dnssec.Reason, now time.Time) effort {
	if stripped(r) && now.UnixNano() < m.until.Load() {
		return mixedEfforts
	}
	return efforts
}

// efforts returns how often a question is asked that fails for a reason. A probe of an outage
// is asked once if an upstream answers with something else than missing records.
func (q *query) efforts(r dnssec.Reason) effort {
	if q.probing && !stripped(r) {
		return again
	}
	return q.v.mixed.efforts(r, q.now)
}

// stripped reports whether something is missing that an upstream may have left out.
func stripped(r dnssec.Reason) bool {
	switch r {
	case dnssec.SignatureMissing, dnssec.DenialMissing, dnssec.WildcardDenialMissing, dnssec.DNSKEYUnavailable, dnssec.DNSKEYAbsent:
		return true
	default:
		return false
	}
}
