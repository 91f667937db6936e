package validator

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Where a response fails, the way down to the zone of the name may have proven that the name,
// or one above it, does not exist. Then that is the answer, whatever the response says (RFC
// 8020, section 2; RFC 8198, section 5.1). It is the one that later questions get, which are
// answered from the same records.

// maxKept bounds the octets of a proof that is kept with a cut, and of a wildcard's RRset.
const maxKept = 4096

// weight returns about how many octets records take in memory. A type takes two there, and a
// bit in a message.
func weight(records []dns.RR) (octets int) {
	for _, rr := range records {
		octets += dns.Len(rr)
		switch rr := rr.(type) {
		case *dns.NSEC:
			octets += 2 * len(rr.TypeBitMap)
		case *dns.NSEC3:
			octets += 2 * len(rr.TypeBitMap)
		case *dns.CSYNC:
			octets += 2 * len(rr.TypeBitMap)
		}
	}
	return octets
}

// orDenied returns a response and its result, or if that is bogus the response that is made
// of what the chain proves: that there is no such name. Data are not passed on then, since
// the denial is proven and they are not.
func (q *query) orDenied(msg *dns.Msg, result *Result) (*dns.Msg, *Result) {
	if denial := q.denialByChain(msg, result); denial != nil {
		if denied := q.judgeResponse(denial); denied.Status != dnssec.Bogus && denied.rcode == dns.RcodeNameError {
			return denial, denied
		}
	}
	return msg, result
}

// denialByChain makes a response that denies the first name for which a response proves
// nothing: the one that was asked for, or the target of the aliases that are verified. It
// returns nil if the chain has no proof. The response still has to be judged.
func (q *query) denialByChain(msg *dns.Msg, result *Result) *dns.Msg {
	switch {
	case result.Status != dnssec.Bogus, result.Reason.Unfinished(), result.partial:
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
	c := q.absent(name)
	if c == nil || len(c.absence) == 0 || deniesFor(msg, dnsname.Canonical(c.absence[0].Header().Name)) {
		return nil
	}
	denial := *msg
	denial.Rcode, denial.Answer, denial.Ns, denial.Extra = dns.RcodeNameError, nil, c.denial(secondsLeft(c.expires, q.now)), nil
	if result.verified > 0 {
		return p.spliced(result, msg, &denial)
	}
	return &denial
}

// deniesFor reports whether a response denies in the name of a zone: with its SOA. Of the
// secure zone that proves the absence such a response has to be signed. One that is not has
// lost its signatures or is forged, and stays bogus; a resolver's own denial has another SOA.
func deniesFor(msg *dns.Msg, zone string) bool {
	return slices.ContainsFunc(msg.Ns, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeSOA && dnsname.Canonical(rr.Header().Name) == zone
	})
}

// absent returns what is known of the name at or above a name that is proven not to exist,
// or nil. It asks nothing, since the response was judged, and its zone looked for, before. A zone
// that the operator forwards by name below it need not be in the public tree.
func (q *query) absent(name string) *cut {
	home := container(name, q.question.qtype)
	scope := q.scope(home)
	if scope.finding.Status != dnssec.Secure {
		return nil
	}
	for n := dnsname.Labels(scope.zone) + 1; n <= dnsname.Labels(home); n++ {
		c := q.known(dnsname.Ancestor(home, n))
		if c != nil && c.delegation == dnssec.NoSuchName && !dnsname.IsBelow(q.v.options.Topology.Private(home), c.name) {
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

// deniesBelow reports whether a denial proves a name error for the names below a name too.
// The record of an on-line signer does not, nor does one where a wildcard is.
func deniesBelow(d *dnssec.Denial, name string) bool {
	return d.NameError(dnsname.Wildcard(name)).Status == dnssec.Secure
}

// absence returns the records of the zone that proves that a name and those below it do not
// exist, its SOA among them. It returns nil if none does, or if that is too much to keep.
// The SOA is judged when it is used.
func (p *proofs) absence(name string) (rrs []dns.RR) {
	i := slices.IndexFunc(p.denials, func(d *dnssec.Denial) bool { return deniesBelow(d, name) })
	soa := -1
	if i >= 0 {
		soa = slices.IndexFunc(p.soas, func(set dnssec.RRset) bool { return set.Name == p.denials[i].Zone() })
	}
	if soa < 0 {
		return nil
	}
	rrs = slices.Clone(p.soas[soa].RRs)
	for _, sig := range p.soas[soa].Sigs {
		rrs = append(rrs, sig)
	}
	for _, a := range p.sets {
		if a.Signer() == p.denials[i].Zone() {
			rrs = append(rrs, withSignature(a)...)
		}
	}
	if weight(rrs) > maxKept {
		return nil
	}
	return rrs
}

// absence does the same with records that came with several responses. It returns nil if they
// do not deny the names below.
func (d *denied) absence(name string) []dns.RR {
	if !deniesBelow(d.Denial, name) {
		return nil
	}
	rrs := withSignature(d.soa.Authenticated)
	for _, span := range d.spans {
		rrs = append(rrs, withSignature(span.Authenticated)...)
	}
	return rrs
}

// withSignature returns the records of an RRset and the signature that verified.
func withSignature(a *dnssec.Authenticated) []dns.RR {
	return append(slices.Clone(a.RRset().RRs), a.Signature())
}
