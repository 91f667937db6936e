package rollover

import (
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// The times of RFC 5011, sections 2.3 and 2.4. KeepMissing is from Unbound.
const (
	AddHoldDown    = 30 * day  // minimum time in AddPend
	RemoveHoldDown = 30 * day  // time from the last appearance of a revoked key to Removed
	KeepMissing    = 366 * day // time in Missing

	minInterval = time.Hour
	maxRefresh  = 15 * day
	maxRetry    = day

	day = 24 * time.Hour
)

// refresh returns the query interval of RFC 5011, section 2.3.
func refresh(ttl, validity time.Duration) time.Duration {
	return max(minInterval, min(maxRefresh, ttl/2, validity/2))
}

// retry returns the retry time of RFC 5011, section 2.3.
func retry(ttl, validity time.Duration) time.Duration {
	return max(minInterval, min(maxRetry, ttl/10, validity/10))
}

// schedule sets the time of the next query after a success.
func (z *Zone) schedule(now time.Time, keys *dnssec.Keys) {
	ttl, validity := originalTTL(keys), keys.Expires().Sub(now)
	z.LastSuccess = now
	z.Next = now.Add(refresh(ttl, validity))
	z.Retry = retry(ttl, validity)
}

func originalTTL(keys *dnssec.Keys) time.Duration {
	return time.Duration(keys.OriginalTTL()) * time.Second
}

// Failed records that the RRset could not be fetched or authenticated, and sets the
// time of the next query.
func (z *Zone) Failed(now time.Time) {
	now = truncateToSeconds(now)
	z.LastTry = now
	if z.Deleted() {
		return
	}
	z.Next = now.Add(min(maxRetry, max(minInterval, z.Retry)))
}

// NextQuery returns when to query the DNSKEY RRset next, which is not before now. If
// that is too far ahead because the clock was wrong before, it returns now. ok is
// false if the trust point is deleted: then there is no next query.
func (z *Zone) NextQuery(now time.Time) (next time.Time, ok bool) {
	if z.Deleted() {
		return time.Time{}, false
	}
	if z.Next.Before(now) || z.Next.Sub(now) > maxRefresh {
		return now, true
	}
	return z.Next, true
}

// truncateToSeconds returns t as the state file can store it.
func truncateToSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
