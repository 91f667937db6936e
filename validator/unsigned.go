package validator

import (
	"slices"
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Some resolvers leave the signature of one RRset out of a response to another question,
// and have it in the response to the question for that RRset. What came without its
// signature is asked for by its own type, once, before the response is refused. The result
// is one response, which is judged as any other.

// maxLacks bounds the questions for what responses to one client's query lack: a signature of
// each alias, and a few for the denial at the end. A response may lack thousands.
const maxLacks = maxLinks + 5

// lacksSignature remembers an RRset of the answer that has no signature and ought to. The
// RRset that was asked for is not among them: it is asked for again anyway.
func (r *response) lacksSignature(set dnssec.RRset) {
	if len(set.Sigs) == 0 && set.Type != r.question.qtype {
		r.result.unsigned = append(r.result.unsigned, question{set.Name, set.Type})
	}
}

// lacksProof remembers how to ask for the proof that a name, or one of its types, does not
// exist. An NSEC record is asked for by its type. There is no question for an NSEC3 record
// (RFC 5155, section 7.2.8): the response to a question for the DS of the name has the
// records that match or cover the name (RFC 4035, section 3.1.4.1; RFC 5155, section 7.2).
func (r *response) lacksProof(name string) {
	hashed := false
	for _, set := range r.authority() {
		switch {
		case len(set.Sigs) > 0 || len(r.result.unsigned) >= maxLacks:
		case set.Type == dns.TypeNSEC:
			r.result.unsigned = append(r.result.unsigned, question{set.Name, dns.TypeNSEC})
		case set.Type == dns.TypeNSEC3:
			hashed = true
		}
	}
	if hashed && r.question.qtype != dns.TypeDS {
		r.result.unsigned = append(r.result.unsigned, question{name, dns.TypeDS})
	}
}

// complete asks for what a bogus response lacks, each once and maxLacks in all. It returns the result of the
// response that it leaves in msg.
func (q *query) complete(msg **dns.Msg, result *Result, tried *[]question) *Result {
	for result.Status == dnssec.Bogus && !result.Reason.Unfinished() && len(*tried) < maxLacks && q.ctx.Err() == nil {
		i := slices.IndexFunc(result.unsigned, func(lack question) bool { return !slices.Contains(*tried, lack) })
		if i < 0 {
			return result
		}
		lack := result.unsigned[i]
		*tried = append(*tried, lack)
		next := q.supplied(*msg, lack)
		if next == nil {
			continue
		}
		next.Answer = onlyProving(next.Answer, result.sets.proven, answerSection)
		next.Ns = onlyProving(next.Ns, result.sets.proven, authoritySection)
		if other := q.judgeResponse(next); other.whole() || !result.better(other) {
			*msg, result = next, other
		}
	}
	return result
}

// supplied asks one of the questions of Result.unsigned. It returns the response with what
// came, or nil if that has no signature either.
func (q *query) supplied(msg *dns.Msg, lack question) *dns.Msg {
	came := q.byType(lack)
	signed := append(signedAt(came.Answer, lack), signedDenials(came.Ns)...)
	whole := *msg
	var inAnswer, inAuthority bool
	whole.Answer, inAnswer = replacedBy(msg.Answer, signed)
	whole.Ns, inAuthority = replacedBy(msg.Ns, signed)
	if !inAnswer && !inAuthority {
		return nil
	}
	return &whole
}

// byType asks for an RRset by its type, once for a client's query. The response is empty if
// there is none. It is shared and must not be changed.
func (q *query) byType(key question) *dns.Msg {
	q.ahead.Lock()
	came := q.ahead.byType[key]
	if came == nil {
		if q.ahead.byType == nil {
			q.ahead.byType = make(map[question]func() *dns.Msg)
		}
		came = sync.OnceValue(func() *dns.Msg {
			msg, err := q.fetch(key.name, key.qtype, usual)
			if err != nil {
				return new(dns.Msg)
			}
			return msg
		})
		q.ahead.byType[key] = came
	}
	q.ahead.Unlock()
	return came()
}

// withoutSignedDS judges a response without DS like withoutDS. If it has an alias that lacks
// its signature that is asked for by its type.
func (q *query) withoutSignedDS(name string, msg *dns.Msg) *cut {
	c := q.withoutDS(name, msg)
	alias, ok := unsignedAlias(name, msg)
	if c.finding.Status != dnssec.Bogus || c.inherited || c.finding.Reason.Unfinished() || !ok {
		return c
	}
	if whole := q.supplied(msg, question{alias.Name, alias.Type}); whole != nil {
		return q.withoutDS(name, whole)
	}
	return failedCut(name, dnssec.SignatureMissing, "no RRSIG "+alias.String())
}

// unsignedAlias returns the DNAME above a name or the CNAME at it that answers for the name,
// if it has no signature.
func unsignedAlias(name string, msg *dns.Msg) (alias dnssec.RRset, ok bool) {
	sets := dnssec.GroupRRsets(msg.Answer)
	if alias, ok = closestDNAME(sets, name); !ok {
		alias, ok = findSet(sets, name, dns.TypeCNAME)
	}
	return alias, ok && len(alias.Sigs) == 0
}

// signedAt returns the RRsets of a section that were asked for and have a signature: one, or the
// NSEC RRsets of both sides of a zone cut.
func signedAt(section []dns.RR, q question) []dnssec.RRset {
	return slices.DeleteFunc(dnssec.GroupRRsets(section), func(set dnssec.RRset) bool {
		return set.Name != q.name || set.Type != q.qtype || len(set.Sigs) == 0
	})
}

// signedDenials returns the NSEC and NSEC3 RRsets of a section that have signatures, as many
// as count in a response.
func signedDenials(section []dns.RR) []dnssec.RRset {
	sets := slices.DeleteFunc(dnssec.GroupRRsets(section), func(set dnssec.RRset) bool {
		return len(set.Sigs) == 0 || set.Type != dns.TypeNSEC && set.Type != dns.TypeNSEC3
	})
	return sets[:min(len(sets), maxDenialRRsets)]
}

// replacedBy returns a section in which signed RRsets take the place of those of the same
// name and type that have no signature, and whether there are any. Of the NSEC RRsets at a
// zone cut each takes the place of its own side (RFC 4035, section 2.3).
func replacedBy(section []dns.RR, signed []dnssec.RRset) (result []dns.RR, found bool) {
	result = slices.Clone(section)
	sets := dnssec.GroupRRsets(section)
	for _, set := range signed {
		i := slices.IndexFunc(sets, func(old dnssec.RRset) bool { return isOf(old.RRs[0], set) })
		if i < 0 || len(sets[i].Sigs) > 0 {
			continue
		}
		at := slices.Index(result, sets[i].RRs[0])
		if at < 0 {
			continue // replaced already
		}
		rest := slices.DeleteFunc(slices.Clone(result[at:]), func(rr dns.RR) bool { return isOf(rr, set) })
		result, found = slices.Concat(result[:at], copied(set), rest), true
	}
	return result, found
}

// copied returns copies of the records and the signatures of an RRset.
func copied(set dnssec.RRset) (rrs []dns.RR) {
	for _, rr := range set.RRs {
		rrs = append(rrs, dns.Copy(rr))
	}
	for _, sig := range set.Sigs {
		rrs = append(rrs, dns.Copy(sig))
	}
	return rrs
}

// isOf reports whether a record is one of an RRset. Its signatures are not, nor is the NSEC
// record of the other side of a zone cut.
func isOf(rr dns.RR, set dnssec.RRset) bool {
	return rr.Header().Rrtype == set.Type && rr.Header().Class == dns.ClassINET && dnsname.Canonical(rr.Header().Name) == set.Name &&
		(set.Type != dns.TypeNSEC || isOfApex(rr) == isOfApex(set.RRs[0]))
}
