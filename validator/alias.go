package validator

import (
	"fmt"
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

const (
	maxLinks  = 11 // CNAME and DNAME records in the alias chain of a response
	maxRRsets = 24 // RRsets in the answer for ANY; the others are left out (RFC 8482, section 4.1)
)

// path is where an answer section leads from the question: over aliases to the RRsets that
// answer it, or to a name that has none.
type path struct {
	links    []link
	final    []dnssec.RRset
	end      string
	unsigned bool // the answer is RRSIG records, which nothing signs
	tooLong  bool // a DNAME makes a name that is too long
}

// link is a CNAME, or a DNAME with the name of the CNAME that is synthesized from it.
type link struct {
	set         dnssec.RRset
	synthesized string
	mismatch    string     // how the CNAME beside the DNAME differs from the synthesized one
	missing     *dns.CNAME // the synthesized CNAME, if the response lacks it
}

// complete inserts the CNAME that is missing beside its DNAME: a client that does not know
// DNAME would take the answer for NODATA, and nothing signed says that a CNAME was there.
func (l link) complete(answer []dns.RR) []dns.RR {
	if l.missing == nil {
		return answer
	}
	return slices.Insert(slices.Clip(answer), slices.Index(answer, l.set.RRs[0])+1, dns.RR(l.missing))
}

// partial reports whether the response follows aliases and then says nothing about the
// last name, neither data nor a denial (RFC 2308, section 2.2).
func (p path) partial(msg *dns.Msg) bool {
	return len(p.links) > 0 && len(p.final) == 0 && msg.Rcode == dns.RcodeSuccess &&
		!slices.ContainsFunc(msg.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
}

// kept returns the RRsets of the path, which a client may get.
func (p path) kept() []keptRRset {
	kept := make([]keptRRset, 0, len(p.links)+len(p.final))
	keep := func(name string, rtype uint16) {
		kept = append(kept, keptRRset{name: name, rtype: rtype, ttl: ^uint32(0)})
	}
	for _, l := range p.links {
		keep(l.set.Name, l.set.Type)
		if l.synthesized != "" {
			keep(l.synthesized, dns.TypeCNAME)
		}
	}
	for _, set := range p.final {
		keep(set.Name, set.Type)
	}
	if p.unsigned {
		keep(p.end, dns.TypeRRSIG)
	}
	return kept
}

// followAliases finds the path. Other records of the section are no part of the answer. It
// fails for an alias with several targets, for a chain that is too long and for a loop. A
// chain that leads to a name that is too long has no end (RFC 6672, section 2.2).
func followAliases(q question, msg *dns.Msg) (path, *dnssec.Failure) {
	sets := dnssec.GroupRRsets(msg.Answer)
	p := path{end: q.name}
	seen := map[string]bool{}
	for {
		if p.answeredBy(sets, q.qtype, msg.Answer) {
			return p, nil
		}
		l, target, failure := aliasAt(sets, p.end, q.qtype)
		if failure != nil || len(l.set.RRs) == 0 {
			return p, failure
		}
		if seen[p.end] {
			return p, &dnssec.Failure{Reason: dnssec.CNAMEChainInvalid, Detail: "a loop over " + p.end}
		}
		seen[p.end] = true
		if len(p.links) == maxLinks {
			return p, &dnssec.Failure{Reason: dnssec.CNAMEChainInvalid, Detail: fmt.Sprintf("more than %d aliases", maxLinks)}
		}
		p.links = append(p.links, l)
		p.tooLong = target == ""
		if p.end = target; l.synthesized != "" && (q.qtype == dns.TypeCNAME || q.qtype == dns.TypeANY) {
			p.end = "" // the CNAME that the DNAME makes is the answer
		}
		if p.end == "" {
			return p, nil
		}
	}
}

// answeredBy takes the RRsets at the end of the path that answer the question, and reports
// whether there are any.
func (p *path) answeredBy(sets []dnssec.RRset, qtype uint16, answer []dns.RR) bool {
	if qtype == dns.TypeRRSIG {
		for _, rr := range answer {
			if rr.Header().Rrtype == qtype && dnsname.Canonical(rr.Header().Name) == p.end {
				p.unsigned = true
			}
		}
		return p.unsigned
	}
	for _, set := range sets {
		if set.Name == p.end && (set.Type == qtype || qtype == dns.TypeANY) && !synthesized(set, sets) {
			p.final = append(p.final, set)
		}
	}
	p.final = p.final[:min(len(p.final), maxRRsets)]
	return len(p.final) > 0
}

// synthesized reports whether the RRset is a CNAME that follows from a DNAME beside it.
func synthesized(set dnssec.RRset, sets []dnssec.RRset) bool {
	if set.Type != dns.TypeCNAME || len(set.Sigs) > 0 {
		return false
	}
	_, ok := closestDNAME(sets, set.Name)
	return ok
}

// aliasAt returns the alias of a name and its target. A link without records means that
// there is no alias, an empty target that the name would be too long.
func aliasAt(sets []dnssec.RRset, name string, qtype uint16) (l link, target string, f *dnssec.Failure) {
	cname, hasCNAME := findSet(sets, name, dns.TypeCNAME)
	if qtype == dns.TypeCNAME {
		hasCNAME = false
	}
	if dname, ok := closestDNAME(sets, name); ok && len(cname.Sigs) == 0 {
		return dnameLink(dname, cname, name)
	}
	if !hasCNAME {
		return link{}, "", nil
	}
	for _, rr := range cname.RRs {
		t := dnsname.Canonical(rr.(*dns.CNAME).Target)
		if target != "" && t != target {
			return link{}, "", &dnssec.Failure{Reason: dnssec.CNAMEChainInvalid, Detail: "CNAME " + name + " has several targets"}
		}
		target = t
	}
	return link{set: cname}, target, nil
}

// dnameLink replaces the end of the name by the target of the DNAME (RFC 6672, section
// 2.2), and compares the CNAME beside it with the result.
func dnameLink(dname, cname dnssec.RRset, name string) (link, string, *dnssec.Failure) {
	to := dnsname.Canonical(dname.RRs[0].(*dns.DNAME).Target)
	for _, rr := range dname.RRs[1:] {
		if dnsname.Canonical(rr.(*dns.DNAME).Target) != to {
			return link{}, "", &dnssec.Failure{Reason: dnssec.CNAMEChainInvalid, Detail: "DNAME " + dname.Name + " has several targets"}
		}
	}
	target, ok := substitute(name, dname.Name, to)
	l := link{set: dname, synthesized: name}
	if !ok {
		return l, "", nil
	}
	if len(cname.RRs) == 0 {
		l.missing = &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: dname.RRs[0].Header().Ttl}, Target: target}
	}
	for _, rr := range cname.RRs {
		if t := dnsname.Canonical(rr.(*dns.CNAME).Target); t != target {
			l.mismatch = "CNAME " + name + " leads to " + t + ", the DNAME to " + target
		}
	}
	return l, target, nil
}

// substitute replaces the end of a name; ok is false if the result is too long.
func substitute(name, owner, target string) (replaced string, ok bool) {
	prefix := name
	if owner != dnsname.Root {
		prefix = name[:len(name)-len(owner)]
	}
	if target == dnsname.Root {
		return prefix, true
	}
	replaced = prefix + target
	return replaced, len(dnsname.AppendWire(nil, replaced)) <= 255
}

// closestDNAME returns the deepest DNAME above the name, if there is one.
func closestDNAME(sets []dnssec.RRset, name string) (closest dnssec.RRset, ok bool) {
	for _, set := range sets {
		if set.Type == dns.TypeDNAME && dnsname.IsBelow(name, set.Name) && len(set.Name) > len(closest.Name) {
			closest, ok = set, true
		}
	}
	return closest, ok
}

// findSet returns the RRset of a name and type.
func findSet(sets []dnssec.RRset, name string, rtype uint16) (dnssec.RRset, bool) {
	for _, set := range sets {
		if set.Type == rtype && set.Name == name {
			return set, true
		}
	}
	return dnssec.RRset{}, false
}
