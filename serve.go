package dnssecval

import (
	"context"
	"slices"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/request"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
)

// Server judges what the block itself serves. It stands directly before the
// authoritative plugins, and servedEnd directly behind them: what they let fall through is
// not judged here.
type Server struct {
	Next       plugin.Handler
	*Validator // with the zones that are served, and a cache of its own
}

// withOwnView returns a validator with the same anchors and words, and with an own
// view of the tree: a block that serves asks its authoritative plugins.
func (v *Validator) withOwnView() *Validator {
	cuts, _ := lru.New[string, *cut](defaultCapacity) // fails for sizes below 1 only
	return &Validator{
		directive: v.directive, policy: v.policy, metrics: v.metrics, log: v.log, failures: v.failures,
		anchors: v.anchors, sources: v.sources, configured: v.configured, seen: v.seen,
		rollovers: v.rollovers, signal: v.signal, unproven: v.unproven,
		cache: v.cache.withCuts(cuts), turns: v.turns,
		told: v.told, report: v.report, override: v.override, now: v.now,
	}
}

// served is one question on its way through the authoritative plugins.
type served struct {
	w      dns.ResponseWriter
	r      *dns.Msg
	ctx    context.Context
	passed bool // no plugin answered
}

type servedKey struct{}

// unserved is for a question of its own within another: the target of an alias, or
// one of the chain. Should the authoritative plugins let it through, the other has not passed.
func unserved(ctx context.Context) context.Context {
	return context.WithValue(ctx, servedKey{}, (*served)(nil))
}

// ServeDNS implements plugin.Handler.
func (s *Server) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	state := request.Request{W: w, Req: r}
	switch t := state.QType(); {
	case r.Opcode != dns.OpcodeQuery, state.QClass() != dns.ClassINET, t == dns.TypeAXFR, t == dns.TypeIXFR,
		r.CheckingDisabled, s.serves.zone(state.Name()) == "":
		return plugin.NextOrFailure(s.Name(), s.Next, unserved(ctx), w, r)
	}
	way := &served{w: w, r: r, ctx: ctx}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, servedKey{}, way), patience)
	defer cancel()

	q := s.newQuery(ctx, w, r)
	caught := &asking{ResponseWriter: w}
	rcode, err := plugin.NextOrFailure(s.Name(), s.Next, ctx, caught, q.servedRequest())
	if way.passed || caught.msg == nil {
		return rcode, err
	}
	return s.answer(q, caught.msg)
}

// answer refuses what fails, and hands on the rest as the plugin made it.
func (s *Server) answer(q *query, msg *dns.Msg) (int, error) {
	result, unproven := q.judgeServed(msg)
	if result.Status == dnssec.Bogus && s.forgetKeys(q.question.name) {
		result, unproven = q.judgeServed(msg)
	}
	q.counters.counted(result.Finding)
	if result.Status == dnssec.Bogus {
		s.tell(q, result.Finding)
		if !s.report {
			return s.fail(q.w, q.request, result.Reason)
		}
	} else {
		q.explain(result.Finding)
	}
	vouched := result.Status == dnssec.Secure && msg.Authoritative && !s.serves.has(q.question.name) // a referral's NS are not signed
	_ = q.w.WriteMsg(servedReply(q.request, msg, vouched, unproven))
	return dns.RcodeSuccess, nil
}

// forgetKeys has the keys of a name's zone looked at anew: it may have been signed
// with others since. They are at hand, so that no TTL is to be waited for.
func (s *Server) forgetKeys(name string) bool {
	zone := s.serves.zone(name)
	known := s.cache.cut(zone, s.anchors.Load(), s.now())
	return known != nil && known.finding.Status == dnssec.Secure && s.cache.cuts.Remove(zone)
}

// servedRequest is the client's request with DO, for the records to judge by.
func (q *query) servedRequest() *dns.Msg {
	req := q.request.Copy()
	if opt := req.IsEdns0(); opt != nil {
		opt.SetDo()
	} else {
		req.SetEdns0(dns.MaxMsgSize, true)
	}
	return req
}

// judgeServed decides the status of an authoritative answer: of what is in the
// block's own zones. Where an alias leads out of them, the plugin has asked others.
// What stands beside the answer and is not what was signed is to be left out.
func (q *query) judgeServed(msg *dns.Msg) (Result, []keptRRset) {
	if zone, ok := referral(q.question.name, msg); ok {
		return q.judgeReferral(zone, msg), nil
	}
	p, failure := followAliases(q.question, msg)
	if failure != nil {
		return Result{Finding: failure.Finding(), rcode: msg.Rcode}, nil
	}
	r := &response{query: q, msg: msg, result: Result{Finding: dnssec.Proven, rcode: msg.Rcode}, lenient: true}
	for _, link := range p.links {
		if q.ours(link.set.Name) {
			r.addLink(link)
		}
	}
	switch {
	case !provable(msg.Rcode), !q.ours(p.end) && p.end != "": // what an alias leads to, and others answer for
		r.weaken(verdict{})
	case len(p.final) > 0:
		for _, set := range p.final {
			r.add(set)
		}
	default:
		if q.question.qtype == dns.TypeANY || !q.ours(container(p.end, q.question.qtype)) {
			// Authoritative plugins have no answer to ANY, and the DS of a zone is its parent's to deny.
			r.weaken(verdict{Finding: dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.TypeNotSigned}})
		} else {
			r.addDenial(p)
		}
		r.addSOA()
	}
	return r.result, r.unproven()
}

// unproven returns the RRsets beside an answer that are not what was signed.
func (r *response) unproven() (sets []keptRRset) {
	for _, authority := range []bool{true, false} {
		section := r.msg.Extra
		if authority {
			section = r.msg.Ns
		}
		for _, set := range dnssec.GroupRRsets(section) {
			if r.ours(set.Name) && set.Type != dns.TypeNSEC && set.Type != dns.TypeSOA && r.judgeSet(set).Status == dnssec.Bogus {
				sets = append(sets, keptRRset{name: set.Name, rtype: set.Type, authority: authority})
			}
		}
	}
	return sets
}

// without leaves RRsets out of a section, with their signatures.
func without(section []dns.RR, sets []keptRRset, authority bool) []dns.RR {
	return slices.DeleteFunc(section, func(rr dns.RR) bool {
		rtype := rr.Header().Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			rtype = sig.TypeCovered
		}
		return keptFor(sets, dnsname.Canonical(rr.Header().Name), rtype, authority) != nil
	})
}

// addSOA judges the SOA of a denial, which file takes from the same zone file.
func (r *response) addSOA() {
	for _, set := range r.authority() {
		if set.Type == dns.TypeSOA && r.ours(set.Name) {
			r.weaken(r.judgeSet(set))
		}
	}
}

// ours tells whether a name is in a zone that the block serves.
func (q *query) ours(name string) bool { return q.v.serves.zone(name) != "" }

// referral returns the zone that the answer delegates to.
func referral(qname string, msg *dns.Msg) (zone string, ok bool) {
	if msg.Authoritative || msg.Rcode != dns.RcodeSuccess || len(msg.Answer) > 0 {
		return "", false
	}
	for _, rr := range msg.Ns {
		if name := dnsname.Canonical(rr.Header().Name); rr.Header().Rrtype == dns.TypeNS && dnsname.IsSubdomain(qname, name) {
			return name, true
		}
	}
	return "", false
}

// judgeReferral judges the DS of a delegation. Without one it is an unsigned one;
// the plugins give no proof of that.
func (q *query) judgeReferral(zone string, msg *dns.Msg) Result {
	result := Result{Finding: dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.DelegationInsecure}}
	if set, ok := findSet(dnssec.GroupRRsets(msg.Ns), zone, dns.TypeDS); ok {
		result.Finding = q.judgeSet(set).Finding
	}
	return result
}

// servedReply makes the client's answer out of the plugin's, whose sections are its
// zone's own and must not be changed.
func servedReply(r, msg *dns.Msg, ad bool, unproven []keptRRset) *dns.Msg {
	opt := r.IsEdns0()
	do := opt != nil && opt.Do()
	out := *msg
	out.Answer, out.Ns, out.Extra = slices.Clone(msg.Answer), without(slices.Clone(msg.Ns), unproven, true), without(slices.Clone(msg.Extra), unproven, false)
	out.AuthenticatedData = ad && (do || r.AuthenticatedData)
	if !do {
		out.Answer = withoutDNSSEC(out.Answer, r.Question[0].Qtype)
		out.Ns = withoutDNSSEC(out.Ns, deniedType(r.Question[0].Qtype))
		out.Extra = withoutDNSSEC(out.Extra, r.Question[0].Qtype)
	}
	out.Extra = withOPT(out.Extra, opt)
	return &out
}

// deniedType is the type that the authority section may have for a client without
// DO: ANY does not ask for the records of a denial.
func deniedType(qtype uint16) uint16 {
	if qtype == dns.TypeANY {
		return dns.TypeNone
	}
	return qtype
}

// servedEnd stands behind the authoritative plugins: what reaches it none of them answered, and
// goes on as the client asked it.
type servedEnd struct {
	next plugin.Handler
	name string
}

func (e servedEnd) Name() string { return e.name }

func (e servedEnd) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if way, ok := ctx.Value(servedKey{}).(*served); ok && way != nil && !way.passed {
		way.passed = true
		ctx, w, r = way.ctx, way.w, way.r
	}
	return plugin.NextOrFailure(e.name, e.next, ctx, w, r)
}
