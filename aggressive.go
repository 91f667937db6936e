package dnssecval

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Aggressive use of what was proven (RFC 8198): a question whose answer follows from
// records of other names is not asked. What is decided here rests on the same proofs
// as a response, over records that earlier responses brought.

// synthesis is the kind of an answer that was not asked for, as metrics name it.
type synthesis string

const (
	synthesizedNameError synthesis = "nxdomain"
	synthesizedNoData    synthesis = "nodata"
	synthesizedWildcard  synthesis = "wildcard"
)

// synthesize answers the client's question from what is known, or returns nil.
func (q *query) synthesize(known *cut) (*dns.Msg, *Result) {
	home := container(q.question.name, q.question.qtype)
	if q.v.denials == nil || q.v.report || !q.deniable(home, known) {
		return nil, nil
	}
	msg, result, kind := q.deniedAnswer(known.name)
	if msg == nil {
		if msg, result = q.wildcardAnswer(known.name); msg == nil {
			return nil, nil
		}
		kind = synthesizedWildcard
	}
	q.counters.synthesized(kind)
	return msg, result
}

// deniable tells whether a zone, the closest that is known, can speak for a name. It
// can't for what the operator forwards by a name further down.
func (q *query) deniable(name string, known *cut) bool {
	return known != nil && known.finding.Status == dnssec.Secure && dnsname.IsSubdomain(known.name, q.v.routes.private(name))
}

// withOwnBudget is the verifier for what is tried before the question is asked: what
// it spends is not to lack when the answer is judged.
func (q *query) withOwnBudget() *dnssec.Verifier {
	v := q.verifier
	v.Budget = dnssec.NewBudget()
	return &v
}

// deniedAnswer makes the answer that there is no such name, or no such RRset.
func (q *query) deniedAnswer(zone string) (*dns.Msg, *Result, synthesis) {
	name, qtype := q.question.name, q.question.qtype
	sets, soa, expires := q.v.denials.about(name, zone, q)
	ttl := secondsLeft(earlier(expires, soa.expires), q.now)
	if len(sets) == 0 || !soa.holds(q) || ttl == 0 {
		return nil, nil, ""
	}
	s := &draft{query: q, msg: new(dns.Msg), ttl: ttl, kind: synthesizedNameError}
	denial := q.withOwnBudget().Denial(zone, sets)
	s.result.rcode = dns.RcodeNameError
	if denial.NameError(name).Status != dnssec.Secure {
		s.result.rcode, s.kind = dns.RcodeSuccess, synthesizedNoData
		if denial.NoData(name, qtype).Status != dnssec.Secure {
			return nil, nil, ""
		}
	}
	s.result.Finding = dnssec.Proven
	s.msg.Ns = s.add(s.msg.Ns, soa.Authenticated, soa.RRset().Name, true)
	s.addProof(sets)
	return s.msg, &s.result, s.kind
}

// wildcardAnswer makes the answer from a wildcard that is known.
func (q *query) wildcardAnswer(zone string) (*dns.Msg, *Result) {
	if q.question.name == zone {
		return nil, nil
	}
	found, sets, expires := q.v.denials.wildcard(q.question.name, zone, q.question.qtype, q)
	ttl := secondsLeft(expires, q.now)
	if len(sets) == 0 || ttl == 0 {
		return nil, nil
	}
	encloser, _ := found.Expanded()
	if q.withOwnBudget().Denial(zone, sets).WildcardAnswer(q.question.name, encloser).Status != dnssec.Secure {
		return nil, nil
	}
	s := &draft{query: q, msg: new(dns.Msg), ttl: ttl}
	s.result.Finding = dnssec.Proven
	s.msg.Answer = s.add(nil, found.Authenticated, q.request.Question[0].Name, false)
	s.addProof(sets)
	return s.msg, &s.result
}

// draft is an answer in the making.
type draft struct {
	*query
	msg    *dns.Msg
	result Result
	ttl    uint32
	kind   synthesis
}

// addProof adds the denial records, which only a client with DO wants.
func (s *draft) addProof(sets []*dnssec.Authenticated) {
	s.msg.RecursionAvailable = true
	if !s.wantsDNSSEC() {
		return
	}
	for _, a := range sets {
		s.msg.Ns = s.add(s.msg.Ns, a, a.RRset().Name, true)
	}
}

// add appends copies of what was proven: the records are for all who ask.
func (s *draft) add(section []dns.RR, a *dnssec.Authenticated, owner string, authority bool) []dns.RR {
	set := a.RRset()
	rrs := set.RRs
	if s.wantsDNSSEC() {
		rrs = append(rrs[:len(rrs):len(rrs)], a.Signature())
	}
	for _, rr := range rrs {
		rr = dns.Copy(rr)
		rr.Header().Name = owner
		section = append(section, rr)
	}
	s.result.kept = append(s.result.kept, keptRRset{dnsname.Canonical(owner), set.Type, authority, s.ttl})
	return section
}

func (q *query) wantsDNSSEC() bool {
	opt := q.request.IsEdns0()
	return opt != nil && opt.Do()
}

// deniedCut returns what is at a name if records that are known deny a DS there, as
// an opt-out span does for many names at once.
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
	sets, _, expires := q.v.denials.about(name, above.name, q)
	if len(sets) == 0 {
		return nil
	}
	shown, finding := q.withOwnBudget().Denial(above.name, sets).Delegation(name)
	if finding.Status == dnssec.Bogus {
		return nil
	}
	return &cut{name: name, delegation: shown, finding: finding, expires: expires}
}
