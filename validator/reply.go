package validator

import (
	"slices"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// Reply makes the answer for the client out of a response that Validate judged, as Resolve
// does. The request is the client's, which need not have DO. Reply changes nothing of the response.
func (r *Result) Reply(request, response *dns.Msg) *dns.Msg {
	switch {
	case len(request.Question) != 1:
		return refusal(request, dns.RcodeFormatError)
	case r.Status == dnssec.Bogus && !r.reportOnly:
		return r.refuse(request)
	case r.served != nil:
		m := servedReply(request, response, r.served)
		r.explain(m, request.IsEdns0())
		return m
	default:
		return reply(request, withOwnSections(response), r)
	}
}

// refuse makes an answer without data, with an Extended DNS Error for a client with EDNS.
func (r *Result) refuse(request *dns.Msg) *dns.Msg {
	m := refusal(request, r.refusedCode())
	if r.served != nil {
		m.RecursionAvailable = false
	}
	r.explain(m, request.IsEdns0())
	return m
}

// refusedCode returns the response code of an answer without data.
func (r *Result) refusedCode() int {
	if r.Status == dnssec.Bogus || r.Err != nil {
		return dns.RcodeServerFailure
	}
	return r.rcode
}

// refusal makes an answer without data.
func refusal(request *dns.Msg, rcode int) *dns.Msg {
	m := new(dns.Msg).SetRcode(request, rcode)
	m.RecursionAvailable = true
	return m
}

// withOwnSections returns a message with the same records. Those of an upstream's message, and
// the memory of its sections, may belong to a zone or a cache, and must not be changed.
func withOwnSections(upstream *dns.Msg) *dns.Msg {
	own := new(struct { // in one piece of memory
		dns.Msg
		sections [8]dns.RR
	})
	msg := &own.Msg
	*msg = *upstream
	n := len(msg.Answer)
	sections := append(append(own.sections[:0], msg.Answer...), msg.Ns...)
	msg.Answer, msg.Ns = sections[:n:n], sections[n:]
	return msg
}

// reply makes the answer out of a message: AD for what is secure if the client understands it
// (RFC 6840, section 5.8), only proven records beside AD, and no DNSSEC records without DO (RFC
// 4035, section 3.2.1). It takes the message over, with the sections Answer and Ns, but not the
// records.
func reply(r, msg *dns.Msg, result *Result) *dns.Msg {
	opt := r.IsEdns0()
	do := opt != nil && opt.Do()
	msg.Id, msg.Response, msg.Opcode = r.Id, true, r.Opcode
	msg.RecursionDesired, msg.CheckingDisabled = r.RecursionDesired, r.CheckingDisabled
	msg.Question = slices.Clone(r.Question) // the answer is the caller's
	msg.Rcode = result.rcode
	if msg.Rcode > 0xf { // BADVERS and BADCOOKIE concern the upstream and this server alone (RFC 6891, section 6.1.1)
		msg.Rcode = dns.RcodeServerFailure
	}
	msg.AuthenticatedData = result.Status == dnssec.Secure && provable(msg.Rcode) && (do || r.AuthenticatedData)
	switch {
	case isFailure(msg.Rcode):
		msg.Answer, msg.Ns = nil, nil
	case result.Status == dnssec.Secure:
		msg.Answer = onlyKept(msg.Answer, result.sets.proven, answerSection)
		msg.Ns = onlyKept(msg.Ns, result.sets.proven, authoritySection)
	case result.Status != dnssec.Bogus: // no forged records of other zones beside an insecure answer
		msg.Answer = onlyKept(msg.Answer, result.sets.path, answerSection)
		msg.Ns = onlyDenial(msg.Ns)
	}
	if result.Status == dnssec.Bogus {
		msg.Extra = slices.Clone(msg.Extra)
	} else {
		msg.Extra = nil
	}
	if !do {
		msg.Answer = withoutDNSSEC(msg.Answer, r.Question[0].Qtype)
		msg.Ns = withoutDNSSEC(msg.Ns, r.Question[0].Qtype)
		msg.Extra = withoutDNSSEC(msg.Extra, r.Question[0].Qtype)
	}
	msg.Answer, msg.Ns = withoutDuplicates(msg.Answer), withoutDuplicates(msg.Ns)
	msg.Extra = withOPT(msg.Extra, opt)
	result.explain(msg, opt)
	return msg
}

// onlyKept returns the records of a section that are of RRsets to keep, and their
// signatures, in the memory of the section. Those with a greater TTL than the proof has are
// copied.
func onlyKept(records []dns.RR, kept []keptRRset, in section) []dns.RR {
	rest := records[:0]
	for _, rr := range records {
		h := rr.Header()
		rtype := h.Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			rtype = sig.TypeCovered
		}
		k := keptFor(kept, dnsname.Canonical(h.Name), rtype, in)
		if k != nil && rtype == dns.TypeNSEC {
			k = keptNSEC(kept, rr, in)
		}
		if k == nil && rtype != h.Rrtype { // an RRSIG that was asked for by its own type
			k = keptFor(kept, dnsname.Canonical(h.Name), h.Rrtype, in)
		}
		if k != nil && h.Class == dns.ClassINET {
			if h.Ttl > k.ttl {
				rr = dns.Copy(rr)
				rr.Header().Ttl = k.ttl
			}
			rest = append(rest, rr)
		}
	}
	return rest
}

// withoutDuplicates returns the records of a section, each once (RFC 2181, section 5), in the
// memory of the section.
func withoutDuplicates(section []dns.RR) []dns.RR {
	if len(section) > maxCompared {
		seen := make(map[string]bool, len(section))
		return slices.DeleteFunc(section, func(rr dns.RR) bool {
			text := canonicalText(rr)
			twice := seen[text]
			seen[text] = true
			return twice
		})
	}
	rest := section[:0]
	for _, rr := range section {
		if !slices.ContainsFunc(rest, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			rest = append(rest, rr)
		}
	}
	return rest
}

// maxCompared is up to how many records are compared each with each.
const maxCompared = 32

// canonicalText returns a text that is the same for duplicates: owner names do not differ by
// case, and TTLs do not count.
func canonicalText(rr dns.RR) string {
	h := *rr.Header()
	text := rr.String()
	return dnsname.Canonical(h.Name) + text[min(len(h.String()), len(text)):] + dns.Type(h.Rrtype).String()
}

// onlyDenial returns the records of a denial: SOA, NSEC, NSEC3 and their signatures. Nothing
// else is of use in the authority section of an answer. It uses the memory of the section.
func onlyDenial(section []dns.RR) []dns.RR {
	rest := section[:0]
	for _, rr := range section {
		rtype := rr.Header().Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			rtype = sig.TypeCovered
		}
		if rtype == dns.TypeSOA || rtype == dns.TypeNSEC || rtype == dns.TypeNSEC3 {
			rest = append(rest, rr)
		}
	}
	return rest
}

// withoutDNSSEC leaves out the types that only a client with DO wants, unless they were
// asked for, in the memory of the section.
func withoutDNSSEC(section []dns.RR, qtype uint16) []dns.RR {
	rest := section[:0]
	for _, rr := range section {
		switch t := rr.Header().Rrtype; t {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeDS:
			if t != qtype && qtype != dns.TypeANY {
				continue
			}
		}
		rest = append(rest, rr)
	}
	return rest
}

// withOPT replaces the upstream's OPT record by one for the client, if the client has one.
// The upstream's options are not for the client. It uses the memory of the section.
func withOPT(extra []dns.RR, opt *dns.OPT) []dns.RR {
	rest := extra[:0]
	for _, rr := range extra {
		if rr.Header().Rrtype != dns.TypeOPT {
			rest = append(rest, rr)
		}
	}
	if opt == nil {
		return rest
	}
	own := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	own.SetUDPSize(opt.UDPSize())
	if opt.Do() {
		own.SetDo()
	}
	return append(rest, own)
}
