package validator

import (
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// mixed remembers that there are upstreams which differ: what came without its signatures
// came with them when it was asked for again. As long as that is so, a question is asked
// more often, since which upstream gets it is a matter of chance.
type mixed struct{ until atomic.Int64 } // in nanoseconds since 1970

const (
	mixedFor     = time.Minute
	mixedEfforts = 8 // one question of 256 fails if every other response is stripped
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
// is not worth more than one if an upstream answers, and lies.
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
