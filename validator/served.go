package validator

import (
	"fmt"
	"slices"
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// served is the zones that the program serves itself.
type served struct {
	zoneOf  func(name string) string // the zone that a name is in, or an empty string
	ownKeys sync.Map                 // zones that are judged by their own keys
}

// isApex reports whether a served zone begins at the name. The nil value serves none.
func (s *served) isApex(name string) bool { return s != nil && s.zoneOf(name) == name }

// holds reports whether a name is in a served zone.
func (s *served) holds(name string) bool { return s.zoneOf(name) != "" }

// byOwnKeys reports whether a name is in a zone that is judged by its own keys.
func (s *served) byOwnKeys(name string) bool {
	_, own := s.ownKeys.Load(s.zoneOf(name))
	return own
}

// servedResult is what a Result has for a response of the program's own.
type servedResult struct {
	proven bool        // AD may be set in the answer
	left   []keptRRset // RRsets beside the answer that are not what was signed, to be left out
}

// judgeServed decides the status of an authoritative response. If it is bogus the keys of
// the zone are read again: the zone may have been signed with others since, and
// there is no reason to wait for the TTL of the old ones.
func (q *query) judgeServed(msg *dns.Msg) *Result {
	result := q.judgeServedOnce(msg)
	if result.Status == dnssec.Bogus && q.forgetServedKeys() {
		result = q.judgeServedOnce(msg)
	}
	// A referral's NS RRset is not signed.
	result.served.proven = result.Status == dnssec.Secure && msg.Authoritative && !q.v.served.byOwnKeys(q.question.name)
	result.finish(q)
	return result
}

// forgetServedKeys removes a secure zone from the cache, and reports whether it was there.
func (q *query) forgetServedKeys() bool {
	zone := q.v.served.zoneOf(q.question.name)
	known := q.v.cache.cut(zone, q.anchors, q.now)
	return known != nil && known.finding.Status == dnssec.Secure && q.v.cache.cuts.Remove(zone)
}

// judgeServedOnce judges what is in the served zones. The target of an alias outside of
// them was asked for elsewhere, and is not judged.
func (q *query) judgeServedOnce(msg *dns.Msg) *Result {
	if zone, ok := referral(q.question.name, msg); ok {
		return &Result{Finding: q.judgeReferral(zone, msg), shape: shape{served: new(servedResult)}}
	}
	p, failure := followAliases(q.question, msg)
	if failure != nil {
		return &Result{Finding: failure.Finding(), shape: shape{rcode: msg.Rcode, served: new(servedResult)}}
	}
	r := &response{query: q, msg: msg, result: Result{Finding: dnssec.Proven, shape: shape{rcode: msg.Rcode}}, lenient: true}
	for _, link := range p.links {
		if q.v.served.holds(link.set.Name) {
			r.addLink(link)
		}
	}
	r.judgeServedEnd(p)
	r.result.served = &servedResult{left: r.unproven()}
	return &r.result
}

// judgeServedEnd judges what the alias chain leads to.
func (r *response) judgeServedEnd(p path) {
	served := r.v.served
	switch {
	case !provable(r.msg.Rcode), !served.holds(p.end) && p.end != "":
		r.weaken(verdict{})
	case len(p.final) > 0:
		for _, set := range p.final {
			r.add(set)
		}
	default:
		if r.question.qtype == dns.TypeANY || !served.holds(container(p.end, r.question.qtype)) {
			// Authoritative plugins do not answer ANY, and the DS of a zone is its parent's to deny.
			r.weaken(verdict{Finding: dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.TypeNotSigned}})
		} else {
			r.addDenial(&p)
		}
		r.judgeServedSOA()
	}
}

// unproven returns the RRsets beside an answer that are not what was signed.
func (r *response) unproven() (sets []keptRRset) {
	for _, in := range []section{authoritySection, additionalSection} {
		records := r.msg.Extra
		if in == authoritySection {
			records = r.msg.Ns
		}
		for _, set := range dnssec.GroupRRsets(records) {
			if r.v.served.holds(set.Name) && set.Type != dns.TypeNSEC && set.Type != dns.TypeSOA && r.judgeSet(set).Status == dnssec.Bogus {
				sets = append(sets, keptRRset{name: set.Name, rtype: set.Type, section: in})
			}
		}
	}
	return sets
}

// judgeServedSOA judges the SOA of a denial, which comes from the same zone.
func (r *response) judgeServedSOA() {
	for _, set := range r.authority() {
		if set.Type == dns.TypeSOA && r.v.served.holds(set.Name) {
			r.weaken(r.judgeSet(set))
		}
	}
}

// referral returns the zone that a response delegates to.
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

// judgeReferral judges the DS of a delegation. Without a DS it is an insecure one;
// authoritative plugins give no proof of that.
func (q *query) judgeReferral(zone string, msg *dns.Msg) dnssec.Finding {
	if set, ok := findSet(dnssec.GroupRRsets(msg.Ns), zone, dns.TypeDS); ok {
		return q.judgeSet(set).Finding
	}
	return dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.DelegationInsecure}
}

// byOwnKeys judges a zone that the program serves by the keys in the zone itself, if
// neither a trust anchor nor the tree authenticates them. This shows whether what is
// served is what was signed, and for how long still. It proves nothing to others, so that
// AD is not set.
func (q *query) byOwnKeys(name string, c *cut) *cut {
	unknown := c.finding.Status == dnssec.Indeterminate || c.finding.Status == dnssec.Insecure && c.delegation != dnssec.DelegationSigned
	unreachable := c.finding.Reason == dnssec.DSUnavailable ||
		c.inherited && (c.finding.Reason == dnssec.DNSKEYUnavailable || c.finding.Reason == dnssec.DNSKEYAbsent)
	if !q.v.served.isApex(name) || c.finding.Reason == dnssec.NegativeTrustAnchor || !unknown && !unreachable {
		return c
	}
	msg, err := q.fetch(name, dns.TypeDNSKEY, usual)
	if err != nil {
		return c
	}
	records := digestsOf(msg.Answer)
	if len(records) == 0 {
		return c
	}
	q.v.served.ownKeys.Store(name, true)
	q.observer.OwnKeysUsed(name, fmt.Sprintf("%s IN DS %d %d %d %s", name, records[0].KeyTag, records[0].Algorithm, records[0].DigestType, records[0].Digest))
	return q.keysOf(&approach{name: name}, provenDS{dnssec.TrustAnchors(name, records), q.now.Add(maxDenialTTL)})
}

// digestsOf returns DS records of the keys of a DNSKEY RRset, those with the SEP flag
// first: it is these that parents publish.
func digestsOf(answer []dns.RR) []*dns.DS {
	var entry, others []*dns.DS
	for _, rr := range answer {
		key, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		ds := key.ToDS(dns.SHA256)
		switch {
		case ds == nil:
		case key.Flags&dns.SEP != 0:
			entry = append(entry, ds)
		default:
			others = append(others, ds)
		}
	}
	return append(entry, others...)
}

// servedReply makes the client's answer out of an authoritative response, whose sections
// belong to the zone and must not be changed.
func servedReply(r, msg *dns.Msg, result *servedResult) *dns.Msg {
	opt := r.IsEdns0()
	do := opt != nil && opt.Do()
	out := *msg
	out.Answer, out.Ns, out.Extra = slices.Clone(msg.Answer), without(slices.Clone(msg.Ns), result.left, authoritySection), without(slices.Clone(msg.Extra), result.left, additionalSection)
	out.AuthenticatedData = result.proven && (do || r.AuthenticatedData)
	if !do {
		out.Answer = withoutDNSSEC(out.Answer, r.Question[0].Qtype)
		out.Ns = withoutDNSSEC(out.Ns, deniedType(r.Question[0].Qtype))
		out.Extra = withoutDNSSEC(out.Extra, r.Question[0].Qtype)
	}
	out.Extra = withOPT(out.Extra, opt)
	return &out
}

// without leaves RRsets out of a section, with their signatures.
func without(records []dns.RR, sets []keptRRset, in section) []dns.RR {
	return slices.DeleteFunc(records, func(rr dns.RR) bool {
		rtype := rr.Header().Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			rtype = sig.TypeCovered
		}
		return keptFor(sets, dnsname.Canonical(rr.Header().Name), rtype, in) != nil
	})
}

// deniedType returns the type that the authority section may have for a client without
// DO: a question for ANY does not ask for the records of a denial.
func deniedType(qtype uint16) uint16 {
	if qtype == dns.TypeANY {
		return dns.TypeNone
	}
	return qtype
}
