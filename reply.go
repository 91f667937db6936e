package dnssecval

import (
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// reply makes the answer for the client out of the upstream's message: AD for what
// is secure if the client understands it (RFC 6840, section 5.8), only what was
// proven beside AD, and no DNSSEC records without DO (RFC 4035, section 3.2.1). It
// takes the message over.
func reply(r, msg *dns.Msg, result *Result) *dns.Msg {
	opt := r.IsEdns0()
	do := opt != nil && opt.Do()
	msg.Id, msg.Response, msg.Opcode = r.Id, true, r.Opcode
	msg.RecursionDesired, msg.CheckingDisabled = r.RecursionDesired, r.CheckingDisabled
	msg.Question = r.Question
	msg.Rcode = result.rcode
	if opt == nil && msg.Rcode > 0xf { // does not fit into a message without OPT
		msg.Rcode = dns.RcodeServerFailure
	}
	msg.AuthenticatedData = result.Status == dnssec.Secure && provable(msg.Rcode) && (do || r.AuthenticatedData)
	switch {
	case !provable(msg.Rcode) && msg.Rcode != dns.RcodeYXDomain:
		msg.Answer, msg.Ns = nil, nil
	case result.Status == dnssec.Secure:
		msg.Answer = onlyKept(msg.Answer, result.kept, false)
		msg.Ns = onlyKept(msg.Ns, result.kept, true)
	case result.Status != dnssec.Bogus: // nothing of other zones in the shade of an insecure one
		msg.Answer = onlyKept(msg.Answer, result.path, false)
		msg.Ns = onlyDenial(msg.Ns)
	}
	if result.Status != dnssec.Bogus {
		msg.Extra = nil
	}
	if !do {
		msg.Answer = withoutDNSSEC(msg.Answer, r.Question[0].Qtype)
		msg.Ns = withoutDNSSEC(msg.Ns, r.Question[0].Qtype)
		msg.Extra = withoutDNSSEC(msg.Extra, r.Question[0].Qtype)
	}
	msg.Extra = withOPT(msg.Extra, opt)
	return msg
}

// onlyKept returns the records of a section that were proven, and their signatures,
// with the TTL of the proof.
func onlyKept(section []dns.RR, kept []keptRRset, authority bool) []dns.RR {
	rest := section[:0]
	for _, rr := range section {
		h := rr.Header()
		rtype := h.Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			rtype = sig.TypeCovered
		}
		k := keptFor(kept, dnsname.Canonical(h.Name), rtype, authority)
		if k == nil && rtype != h.Rrtype { // an RRSIG that was asked for by its own type
			k = keptFor(kept, dnsname.Canonical(h.Name), h.Rrtype, authority)
		}
		if k != nil && h.Class == dns.ClassINET {
			h.Ttl = min(h.Ttl, k.ttl)
			rest = append(rest, rr)
		}
	}
	return rest
}

// onlyDenial returns the records that tell of what does not exist: nothing else is
// of use in the authority section of an answer.
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

func keptFor(kept []keptRRset, name string, rtype uint16, authority bool) *keptRRset {
	for i := range kept {
		if kept[i].name == name && kept[i].rtype == rtype && kept[i].authority == authority {
			return &kept[i]
		}
	}
	return nil
}

// withoutDNSSEC leaves the types out that only a client with DO wants, but for the
// one that was asked for.
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

// withOPT puts the OPT record in as the client has one: the server fills it in. The
// upstream's options are for us.
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
