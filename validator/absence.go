package validator

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Where a response fails, the way down to the zone of the name may have proven that the name,
// or one above it, does not exist, or which types it has. Then that is the answer, whatever
// the response says (RFC 8020, section 2; RFC 8198, section 5). It is the one that later
// questions get, which are answered from the same records.

// maxAbsence bounds the octets of a proof that is kept with a cut.
const maxAbsence = 4096

// orDenied returns a response and its result, or if that is bogus the response that is made
// of what the chain proves: that there is no such name, or, if no zone begins at the name,
// no such type. Data are not passed on then, since the denial is proven and they are not.
func (q *query) orDenied(msg *dns.Msg, result *Result, shown dnssec.Delegation) (*dns.Msg, *Result) {
	if denial := q.denialByChain(msg, result, shown); denial != nil {
		if denied := q.judgeResponse(denial); denied.Status != dnssec.Bogus {
			return denial, denied
		}
	}
	return msg, result
}

// denialByChain makes a response that denies the first name for which a response proves
// nothing: the one that was asked for, or the target of the aliases that are verified. It
// returns nil if the chain has no proof. The response still has to be judged.
func (q *query) denialByChain(msg *dns.Msg, result *Result, shown dnssec.Delegation) *dns.Msg {
	switch {
	case result.Status != dnssec.Bogus, result.Reason.Unfinished(), result.partial && shown == dnssec.NoSuchName:
		return nil
	case q.v.options.ReportOnly && msg.Rcode != dns.RcodeNameError:
		return nil
	}
	p, failure := followAliases(q.question, msg)
	if failure != nil {
		return nil
	}
	name := q.question.name
	if result.verified > 0 {
		name = p.target(result.verified)
	}
	if name == "" {
		return nil
	}
	c := q.absent(name, shown)
	if c == nil || len(c.absence) == 0 {
		return nil
	}
	denial := *msg
	denial.Rcode, denial.Answer, denial.Ns, denial.Extra = dns.RcodeNameError, nil, c.denial(secondsLeft(c.expires, q.now)), nil
	if result.verified > 0 {
		return p.spliced(result, msg, &denial)
	}
	return &denial
}

// absent returns what is known of the name at or above a name that is proven not to exist,
// or of the name itself if no zone begins there. Otherwise it returns nil. It asks nobody:
// whoever judged the response has walked down to the zone. A zone that the operator
// forwards by name below it need not be in the public tree.
func (q *query) absent(name string, shown dnssec.Delegation) *cut {
	home := container(name, q.question.qtype)
	scope := q.scope(home)
	if scope.finding.Status != dnssec.Secure {
		return nil
	}
	for n := dnsname.Labels(scope.zone) + 1; n <= dnsname.Labels(home); n++ {
		c := q.known(dnsname.Ancestor(home, n))
		if c == nil || c.delegation != shown || dnsname.IsBelow(q.v.options.Topology.Private(home), c.name) {
			continue
		}
		if shown == dnssec.NoSuchName || c.name == name {
			return c
		}
	}
	return nil
}

// denial returns copies of the records that prove the absence, with no greater TTL.
func (c *cut) denial(ttl uint32) []dns.RR {
	ns := make([]dns.RR, len(c.absence))
	for i, rr := range c.absence {
		ns[i] = dns.Copy(rr)
		ns[i].Header().Ttl = min(rr.Header().Ttl, ttl)
	}
	return ns
}

// absence returns the records of a denial, and the SOA of the zone that signed them. It
// returns nil if the SOA is missing, or if that is too much to keep.
func (p *proofs) absence() (rrs []dns.RR) {
	for _, a := range p.sets {
		rrs = append(rrs, withSignature(a)...)
	}
	signed := len(rrs)
	for _, soa := range p.soas {
		if slices.ContainsFunc(p.sets, func(a *dnssec.Authenticated) bool { return a.Signer() == soa.Name }) {
			rrs = append(rrs, soa.RRs...)
			for _, sig := range soa.Sigs {
				rrs = append(rrs, sig)
			}
		}
	}
	octets := 0
	for _, rr := range rrs {
		octets += dns.Len(rr)
	}
	if len(rrs) == signed || octets > maxAbsence {
		return nil
	}
	return rrs
}

// absence is that of a response, of records that came with several ones.
func (d *denied) absence() []dns.RR {
	rrs := withSignature(d.soa.Authenticated)
	for _, span := range d.spans {
		rrs = append(rrs, withSignature(span.Authenticated)...)
	}
	return rrs
}

func withSignature(a *dnssec.Authenticated) []dns.RR {
	return append(slices.Clone(a.RRset().RRs), a.Signature())
}
