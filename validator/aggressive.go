package validator

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Aggressive use of what was proven (RFC 8198): a question whose answer follows from
// records of other names is not asked. The proofs are the same as for a response, over
// records that came with earlier responses.

// synthesize answers the client's question from what is known, or returns nil.
func (q *query) synthesize(known *cut) (*dns.Msg, *Result) {
	home := container(q.question.name, q.question.qtype)
	if q.v.denials == nil || q.v.options.ReportOnly || !q.deniable(home, known) {
		return nil, nil
	}
	msg, result, kind := q.deniedAnswer(known.name)
	if msg == nil {
		msg, result, kind = q.wildcardAnswer(known.name)
	}
	if msg != nil {
		q.observer.AnswerSynthesized(kind)
	}
	return msg, result
}

// deniable reports whether the closest zone that is known can deny a name. It can't deny
// what the operator forwards by a name below it, nor what resolvers answer by themselves.
func (q *query) deniable(name string, known *cut) bool {
	return known != nil && known.finding.Status == dnssec.Secure && dnsname.IsSubdomain(known.name, q.v.options.Topology.Private(name)) && q.deniesLocal(name, known.name)
}

// deniedAnswer makes the answer that there is no such name, or no such RRset.
func (q *query) deniedAnswer(zone string) (*dns.Msg, *Result, Synthesis) {
	name, qtype := q.question.name, q.question.qtype
	denial := q.v.denials.about(name, zone, q)
	if denial == nil || !denial.soa.holds(q) {
		return nil, nil, ""
	}
	s := &draft{query: q, ttl: secondsLeft(earlier(denial.expires, denial.soa.expires), q.now)}
	kind := SynthesizedNameError
	s.result.rcode = dns.RcodeNameError
	if denial.NameError(name).Status != dnssec.Secure {
		kind, s.result.rcode = SynthesizedNoData, dns.RcodeSuccess
		if denial.NoData(name, qtype).Status != dnssec.Secure {
			return nil, nil, ""
		}
	}
	s.msg.Ns = s.add(s.msg.Ns, denial.soa.Authenticated, denial.soa.RRset().Name, authoritySection)
	return s.finished(denial, kind)
}

// wildcardAnswer makes the answer from a wildcard that is known.
func (q *query) wildcardAnswer(zone string) (*dns.Msg, *Result, Synthesis) {
	found, denial := q.v.denials.wildcard(q.question.name, zone, q.question.qtype, q)
	if denial == nil {
		return nil, nil, ""
	}
	encloser, _ := found.Expanded()
	if denial.WildcardAnswer(q.question.name, encloser).Status != dnssec.Secure {
		return nil, nil, ""
	}
	s := &draft{query: q, ttl: secondsLeft(earlier(denial.expires, found.expires), q.now)}
	s.msg.Answer = s.add(nil, found.Authenticated, q.request.Question[0].Name, answerSection)
	return s.finished(denial, SynthesizedWildcard)
}

// draft is an answer that is being synthesized.
type draft struct {
	*query
	msg    dns.Msg
	result Result
	ttl    uint32
}

// finished adds the denial records, which only a client with DO wants.
func (s *draft) finished(denial *denied, kind Synthesis) (*dns.Msg, *Result, Synthesis) {
	if s.wantsDNSSEC() {
		for _, span := range denial.spans {
			s.msg.Ns = s.add(s.msg.Ns, span.Authenticated, span.RRset().Name, authoritySection)
		}
	}
	s.msg.RecursionAvailable = true
	s.result.Finding = dnssec.Proven
	return &s.msg, &s.result, kind
}

// add appends copies of the records of a proven RRset, which others may use too.
func (s *draft) add(records []dns.RR, a *dnssec.Authenticated, owner string, in section) []dns.RR {
	set := a.RRset()
	rrs := set.RRs
	if s.wantsDNSSEC() {
		rrs = append(rrs[:len(rrs):len(rrs)], a.Signature())
	}
	for _, rr := range rrs {
		rr = dns.Copy(rr)
		rr.Header().Name, rr.Header().Ttl = owner, min(rr.Header().Ttl, s.ttl)
		records = append(records, rr)
	}
	s.result.Expires = earlier(s.result.Expires, a.Expires())
	s.result.sets.proven = append(s.result.sets.proven, keptRRset{name: dnsname.Canonical(owner), rtype: set.Type, section: in, ttl: s.ttl})
	return records
}

// wantsDNSSEC reports whether the client set DO.
func (q *query) wantsDNSSEC() bool {
	opt := q.request.IsEdns0()
	return opt != nil && opt.Do()
}

// deniedCut returns what is at a name if known records deny a DS there, as an opt-out span
// does for many names at once. Otherwise it returns nil. That a name does not exist needs
// the SOA too, as an answer does.
func (q *query) deniedCut(name string) *cut {
	if q.v.denials == nil || name == dnsname.Root {
		return nil
	}
	scope := q.scope(name)
	if scope.finding.Status != dnssec.Secure || scope.zone == name {
		return nil
	}
	above := q.closestKnown(dnsname.Parent(name), scope.zone)
	if above == nil || above.finding.Status != dnssec.Secure {
		return nil
	}
	denial := q.v.denials.about(name, above.name, q)
	if denial == nil {
		return nil
	}
	shown, finding := denial.Delegation(name)
	if finding.Status == dnssec.Bogus {
		return nil
	}
	c := &cut{name: name, delegation: shown, finding: finding, within: above.name, expires: denial.expires}
	if shown == dnssec.NoSuchName {
		if !denial.soa.holds(q) {
			return nil
		}
		c.absence, c.expires = denial.absence(name), earlier(denial.expires, denial.soa.expires)
	}
	return c
}
