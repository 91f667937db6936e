package dnssecval

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/validator"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
)

const (
	failureExplained = 5 * time.Minute // the longest that CoreDNS's cache keeps a SERVFAIL
	answerExplained  = time.Hour       // the longest that it keeps other answers, by default
)

// explanations has what CoreDNS's cache does not keep with its answers: the Extended DNS
// Errors, and until when AD may be set. It is bounded, and evicts what was used longest ago.
type explanations struct {
	failures *lru.Cache[question, keptExplanation] // of questions that were refused
	answers  *lru.Cache[question, keptExplanation] // of questions that were answered
	secure   *lru.Cache[question, keptSecure]      // of secure answers that the cache plugin may keep for longer than their signatures are valid

	keeping placement.Keeping // for how long the cache plugin keeps answers
	unknown atomic.Int64      // until when an entry of secure may be missing because it was evicted, as Unix time
}

// keptSecure is until when an answer may have AD, and when the cache plugin drops it. The
// zero value stands for no entry.
type keptSecure struct{ until, dropped time.Time }

// keptExplanation is an explanation, and until when it is kept.
type keptExplanation struct {
	explanation
	until time.Time
}

// newExplanations makes explanations with so many entries of each kind.
func newExplanations(capacity int) (*explanations, error) {
	failures, err := lru.New[question, keptExplanation](capacity)
	if err != nil {
		return nil, err
	}
	answers, err := lru.New[question, keptExplanation](capacity)
	if err != nil {
		return nil, err
	}
	e := &explanations{failures: failures, answers: answers}
	e.secure, err = lru.NewWithEvict(capacity, e.evicted)
	return e, err
}

// keepFailure keeps why a question failed.
func (e *explanations) keepFailure(q question, x explanation, now time.Time) {
	e.failures.Add(q, keptExplanation{x, now.Add(failureExplained)})
}

// noteFailure keeps why a question failed, unless that is kept already.
func (e *explanations) noteFailure(q question, x explanation, now time.Time) {
	if kept, ok := e.failures.Peek(q); !ok || !now.Before(kept.until) {
		e.keepFailure(q, x, now)
	}
}

// forgetFailure is called for a question that was answered.
func (e *explanations) forgetFailure(q question) { e.failures.Remove(q) }

// forgetUnavailable forgets the questions that an upstream did not answer.
func (e *explanations) forgetUnavailable() {
	for _, q := range e.failures.Keys() {
		if kept, ok := e.failures.Peek(q); ok && kept.finding.Reason.Unavailable() {
			e.failures.Remove(q)
		}
	}
}

// noteAnswer keeps the Extended DNS Errors of an answer that was not refused. Few answers
// have any.
func (e *explanations) noteAnswer(q question, x explanation, now time.Time) {
	switch {
	case x.engine != nil && len(x.errors) > 0:
		e.answers.Add(q, keptExplanation{x, now.Add(answerExplained)})
	case e.answers.Len() > 0:
		e.answers.Remove(q)
	}
}

// noteSecure keeps until when the answer to a question may have AD, if the cache plugin may
// keep the answer for longer. After a failure the entry stays, since the cache plugin may
// still have the previous answer.
func (e *explanations) noteSecure(q question, x explanation, ttl uint32, now time.Time) {
	switch {
	case x.finding.Status == validator.Bogus:
	case x.finding.Status == validator.Secure && e.outlasts(x.expires, ttl, now):
		e.secure.Add(q, keptSecure{until: x.expires, dropped: now.Add(time.Duration(ttl)*time.Second + e.keeping.Beyond)})
	case e.secure.Contains(q):
		e.secure.Add(q, keptSecure{}) // removing it would look like an eviction
	}
}

// outlasts reports whether the cache plugin may keep an answer for longer than its signatures
// are valid. The TTL ends before they do, so this happens only shortly before they expire.
func (e *explanations) outlasts(expires time.Time, ttl uint32, now time.Time) bool {
	lasts := time.Duration(ttl)*time.Second + e.keeping.Beyond
	if e.keeping.KeepTTL {
		lasts += time.Duration(ttl) * time.Second
	}
	return e.keeping.Beyond > 0 && !expires.IsZero() && expires.Before(now.Add(lasts))
}

// evicted is called for an entry of secure that makes room for another one. Until the cache
// plugin drops the answer of that entry, a question without an entry may have lost it.
func (e *explanations) evicted(_ question, kept keptSecure) {
	for {
		before := e.unknown.Load()
		if gone := kept.dropped.Unix(); gone <= before || e.unknown.CompareAndSwap(before, gone) {
			return
		}
	}
}

// secureUntil returns until when the last secure answer to a question may have AD. The time is
// now if the entry may have been evicted. The boolean is false if the answer may have AD for as
// long as the cache plugin keeps it.
func (e *explanations) secureUntil(q question, now time.Time) (until time.Time, ok bool) {
	kept, ok := e.secure.Get(q)
	if !ok && now.Unix() <= e.unknown.Load() {
		return now, true
	}
	return kept.until, ok && !kept.until.IsZero()
}

// expired reports whether a message has records, all with a TTL of 0. The cache plugin answers
// like this when the TTL has passed.
func expired(m *dns.Msg) bool {
	lives := func(rr dns.RR) bool { return rr.Header().Ttl > 0 }
	return len(m.Answer)+len(m.Ns) > 0 && !slices.ContainsFunc(m.Answer, lives) && !slices.ContainsFunc(m.Ns, lives)
}

// limited returns a message whose AD and TTLs last no longer than the signatures that prove
// it (RFC 4035, section 5.3.3). The cache plugin may keep it for longer, and may raise TTLs.
func (w *explainingWriter) limited(m *dns.Msg, x *explanation, now time.Time) *dns.Msg {
	until, known := time.Time{}, false
	if x != nil && x.engine != nil && x.finding.Status == dnssec.Secure {
		until, known = x.expires, true
	} else if m.Rcode != dns.RcodeServerFailure && !w.checkingDisabled && (x == nil || x.engine == nil) {
		until, known = w.block.explanations.secureUntil(w.asked, now)
	}
	if !known || until.IsZero() {
		return m
	}
	left := uint32(max(until.Sub(now)/time.Second, 0))
	if maxTTL(m) <= left && (!m.AuthenticatedData || now.Before(until)) {
		return m
	}
	out := m.Copy()
	out.AuthenticatedData = m.AuthenticatedData && now.Before(until)
	for _, rr := range slices.Concat(out.Answer, out.Ns) {
		rr.Header().Ttl = min(rr.Header().Ttl, left)
	}
	return out
}

// maxTTL returns the largest TTL of the answer and authority sections.
func maxTTL(m *dns.Msg) (ttl uint32) {
	for _, rr := range m.Answer {
		ttl = max(ttl, rr.Header().Ttl)
	}
	for _, rr := range m.Ns {
		ttl = max(ttl, rr.Header().Ttl)
	}
	return ttl
}
