package validator

import (
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// response is a response while it is judged.
type response struct {
	*query
	msg    *dns.Msg
	path   path
	result Result
	sets   []dnssec.RRset // of the authority section; nil until they are needed
	found  *proofs        // the denial records among them, authenticated

	lenient bool // a denial that lacks records is insecure, not bogus
	exists  bool // the response code is NXDOMAIN, and the name is proven to exist
}

// judgeResponse decides the status of a whole response. A response with another code than
// NOERROR, NXDOMAIN and YXDOMAIN has nothing that could be proven.
func (q *query) judgeResponse(msg *dns.Msg) *Result {
	if isFailure(msg.Rcode) {
		return &Result{shape: shape{rcode: msg.Rcode, errors: upstreamErrors(msg)}}
	}
	r, failure := q.response(msg)
	if failure != nil {
		return &Result{Finding: failure.Finding(), shape: shape{rcode: msg.Rcode}}
	}
	r.judgePath(&r.path)
	r.result.rcode = r.msg.Rcode
	if r.exists {
		r.result.rcode = dns.RcodeSuccess
	}
	return &r.result
}

// response begins to judge a message. It asks at once for the zones that it will take.
//
//go:noinline
func (q *query) response(msg *dns.Msg) (*response, *dnssec.Failure) {
	p, failure := followAliases(q.question, msg)
	if failure != nil {
		return nil, failure
	}
	q.expectSigners(msg)
	if q.v.served == nil {
		q.expectUnsigned(&p)
	}
	return &response{query: q, msg: msg, path: p, result: Result{Finding: dnssec.Proven, shape: shape{sets: provenSets{path: p.kept()}}}}, nil
}

// provable reports whether a response with this code can be proven.
func provable(rcode int) bool { return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError }

// judgePath judges each link of the alias chain, and then what it leads to.
func (r *response) judgePath(p *path) {
	for _, link := range p.links {
		if r.addLink(link); r.result.Status == dnssec.Bogus {
			return
		}
		r.result.verified++
		r.ahead.settle(r.result.verified)
	}
	for _, set := range p.final {
		r.add(set)
	}
	if r.result.Status != dnssec.Bogus { // nothing makes it weaker
		r.judgeEnd(p)
	}
}

// judgeEnd judges whether the response code agrees with what the path leads to, and the
// denial if it leads to nothing.
func (r *response) judgeEnd(p *path) {
	msg := r.msg
	positive := len(p.final) > 0 || p.end == ""
	switch {
	case positive && msg.Rcode == dns.RcodeNameError && r.result.Status == dnssec.Secure:
		r.exists = true
	case (positive || p.unsigned) && msg.Rcode == dns.RcodeNameError:
		r.weaken(bogus(dnssec.ResponseMalformed, "NXDOMAIN with an answer"))
	case msg.Rcode == dns.RcodeYXDomain && !p.tooLong && r.result.Status == dnssec.Secure:
		r.weaken(bogus(dnssec.ResponseMalformed, "YXDOMAIN without a DNAME that makes the name too long"))
	case p.unsigned:
		r.weaken(verdict{Finding: dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.TypeNotSigned}})
	case len(p.final) == 0 && p.end != "":
		r.proofs() // here, where the stack is still small
		r.addDenial(p)
	}
}

// weaken makes the result as weak as the verdict; the first of equals is kept.
func (r *response) weaken(v verdict) {
	if r.lenient && !v.inherited() && incomplete(v.Reason) {
		v.Status = dnssec.Insecure
	}
	if weaker := r.result.Status.Weaker(v.Status); weaker != r.result.Status {
		r.result.Finding, r.result.inherited, r.result.until = v.Finding, v.inherited(), v.until()
	}
}

// incomplete reports whether a denial failed because records are missing. Authoritative
// plugins leave some out: file returns none that covers a name below a wildcard.
func incomplete(reason dnssec.Reason) bool {
	return reason == dnssec.DenialMissing || reason == dnssec.DenialIncomplete || reason == dnssec.WildcardDenialMissing
}

// keep adds an RRset that was proven to the answer for the client.
func (r *response) keep(proof *dnssec.Authenticated, in section) {
	set := proof.RRset()
	r.result.Expires = earlier(r.result.Expires, proof.Expires())
	r.result.sets.proven = append(r.result.sets.proven, keptRRset{name: set.Name, rtype: set.Type, section: in, ttl: proof.TTL(), sig: proof.Signature()})
}

// add judges an RRset of the answer: its signature, and if that is of a wildcard the
// denial of the next closer name. Once something is bogus no other RRset is judged.
func (r *response) add(set dnssec.RRset) verdict {
	if r.result.Status == dnssec.Bogus {
		return verdict{Finding: r.result.Finding}
	}
	v := r.judgeSet(set)
	r.added(set, v)
	return v
}

// added takes over the verdict of an RRset of the answer.
//
//go:noinline
func (r *response) added(set dnssec.RRset, v verdict) {
	r.weaken(v)
	switch v.Status {
	case dnssec.Bogus:
		r.lacksSignature(set)
	case dnssec.Secure:
		r.keep(v.proof, answerSection)
		if encloser, expanded := v.proof.Expanded(); expanded {
			r.addExpansion(set, v.proof, encloser)
		}
	}
}

// addExpansion judges the denial that belongs to a wildcard expansion (RFC 4035, section
// 5.3.4). A DNAME can't come from a wildcard (RFC 6672, section 3.3).
func (r *response) addExpansion(set dnssec.RRset, proof *dnssec.Authenticated, encloser string) {
	if set.Type == dns.TypeDNAME {
		r.weaken(bogus(dnssec.SignatureLabelsInvalid, set.String()+" comes from a wildcard"))
	}
	f := r.proofs().of(proof.Signer()).WildcardAnswer(set.Name, encloser)
	r.weaken(verdict{Finding: f})
	if f.Status == dnssec.Bogus {
		r.lacksProof(set.Name)
	}
	r.keepProofs(proof.Signer())
	if r.v.denials != nil && f.Status == dnssec.Secure {
		r.v.denials.keepWildcard(proof, encloser, r.query)
	}
}

// addLink judges a CNAME, or the DNAME that it was synthesized from.
func (r *response) addLink(l link) {
	v := r.add(l.set)
	r.msg.Answer = l.complete(r.msg.Answer)
	if l.synthesized == "" {
		if r.question.qtype == dns.TypeDS && v.Status != dnssec.Secure && v.Status != dnssec.Bogus {
			r.weaken(r.judgeAliasForDS(l.set))
		}
		return
	}
	if v.Status != dnssec.Secure {
		r.weaken(r.judgeRedirected(l))
	}
	if l.mismatch != "" && v.Status == dnssec.Secure {
		r.weaken(bogus(dnssec.DNAMEMismatch, l.mismatch))
	}
	r.result.sets.proven = append(r.result.sets.proven, keptRRset{name: l.synthesized, rtype: dns.TypeCNAME, ttl: v.ttl()})
}

// judgeAliasForDS decides whether a CNAME that is not proven may answer a question for a DS.
// At a zone cut there is none, since the zone below has an SOA there (RFC 2181, section 10.1),
// so that it is in the zone of the name above, like the DS (RFC 4035, section 3.1.4.1).
func (r *response) judgeAliasForDS(alias dnssec.RRset) verdict {
	above := container(alias.Name, dns.TypeDS)
	zone := r.zoneHolding(above)
	if zone.finding.Status == dnssec.Secure {
		return r.orLocal(alias.Name, bogus(dnssec.SignatureMissing, alias.String()+" is not proven, and answers for a DS in the secure zone "+zone.name))
	}
	return r.orLocal(alias.Name, inheritedFrom(zone))
}

// judgeRedirected decides whether a DNAME that is not proven may redirect a name. It may not
// redirect a name in a secure zone, such as one below a deeper trust anchor: there a DNAME
// has to be proven like everything else (RFC 4035, section 5.3.1; RFC 6840, appendix C.1).
func (r *response) judgeRedirected(l link) verdict {
	zone := r.zoneHolding(l.synthesized)
	if zone.finding.Status == dnssec.Secure {
		return r.orLocal(l.synthesized, bogus(dnssec.SignatureMissing, l.set.String()+" is not proven, and redirects "+l.synthesized+" in the secure zone "+zone.name))
	}
	return r.orLocal(l.synthesized, inheritedFrom(zone))
}

// authority returns the RRsets of the authority section.
func (r *response) authority() []dnssec.RRset {
	if r.sets == nil {
		r.sets = dnssec.GroupRRsets(r.msg.Ns)
	}
	return r.sets
}

// proofs authenticates the denial records of the response, once.
func (r *response) proofs() *proofs {
	if r.found == nil {
		r.found = r.query.proofs(r.authority())
		if r.v.denials != nil {
			r.v.denials.keep(r.found.sets, negativeTTL(r.msg.Ns), r.query)
		}
	}
	return r.found
}

// keepProofs keeps the denial records of a zone for the answer.
func (r *response) keepProofs(zone string) {
	for _, a := range r.proofs().sets {
		if a.Signer() == zone {
			r.keep(a, authoritySection)
		}
	}
}
