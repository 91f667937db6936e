package validator

import (
	"errors"
	"fmt"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// provenDS is a DS set that was authenticated. The zero value is none.
type provenDS struct {
	set     dnssec.DSSet
	expires time.Time
}

// holds reports whether there is a DS set that has not expired.
func (p provenDS) holds(now time.Time) bool { return now.Before(p.expires) }

// approach is the state of the attempts to prove one zone. The DS and the DNSKEY have efforts
// of their own, so that only the question that failed is asked again.
type approach struct {
	name       string
	ds         provenDS
	doubtful   bool   // no key matches the DS set: both are asked for again
	dsEffort   effort // with which the DS is asked for next
	keysEffort effort // with which the DNSKEY is asked for next
}

// exhausted reports whether the question that failed was asked as often as is allowed.
func (a *approach) exhausted(most effort) bool {
	return a.keysEffort >= most || a.dsEffort >= most && a.keysEffort == usual
}

// tryHard judges the delegation, and the keys if there is a DS. It asks again with more effort
// before it returns a failure, unless the upstream answers nothing at all.
// Of several failures it returns the one that got furthest through the checks.
func (q *query) tryHard(name string) (c *cut) {
	a := q.approach(name)
	for tries := 0; tries < 2*mixedEfforts; tries++ {
		next := q.attempt(a)
		if next.finding.Status != dnssec.Bogus && c != nil {
			q.v.mixed.noteRecovery(c.finding.Reason, q.now)
		}
		if c == nil || next.finding.Status != dnssec.Bogus || next.finding.Reason >= c.finding.Reason {
			c = next
		}
		if c.finding.Status != dnssec.Bogus || c.inherited || c.finding.Reason.Unfinished() || q.ctx.Err() != nil ||
			c.finding.Reason.Unavailable() && q.v.options.Topology.Silent(name) || a.exhausted(q.efforts(next.finding.Reason)) {
			break
		}
	}
	if c.finding.Status == dnssec.Bogus && !a.doubtful || a.ds.expires.After(c.expires) {
		c.proven = a.ds
	}
	return c
}

// approach returns the first state of the attempts. It has the DS set if that was proven
// before, and only the keys failed or expired.
func (q *query) approach(name string) *approach {
	a := &approach{name: name}
	a.ds = q.v.cache.provenDS(name, q.anchors, q.now)
	return a
}

// attempt asks for the DS, unless the name has trust anchors or the DS is proven already,
// and then for the DNSKEY.
func (q *query) attempt(a *approach) *cut {
	if anchors, ok := q.anchorDS(a.name); ok {
		return q.keysByAnchors(a, anchors)
	}
	if scope := q.scope(a.name); scope.finding.Status != dnssec.Secure {
		return &cut{name: a.name, delegation: dnssec.DelegationUnsigned, finding: scope.finding}
	}
	if !a.ds.holds(q.now) || a.doubtful && a.dsEffort < efforts {
		ds, without := q.delegationSigner(a.name, a.dsEffort)
		a.dsEffort++
		switch {
		case without == nil:
			a.ds = ds
		case !a.ds.holds(q.now) || without.finding.Status != dnssec.Bogus:
			return without
		}
	}
	return q.keysOf(a, a.ds)
}

// delegationSigner asks for the DS set of a zone. If none is proven it returns what is at the
// name instead.
func (q *query) delegationSigner(name string, e effort) (provenDS, *cut) {
	msg, err := q.fetch(name, dns.TypeDS, e)
	if err != nil {
		return provenDS{}, q.withoutAnswer(name, err)
	}
	set, ok := findSet(dnssec.GroupRRsets(msg.Answer), name, dns.TypeDS)
	if !ok {
		return provenDS{}, q.withoutSignedDS(name, msg)
	}
	verdict := q.judgeSet(set)
	if verdict.Status != dnssec.Secure {
		c := &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: verdict.Finding, expires: verdict.until(), inherited: verdict.inherited()}
		if c.finding.Status != dnssec.Bogus {
			c.expires = earlier(c.expires, q.now.Add(maxDenialTTL))
		}
		return provenDS{}, c
	}
	ds, ok := verdict.proof.DSSet()
	if !ok {
		return provenDS{}, failedCut(name, dnssec.DenialContradicted, "DS "+name+" comes from a wildcard")
	}
	ttl := time.Duration(verdict.proof.TTL()) * time.Second
	return provenDS{ds, q.now.Add(max(ttl, time.Second))}, nil
}

// keysOf authenticates the DNSKEY RRset of a zone by a DS set.
func (q *query) keysOf(a *approach, ds provenDS) *cut {
	ttl := min(ds.expires.Sub(q.now), maxCutTTL)
	c := &cut{name: a.name, delegation: dnssec.DelegationSigned}
	if c.finding = ds.set.Supported(q.verifier.Policy); c.finding.Status != dnssec.Secure {
		c.expires = q.now.Add(ttl)
		return c
	}
	msg, err := q.fetch(a.name, dns.TypeDNSKEY, a.keysEffort)
	a.keysEffort++
	if err != nil {
		return q.unavailable(a.name, dnssec.DNSKEYUnavailable, err)
	}
	set, ok := findSet(dnssec.GroupRRsets(msg.Answer), a.name, dns.TypeDNSKEY)
	if !ok {
		return failedCut(a.name, dnssec.DNSKEYAbsent, "the answer has no DNSKEY "+a.name)
	}
	keys, failure := q.verifier.Keys(set, ds.set)
	if a.doubtful = failure != nil && failure.Reason == dnssec.DNSKEYNoDSMatch; failure != nil {
		c.finding = failure.Finding()
		return c
	}
	c.keys = keys
	ttl = min(ttl, time.Duration(keys.TTL())*time.Second)
	c.expires = q.now.Add(max(ttl, time.Second))
	c.renewal = c.expires.Add(-max(ttl/renewedPart, time.Second))
	return c
}

// until returns when a denial with a TTL expires.
func (q *query) until(ttl uint32) time.Time {
	return q.now.Add(max(min(time.Duration(ttl)*time.Second, maxDenialTTL), time.Second))
}

// unavailable returns the cut for a question that could not be asked or was not answered. If
// no upstream is in charge of the name, the cause is the operator's configuration and not an
// attack, and the name is Indeterminate.
func (q *query) unavailable(name string, r dnssec.Reason, err error) *cut {
	qtype := "DS"
	if r == dnssec.DNSKEYUnavailable {
		qtype = "DNSKEY"
	}
	detail := fmt.Sprintf("%s %s: %v", qtype, name, err)
	switch {
	case errors.Is(err, ErrNoRoute):
		finding := dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.PrivateZone, Detail: detail}
		return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: finding, expires: q.now.Add(maxDenialTTL)}
	case errors.Is(err, errQuestions):
		return failedCut(name, dnssec.LimitExceeded, detail)
	default:
		return failedCut(name, r, detail)
	}
}

// failedCut returns the cut of a name for which nothing could be proven.
func failedCut(name string, r dnssec.Reason, detail string) *cut {
	return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: dnssec.Finding{Status: r.Status(), Reason: r, Detail: detail}}
}
