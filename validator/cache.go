package validator

import (
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	maxCutTTL     = 24 * time.Hour
	maxDenialTTL  = time.Hour
	maxFailureTTL = 30 * time.Second
)

// cache has what is known of names, of signatures, and of questions that failed. Each part is
// bounded, and evicts what was used longest ago.
type cache struct {
	cuts     *lru.Cache[string, *cut]
	verdicts *digests // signatures that verified
	invalid  *digests // signatures that did not; apart, so that an attack does not evict those that did
	failed   *lru.Cache[question, keptFailure]
}

// keptFailure is the failure of a client's question.
type keptFailure struct {
	finding dnssec.Finding
	until   time.Time // until when the question is refused without asking
	times   int       // failures in a row
	asked   int       // of these and of those of zones above
}

// newCache makes a cache, in which the part for signatures is four times as large.
func newCache(capacity int) (*cache, error) {
	cuts, err := lru.New[string, *cut](capacity)
	if err != nil {
		return nil, err
	}
	failed, err := lru.New[question, keptFailure](capacity)
	if err != nil {
		return nil, err
	}
	return &cache{cuts: cuts, verdicts: newDigests(4 * capacity), invalid: newDigests(capacity), failed: failed}, nil
}

// cut returns what is known of the name now, or nil. What was proven from other trust
// anchors does not count.
func (c *cache) cut(name string, anchors *anchor.Set, now time.Time) *cut {
	known, ok := c.cuts.Get(name)
	if !ok || !now.Before(known.expires) || known.anchors != anchors {
		return nil
	}
	return known
}

// provenDS returns the DS set of a zone whose keys failed or expired, if it was proven and counts.
func (c *cache) provenDS(name string, anchors *anchor.Set, now time.Time) provenDS {
	if known, ok := c.cuts.Peek(name); ok && known.anchors == anchors && known.proven.holds(now) {
		return known.proven
	}
	return provenDS{}
}

// keepCut keeps what was found of a name until it expires: a failure for 1 s, and twice as
// long each time that it fails again (RFC 9520, section 3.2), or as long as that of the zone
// above that it comes from. That a query ran out of its budget says nothing of the zone and
// is not kept.
func (c *cache) keepCut(found *cut, now time.Time) {
	ends := found.inherited && !found.expires.IsZero()
	if found.finding.Reason.Unfinished() || found.finding.Status == dnssec.Bogus && ends && !now.Before(found.expires) {
		return
	}
	if found.finding.Status == dnssec.Bogus && !ends {
		if before, ok := c.cuts.Peek(found.name); ok && before.finding.Status == dnssec.Bogus {
			found.times = before.times
		}
		found.times++
		found.expires = now.Add(backOff(found.times))
	}
	c.cuts.Add(found.name, found)
}

// backOff returns for how long a failure is kept: 1 s, 2 s, 4 s and so on up to 30 s.
func backOff(times int) time.Duration {
	return min(time.Second<<min(times-1, 5), maxFailureTTL)
}

// ledger gives one query access to the signatures in the cache. It implements dnssec.Ledger.
type ledger struct {
	cache    *cache
	observer Observer
}

// Known returns whether a signature is known to verify, or not to verify.
func (l ledger) Known(d dnssec.Digest) (good, known bool) {
	good, known = l.Meanwhile(d)
	l.observer.CacheLookup(known)
	return good, known
}

// Meanwhile is Known without being counted.
func (l ledger) Meanwhile(d dnssec.Digest) (good, known bool) {
	good = l.cache.verdicts.Has(d)
	return good, good || l.cache.invalid.Has(d)
}

// Checked keeps whether a signature verifies.
func (l ledger) Checked(d dnssec.Digest, algorithm uint8, good bool) {
	l.observer.SignatureChecked(algorithm, good)
	if good {
		l.cache.verdicts.Add(d)
	} else {
		l.cache.invalid.Add(d)
	}
}

// failure returns why the question failed, until when it is not to be asked again, and how
// often it failed in a row. The time is zero if it did not fail.
func (c *cache) failure(q question) (f dnssec.Finding, until time.Time, times int) {
	kept, _ := c.failed.Get(q)
	return kept.finding, kept.until, kept.asked
}

// keepFailure keeps why a question failed, for as long as keepCut keeps a failure: until a
// time, if that of a zone above ends then, but at least for 1 s. Questions that were asked at
// the same time are one failure.
func (c *cache) keepFailure(q question, f dnssec.Finding, until, now time.Time) {
	kept, _ := c.failed.Peek(q)
	kept.finding = f
	if !now.Before(kept.until) {
		kept.asked++
	}
	switch {
	case !until.IsZero():
		kept.until = now.Add(max(until.Sub(now), backOff(1)))
	case !now.Before(kept.until):
		kept.times++
		kept.until = now.Add(backOff(kept.times))
	}
	c.failed.Add(q, kept)
}

// expireFailures lets all questions that failed be asked again. One that fails again is kept
// for as long as if it had failed twice in a row.
func (c *cache) expireFailures(now time.Time) {
	for _, name := range c.cuts.Keys() {
		if known, ok := c.cuts.Peek(name); ok && known.finding.Status == dnssec.Bogus {
			c.cuts.Remove(name)
		}
	}
	for _, q := range c.failed.Keys() {
		if kept, ok := c.failed.Peek(q); ok {
			kept.until = now
			c.failed.Add(q, kept)
		}
	}
}

// forgetUnavailable forgets the questions that were not answered.
func (c *cache) forgetUnavailable() {
	for _, name := range c.cuts.Keys() {
		if known, ok := c.cuts.Peek(name); ok && known.finding.Reason.Unavailable() {
			c.cuts.Remove(name)
		}
	}
	for _, q := range c.failed.Keys() {
		if kept, ok := c.failed.Peek(q); ok && kept.finding.Reason.Unavailable() {
			c.failed.Remove(q)
		}
	}
}

// forgetFailure forgets that a question failed.
func (c *cache) forgetFailure(q question) { c.failed.Remove(q) }
