package dnssecval

import (
	"cmp"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Result is what was found of a response: the weakest of its links, and the RRsets
// that a secure reply may have.
type Result struct {
	dnssec.Finding
	kept      []keptRRset
	path      []keptRRset // what the question leads to in the answer, proven or not
	rcode     int
	inherited bool // the failure is of the chain: asking for the answer again does not help
	held      int  // links of the path, from the first, that are not bogus
	partial   bool // nothing is said of what the links lead to
}

// keptRRset is an RRset that belongs to the answer or to its proofs.
type keptRRset struct {
	name      string
	rtype     uint16
	authority bool // the one in the authority section was proven, else the one in the answer
	ttl       uint32
	sig       *dns.RRSIG // that proved it, if one did
}

// judgeAndRetry judges the response, and asks again before it calls it bogus: another
// upstream may know better, and some leave out signatures now and then. Where aliases
// hold, what they lead to is asked for, also if nothing was said of it. Of failures the
// one that got furthest is told. The message that the result is about is left in msg.
func (q *query) judgeAndRetry(msg **dns.Msg) *Result {
	result := q.judgeResponse(*msg)
	for e := again; e < efforts && !result.settled() && q.ctx.Err() == nil; e++ {
		next := q.answerAgain(*msg, result, e)
		if next == nil {
			continue
		}
		better := q.judgeResponse(next)
		if better.held > result.held { // another target, with efforts of its own
			e = usual
		}
		if better.further(result) {
			*msg, result = next, better
		}
	}
	return result
}

// settled tells whether asking again is of no use.
func (r *Result) settled() bool {
	return r.whole() || r.Status == dnssec.Bogus && (r.inherited || r.Reason.Unfinished())
}

// whole tells whether the response can be answered as it is.
func (r *Result) whole() bool { return r.Status != dnssec.Bogus && !r.partial }

// further tells whether a result got further than one that is not whole: along the path
// first, then through the checks.
func (r *Result) further(other *Result) bool {
	return r.whole() || cmp.Or(cmp.Compare(r.held, other.held), cmp.Compare(len(r.path), len(other.path)),
		cmp.Compare(r.Status, other.Status), cmp.Compare(r.Reason, other.Reason)) > 0
}

// judgeResponse decides the status of a whole response. One with another code than
// NOERROR and NXDOMAIN says nothing that could be proven.
func (q *query) judgeResponse(msg *dns.Msg) *Result {
	if !provable(msg.Rcode) && msg.Rcode != dns.RcodeYXDomain {
		return &Result{rcode: msg.Rcode}
	}
	p, failure := followAliases(q.question, msg)
	if failure != nil {
		return &Result{Finding: failure.Finding(), rcode: msg.Rcode}
	}
	q.expectSigners(msg.Answer, msg.Ns)
	r := &response{query: q, msg: msg, result: Result{Finding: dnssec.Proven, path: p.kept()}}
	r.judgePath(p)
	r.result.rcode = r.msg.Rcode
	if r.exists {
		r.result.rcode = dns.RcodeSuccess
	}
	return &r.result
}

// judgePath judges each link of the path, and then what it leads to.
func (r *response) judgePath(p path) {
	for _, link := range p.links {
		if r.addLink(link); r.result.Status == dnssec.Bogus {
			return
		}
		r.result.held++
	}
	for _, set := range p.final {
		r.add(set)
	}
	msg := r.msg
	positive := len(p.final) > 0 || p.end == ""
	switch {
	case r.result.Status == dnssec.Bogus: // nothing makes it weaker
	case positive && msg.Rcode == dns.RcodeNameError && r.result.Status == dnssec.Secure:
		r.exists = true
	case (positive || p.unsigned) && msg.Rcode == dns.RcodeNameError:
		r.weaken(bogus(dnssec.ResponseMalformed, "NXDOMAIN with an answer"))
	case msg.Rcode == dns.RcodeYXDomain && !p.tooLong && r.result.Status == dnssec.Secure:
		r.weaken(bogus(dnssec.ResponseMalformed, "YXDOMAIN without a DNAME that makes the name too long"))
	case p.unsigned:
		r.weaken(verdict{Finding: dnssec.Finding{Status: dnssec.Indeterminate, Reason: dnssec.TypeNotSigned}})
	case len(p.final) == 0 && p.end != "":
		r.proofs() // here, where the stack is not deep yet
		r.addDenial(p)
	}
}

// provable tells whether a response code is one that a proof can stand behind.
func provable(rcode int) bool { return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError }

// response is a response while it is judged.
type response struct {
	*query
	msg    *dns.Msg
	result Result
	sets   []dnssec.RRset // of the authority section, once they are needed
	found  *proofs        // of these

	lenient bool // a denial that lacks records is no failure
	exists  bool // NXDOMAIN was said of a name that is proven to exist
}

// weaken makes the result as weak as the verdict; the first of equals is kept.
func (r *response) weaken(v verdict) {
	if r.lenient && !v.inherited && incomplete(v.Reason) {
		v.Status = dnssec.Insecure
	}
	if weaker := r.result.Status.Weaker(v.Status); weaker != r.result.Status {
		r.result.Finding, r.result.inherited = v.Finding, v.inherited
	}
}

// incomplete tells whether a denial failed for records that are not there. Keepers
// leave some out: file gives none that covers a name below a wildcard.
func incomplete(reason dnssec.Reason) bool {
	return reason == dnssec.DenialMissing || reason == dnssec.DenialIncomplete || reason == dnssec.WildcardDenialMissing
}

func (r *response) keep(proof *dnssec.Authenticated, authority bool) {
	set := proof.RRset()
	r.result.kept = append(r.result.kept, keptRRset{name: set.Name, rtype: set.Type, authority: authority, ttl: proof.TTL(), sig: proof.Signature()})
}

// add judges an RRset of the answer: its signature, and where that is of a wildcard
// the denial of the next closer name. Once something was bogus no other is looked at.
func (r *response) add(set dnssec.RRset) verdict {
	if r.result.Status == dnssec.Bogus {
		return verdict{Finding: r.result.Finding}
	}
	v := r.judgeSet(set)
	r.weaken(v)
	if v.Status != dnssec.Secure {
		return v
	}
	r.keep(v.proof, false)
	if encloser, expanded := v.proof.Expanded(); expanded {
		if set.Type == dns.TypeDNAME { // RFC 6672, section 3.3
			r.weaken(bogus(dnssec.SignatureLabelsInvalid, set.String()+" comes from a wildcard"))
		}
		f := r.proofs().of(v.proof.Signer()).WildcardAnswer(set.Name, encloser)
		r.weaken(verdict{Finding: f})
		r.keepProofs(v.proof.Signer())
		if r.v.denials != nil && f.Status == dnssec.Secure {
			r.v.denials.keepWildcard(v.proof, encloser, r.query)
		}
	}
	return v
}

// addLink judges a CNAME, or the DNAME that it was made from.
func (r *response) addLink(l link) {
	v := r.add(l.set)
	r.msg.Answer = l.complete(r.msg.Answer)
	if l.synthesized == "" {
		return
	}
	if l.mismatch != "" && v.Status == dnssec.Secure {
		r.weaken(bogus(dnssec.DNAMEMismatch, l.mismatch))
	}
	r.result.kept = append(r.result.kept, keptRRset{name: l.synthesized, rtype: dns.TypeCNAME, ttl: v.ttl()})
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

// keepProofs keeps the denial records of a zone for the reply.
func (r *response) keepProofs(zone string) {
	for _, a := range r.proofs().sets {
		if a.Signer() == zone {
			r.keep(a, true)
		}
	}
}

// addDenial judges that there is no answer at the end of the chain.
func (r *response) addDenial(p path) {
	v, zone := r.denial(p.end)
	if v.Status == dnssec.Secure || v.Status == dnssec.Insecure && zone != "" {
		r.keepProofs(zone)
		if soa, ok := findSet(r.authority(), zone, dns.TypeSOA); ok {
			r.addDenialSOA(soa)
		}
	}
	r.result.partial = v.Status != dnssec.Secure && p.partial(r.msg)
	if v.Status == dnssec.Bogus && r.result.partial && r.result.Status != dnssec.Secure {
		return // an upstream that leaves the target of an unproven alias to us
	}
	r.weaken(v)
}

// denial decides whether the authority section proves that there is no answer for
// name, and by which zone. Without a proof the name has to be in a zone that can
// give none; it is not, if the SOA is that of a secure zone.
func (r *response) denial(name string) (verdict, string) {
	home := container(name, r.question.qtype)
	within := r.scope(home).zone
	finding, zone := r.deny(name, within)
	if finding.Status != dnssec.Bogus || finding.Reason.Unfinished() || r.saidBySecureZone(home, within) {
		return verdict{Finding: finding}, zone
	}
	if above := r.zoneOf(home); above.finding.Status != dnssec.Secure {
		return verdict{Finding: above.finding, inherited: true}, ""
	}
	return verdict{Finding: finding}, ""
}

// deny looks for a proof by the zones within the anchor that counts. Two more are
// as good if they are complete: that a name said not to exist does and is empty, and
// a denial by a zone above an anchor, which then has no zone to stand for.
func (r *response) deny(name, within string) (dnssec.Finding, string) {
	proofs, qtype, rcode := r.proofs(), r.question.qtype, r.msg.Rcode
	finding, zone := proofs.deny(name, qtype, rcode, within)
	if finding.Status != dnssec.Bogus || finding.Reason.Unfinished() {
		return finding, zone
	}
	if rcode == dns.RcodeNameError {
		if f, z := proofs.deny(name, qtype, dns.RcodeSuccess, within); f.Status == dnssec.Secure {
			r.exists = true
			return f, z
		}
	}
	if f, z := proofs.deny(name, qtype, rcode, dnsname.Root); f.Status == dnssec.Secure {
		return f, z
	}
	return finding, ""
}

// saidBySecureZone tells whether the SOA of a zone that holds the name is proven.
func (r *response) saidBySecureZone(name, within string) bool {
	return r.proofs().holder(name, func(zone string) bool { return dnsname.IsSubdomain(zone, within) }) != ""
}

// container returns the name whose zone holds the RRset: a DS is the parent's.
func container(name string, rtype uint16) string {
	if rtype == dns.TypeDS {
		return dnsname.Parent(name)
	}
	return name
}

// String returns the sentence that log and EDE have: "token: detail".
func (r Result) String() string { return sentence(r.Finding) }

func sentence(f dnssec.Finding) string {
	detail := f.Detail
	if detail == "" {
		detail = f.Reason.Text()
	}
	return f.Reason.String() + ": " + strings.TrimSpace(detail)
}
