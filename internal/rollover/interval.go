package rollover

import (
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// The times of RFC 5011, sections 2.3 and 2.4, and Unbound's time for missing keys.
const (
	AddHoldDown    = 30 * day  // the least that a new key has to wait
	RemoveHoldDown = 30 * day  // that a revoked key has to be gone
	KeepMissing    = 366 * day // that a missing key is kept

	minInterval = time.Hour
	maxRefresh  = 15 * day
	maxRetry    = day

	day = 24 * time.Hour
)

// refresh is the query interval of RFC 5011, section 2.3.
func refresh(ttl, validity time.Duration) time.Duration {
	return max(minInterval, min(maxRefresh, ttl/2, validity/2))
}

// retry is the retry time of RFC 5011, section 2.3.
func retry(ttl, validity time.Duration) time.Duration {
	return max(minInterval, min(maxRetry, ttl/10, validity/10))
}

// schedule sets the time of the next query after an RRset was authenticated.
func (z *Zone) schedule(now time.Time, keys *dnssec.Keys) {
	ttl, validity := originalTTL(keys), keys.Expires().Sub(now)
	z.LastSuccess = now
	z.Next = now.Add(refresh(ttl, validity))
	z.Retry = retry(ttl, validity)
}

func originalTTL(keys *dnssec.Keys) time.Duration {
	return time.Duration(keys.OriginalTTL()) * time.Second
}

// Failed notes that the RRset could not be had, and sets the time of the next query.
func (z *Zone) Failed(now time.Time) {
	now = second(now)
	z.LastTry = now
	if z.Deleted() {
		return
	}
	z.Next = now.Add(min(maxRetry, max(minInterval, z.Retry)))
}

// NextQuery returns when to ask for the DNSKEY RRset: now, if that is due or was
// planned by a clock that was ahead; never, if ok is false: the trust point is deleted.
func (z *Zone) NextQuery(now time.Time) (next time.Time, ok bool) {
	if z.Deleted() {
		return time.Time{}, false
	}
	if z.Next.Before(now) || z.Next.Sub(now) > maxRefresh {
		return now, true
	}
	return z.Next, true
}

// second is a time as the state file can have it.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
