package dnssecval

import (
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	defaultCapacity = 10000
	maxCutTTL       = 24 * time.Hour
	maxDenialTTL    = time.Hour
	maxFailureTTL   = 30 * time.Second
	keptToExplain   = 5 * time.Minute // the longest that CoreDNS's cache keeps a SERVFAIL
	answerToExplain = time.Hour       // and other answers, if it is not told otherwise
)

// cache is what is known: of names whether a zone begins there, of signatures
// whether they verify, of questions that they failed. Each part is bounded and replaces
// what was used longest ago.
type cache struct {
	cuts     *lru.Cache[string, *cut]
	verdicts *lru.Cache[dnssec.Digest, struct{}]
	invalid  *lru.Cache[dnssec.Digest, struct{}] // apart, so that an attack leaves the verdicts alone
	failed   *lru.Cache[question, keptFailure]
	passed   *lru.Cache[question, keptFailure] // what was answered all the same, and is to be explained
}

// withCuts returns a cache for another view of the tree: signatures and failures are the
// same in all.
func (c *cache) withCuts(cuts *lru.Cache[string, *cut]) *cache {
	other := *c
	other.cuts = cuts
	return &other
}

// question is what was asked: a canonical name and a type.
type question struct {
	name  string
	qtype uint16
}

type keptFailure struct {
	finding dnssec.Finding
	until   time.Time // refused without asking
	expires time.Time // explained
	times   int
}

func newCache(capacity int) (*cache, error) {
	cuts, err := lru.New[string, *cut](capacity)
	if err != nil {
		return nil, err
	}
	verdicts, err := lru.New[dnssec.Digest, struct{}](4 * capacity)
	if err != nil {
		return nil, err
	}
	invalid, err := lru.New[dnssec.Digest, struct{}](capacity)
	if err != nil {
		return nil, err
	}
	failed, err := lru.New[question, keptFailure](capacity)
	if err != nil {
		return nil, err
	}
	passed, err := lru.New[question, keptFailure](capacity)
	if err != nil {
		return nil, err
	}
	return &cache{cuts: cuts, verdicts: verdicts, invalid: invalid, failed: failed, passed: passed}, nil
}

// cut returns what is known of the name now, or nil. What other trust anchors
// proved, before they were replaced, does not count.
func (c *cache) cut(name string, anchors *anchorSet, now time.Time) *cut {
	known, ok := c.cuts.Get(name)
	if !ok || !now.Before(known.expires) || known.anchors != anchors {
		return nil
	}
	return known
}

// keepCut keeps what was found of a name until it expires: a failure for 1 s, and
// twice as long each time that it fails again (RFC 9520, section 3.2). Running out
// of budget says nothing of the zone and is not kept.
func (c *cache) keepCut(found *cut, now time.Time) {
	if found.finding.Reason.Unfinished() {
		return
	}
	if found.finding.Status == dnssec.Bogus {
		if before, ok := c.cuts.Peek(found.name); ok && before.finding.Status == dnssec.Bogus {
			found.times = before.times
		}
		found.times++
		found.expires = now.Add(backOff(found.times))
	}
	c.cuts.Add(found.name, found)
}

func backOff(times int) time.Duration {
	return min(time.Second<<min(times-1, 5), maxFailureTTL)
}

// ledger is the cache's part that remembers signatures, with the metrics of the
// server that asks. It implements dnssec.Ledger.
type ledger struct {
	cache    *cache
	counters *counters
}

func (l ledger) Known(d dnssec.Digest) (good, known bool) {
	if _, known = l.cache.verdicts.Get(d); known {
		good = true
	} else {
		_, known = l.cache.invalid.Get(d)
	}
	l.counters.lookedUp(known)
	return good, known
}

func (l ledger) Checked(d dnssec.Digest, algorithm uint8, good bool) {
	l.counters.checked(algorithm, good)
	if good {
		l.cache.verdicts.Add(d, struct{}{})
	} else {
		l.cache.invalid.Add(d, struct{}{})
	}
}

// failure returns why the question failed a moment ago, if it is not to be asked
// again yet.
func (c *cache) failure(q question, now time.Time) (dnssec.Finding, bool) {
	kept, ok := c.failed.Get(q)
	return kept.finding, ok && now.Before(kept.until)
}

// lastFailure returns why the question failed last, for as long as CoreDNS's cache
// may answer for it.
func (c *cache) lastFailure(q question, now time.Time) (dnssec.Finding, bool) {
	kept, ok := c.failed.Get(q)
	return kept.finding, ok && now.Before(kept.expires)
}

// keepFailure keeps the reason that a question failed for.
func (c *cache) keepFailure(q question, f dnssec.Finding, now time.Time) {
	before, _ := c.failed.Peek(q)
	times := before.times + 1
	c.failed.Add(q, keptFailure{finding: f, until: now.Add(backOff(times)), expires: now.Add(keptToExplain), times: times})
}

// forgetUnavailable is for an upstream that answers again: what it did not answer counts
// no more.
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

// forgetFailure is for a question that was answered well.
func (c *cache) forgetFailure(q question) { c.failed.Remove(q) }

// noteFailure keeps a reason for explaining only.
func (c *cache) noteFailure(q question, f dnssec.Finding, now time.Time) {
	if kept, ok := c.failed.Peek(q); ok && now.Before(kept.expires) {
		return
	}
	c.failed.Add(q, keptFailure{finding: f, expires: now.Add(keptToExplain)})
}

// noteAnswer keeps what an Extended DNS Error says of an answer that is passed on, for
// those who get it out of CoreDNS's cache. There are few such answers.
func (c *cache) noteAnswer(q question, x *explanation, now time.Time) {
	switch {
	case x.judge != nil && x.text != "":
		c.passed.Add(q, keptFailure{finding: x.finding, expires: now.Add(answerToExplain)})
	case c.passed.Len() > 0:
		c.passed.Remove(q)
	}
}

// lastAnswer returns what is to be explained of the last answer to a question.
func (c *cache) lastAnswer(q question, now time.Time) (dnssec.Finding, bool) {
	kept, ok := c.passed.Get(q)
	return kept.finding, ok && now.Before(kept.expires)
}
