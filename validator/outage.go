package validator

import (
	"slices"
	"sync"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// outages detects that nothing can be proven any more, because an upstream strips signatures or
// the way to it is bad. It does so for each zone that is forwarded by name and for the rest of
// the names. Failures are cached for up to 30 s each, which would delay all names after the end
// of an outage. Instead, one of the questions that failed is asked again every two seconds.
// Once one of them is Secure, all of them may be asked again.
type outages struct {
	mu sync.Mutex
	of map[string]*outage // by Topology.Private
}

// outage is what failed since something was proven.
type outage struct {
	failed []question // the first ones
	probed question   // that was asked again last
	at     time.Time  // when it was
	ended  time.Time  // when the last outage ended
	anchor string     // zone of the trust anchor that questions failed with, if not by themselves
	others bool       // an answer to a question that had not failed was Secure
	missed int        // probes that failed since
}

const (
	outageFrom  = 3 // different questions in a row that fail
	probeEvery  = 2 * time.Second
	mostMissed  = 3               // probes that fail until the names are at fault, not the upstream, if others succeed
	outageKeeps = 4 * time.Minute // what failed counts for up to so much longer (at most 5 minutes: RFC 9520, section 3.2)
)

// keepsFor returns how much longer than otherwise something counts as failed during an
// outage, that failed so often in a row. A client that asks for names that fail can make it look as
// if there were an outage, and have all probes be of these names: for that, what failed once
// must not fail for longer than maxFailureTTL.
func keepsFor(times int) time.Duration {
	return min(maxFailureTTL<<min(max(times-1, 0), 3), outageKeeps) - time.Second
}

// in returns the outage of a zone. The mutex has to be locked.
func (o *outages) in(zone string) *outage {
	if o.of == nil {
		o.of = make(map[string]*outage)
	}
	if o.of[zone] == nil {
		o.of[zone] = new(outage)
	}
	return o.of[zone]
}

// lasts reports whether enough questions failed for an outage.
func (o *outage) lasts() bool { return len(o.failed) == outageFrom }

// noteFailed is called for a question that was asked and is Bogus.
func (o *outages) noteFailed(zone string, q question, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.in(zone).add(q, now)
}

// noteAnchorFailed is called for a question that is not asked, because the keys of its trust
// anchor, which are those of another zone, could not be proven.
func (o *outages) noteAnchorFailed(zone, anchor string, q question, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.in(zone)
	out.anchor = anchor
	out.add(q, now)
}

// add adds a question that failed.
func (o *outage) add(q question, now time.Time) {
	if o.lasts() || slices.Contains(o.failed, q) {
		return
	}
	if o.failed = append(o.failed, q); o.lasts() {
		o.probed, o.at = q, now
	}
}

// noteSecure is called for a question that was asked and is Secure from a trust anchor. It
// reports whether an outage has ended: one that failed has to be among what is proven, or the
// keys of the trust anchor. An attacker with a zone that fails now and then must not make it
// end more often than questions are asked again.
func (o *outages) noteSecure(zone, anchor string, failedBefore bool, now time.Time) (ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.in(zone)
	switch {
	case !out.lasts():
		out.failed, out.anchor = out.failed[:0], ""
	case !failedBefore && out.anchor != anchor:
		out.others = true
	case !now.Before(out.ended.Add(probeEvery)):
		*out = outage{ended: now}
		return true
	}
	return false
}

// noteMissed is called for a probe that failed.
func (o *outages) noteMissed(zone string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.in(zone)
	if !out.others {
		return
	}
	if out.missed++; out.missed == mostMissed {
		*out = outage{ended: out.ended}
	}
}

// noteUndecided is called for a probe that did not fail and is not Secure. It shows nothing, so
// that the next question that failed is a probe.
func (o *outages) noteUndecided(zone string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.in(zone).at = time.Time{}
}

// lasts reports whether there is an outage, and whether the question, which failed, is the
// one that is to be asked again now. It is the same question twice in a row only if no other
// one is asked for as long as a failure is kept.
func (o *outages) lasts(zone string, q question, now time.Time) (lasts, probe bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.in(zone)
	wait := probeEvery
	if out.probed == q {
		wait = maxFailureTTL
	}
	if !out.lasts() || now.Before(out.at.Add(wait)) {
		return out.lasts(), false
	}
	out.probed, out.at = q, now
	return true, true
}

// noteOutcome remembers whether a response that was asked for could be proven.
func (q *query) noteOutcome(result *Result) {
	zone := q.v.options.Topology.Private(q.question.name)
	switch {
	case result.Status == dnssec.Secure:
		if q.v.outages.noteSecure(zone, q.scope(container(q.question.name, q.question.qtype)).zone, q.hadFailed, q.now) {
			q.v.cache.expireFailures(q.now)
		}
	case result.Status != dnssec.Bogus:
		if q.probing {
			q.v.outages.noteUndecided(zone)
		}
	case !q.isOfName(result) || result.Reason.Unfinished() || q.ctx.Err() != nil:
	case q.probing:
		q.v.outages.noteMissed(zone)
	default:
		q.v.outages.noteFailed(zone, q.question, q.now)
	}
}

// failedBefore reports why the question failed a moment ago, if it is not to be asked
// again yet (RFC 9520, section 3.2). Without the keys of the trust anchors nothing has to be
// asked either. During an outage failures count for longer, and the query may become the
// one that finds out whether it has ended. If that fails nothing changes.
func (q *query) failedBefore() (dnssec.Finding, bool) {
	if q.v.options.ReportOnly {
		return dnssec.Finding{}, false
	}
	zone := q.v.options.Topology.Private(q.question.name)
	kept, until, times := q.v.cache.failure(q.question)
	if above := q.failedAnchor(); above != nil && above.expires.After(until) {
		kept, until, times = above.finding, above.expires, above.times
		if q.now.Before(until) {
			q.v.outages.noteAnchorFailed(zone, above.name, q.question, q.now)
		}
	}
	if !q.now.Before(until.Add(keepsFor(times))) {
		return dnssec.Finding{}, false
	}
	q.hadFailed = true
	if kept.Reason == dnssec.AnswerUnavailable { // it says nothing of what can be proven, nor would an answer end the outage if it is insecure
		return kept, q.now.Before(until)
	}
	lasts, probe := q.v.outages.lasts(zone, q.question, q.now)
	q.probing = probe
	return kept, !probe && (lasts || q.now.Before(until))
}

// failedAnchor returns the zone of the trust anchor that counts for the question if it
// failed the last time. A name that resolvers answer by themselves does not depend on it. Keys
// that the upstream did not answer for do not count: how it answers the name is passed on.
func (q *query) failedAnchor() *cut {
	home := container(q.question.name, q.question.qtype)
	scope := q.scope(home)
	if _, _, local := q.localFinding(home); local || scope.finding.Status != dnssec.Secure {
		return nil
	}
	if c, ok := q.v.cache.cuts.Peek(scope.zone); ok && c.anchors == q.anchors && c.finding.Status == dnssec.Bogus && !c.finding.Reason.Unavailable() {
		return c
	}
	return nil
}
