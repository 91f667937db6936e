package validator

import (
	"errors"
	"fmt"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// provenDS is a DS set that was authenticated. It is empty if its records are nil.
type provenDS struct {
	set     dnssec.DSSet
	expires time.Time
}

// holds reports whether there is a DS set that has not expired.
func (p provenDS) holds(now time.Time) bool { return now.Before(p.expires) }

// approach is how far the efforts to prove one zone came. The questions for DS and DNSKEY
// have efforts of their own, so that only the one that failed is asked again.
type approach struct {
	name     string
	ds       provenDS
	doubtful bool   // the DS set does not fit the keys: both are asked for again
	asked    effort // the next effort for the DS
	keys     effort // the next effort for the DNSKEY
}

// exhausted reports whether the question that failed was asked with every effort.
func (a *approach) exhausted(most effort) bool {
	return a.keys >= most || a.asked >= most && a.keys == usual
}

// tryHard judges the delegation, and the keys if there is a DS. What fails is asked for
// with more effort before it counts as failed, unless the upstream answers nothing at all.
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
	if c.finding.Status == dnssec.Bogus && !a.doubtful {
		c.proven = a.ds
	}
	return c
}

// approach begins with the DS set that was proven when the keys failed the last time.
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
	if !a.ds.holds(q.now) || a.doubtful && a.asked < efforts {
		ds, without := q.delegationSigner(a.name, a.asked)
		a.asked++
		switch {
		case without == nil:
			a.ds = ds
		case !a.ds.holds(q.now) || without.finding.Status != dnssec.Bogus:
			return without
		}
	}
	return q.keysOf(a, a.ds)
}

// delegationSigner asks for the DS set of a zone. It returns what is at the name if there is
// none that is proven.
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
		c := &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: verdict.Finding, expires: verdict.until, inherited: verdict.inherited}
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
	msg, err := q.fetch(a.name, dns.TypeDNSKEY, a.keys)
	a.keys++
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

// until returns when a denial expires.
func (q *query) until(ttl uint32) time.Time {
	return q.now.Add(max(min(time.Duration(ttl)*time.Second, maxDenialTTL), time.Second))
}

// unavailable is for a question that could not be asked or was not answered. If nobody is
// in charge of the name the operator's configuration is the cause, not an attack: the
// name is Indeterminate then.
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

func failedCut(name string, r dnssec.Reason, detail string) *cut {
	return &cut{name: name, delegation: dnssec.DelegationUnsigned, finding: dnssec.Finding{Status: r.Status(), Reason: r, Detail: detail}}
}
