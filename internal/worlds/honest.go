package worlds

import (
	"math/rand/v2"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// mostAliases is how many aliases a resolver follows.
const mostAliases = 11

// honest is what authorities answer to a question, collected by a resolver, and the
// status that it ought to have. It is not ok if an alias leads to a loop, or to what a
// hostile zone has, or if there is no proof.
type honest struct {
	response
	status dnssec.Status
	ok     bool
	absent bool // there is no such name, though the response code is that of a name without data
}

// answer follows the aliases from a question to the end.
func (a authority) answer(name string, qtype uint16) *honest {
	h := &honest{status: dnssec.Secure}
	for range mostAliases {
		s := a.step(name, qtype)
		switch {
		case s.outcome == unknown:
			a.addUnsigned(h, name, qtype, s.zone)
			return h
		case a.mayBeInsecure(name, qtype):
			h.status = h.status.Weaker(dnssec.Insecure)
		}
		a.addStep(h, name, qtype, s)
		if s.outcome != aliased && (s.outcome != redirected || qtype == dns.TypeCNAME) {
			h.ok = a.isProvable(name, s)
			return h
		}
		name = s.target
	}
	return h
}

// addStep adds what the zone answers.
func (a authority) addStep(h *honest, name string, qtype uint16, s step) {
	switch s.outcome {
	case answered:
		h.answer = append(h.answer, a.dataAt(name, qtype, s))
	case aliased:
		h.answer = append(h.answer, a.dataAt(name, dns.TypeCNAME, s))
	case redirected:
		h.answer = append(h.answer, item{set: a.data(s.zone, s.source, s.source, dns.TypeDNAME)}, synthesizedCNAME(name, s.target))
	default:
		if h.absent = s.outcome == noName; h.absent && s.zone.mode != Compact {
			h.rcode = dns.RcodeNameError
		}
		h.addAuthority(append(a.denials(name, s), a.soa(s.zone)))
		return
	}
	h.addAuthority(a.expansionProof(name, s))
}

// dataAt returns the RRset of a step. A wildcard's is expanded, or signed on line.
func (a authority) dataAt(name string, rtype uint16, s step) item {
	if s.zone.mode == Compact {
		return item{set: a.data(s.zone, s.source, name, rtype)}
	}
	return as(name, a.data(s.zone, s.source, s.source, rtype))
}

func synthesizedCNAME(name, target string) item {
	return item{record: &dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: target}}
}

// addAuthority adds RRsets that are not there yet.
func (h *honest) addAuthority(sets []*Set) {
next:
	for _, set := range sets {
		for _, have := range h.authority {
			if have.set == set {
				continue next
			}
		}
		h.authority = append(h.authority, item{set: set})
	}
}

// addUnsigned adds what a zone without signatures answers. A hostile one has its keys.
func (a authority) addUnsigned(h *honest, name string, qtype uint16, z *zone) {
	if z == nil {
		h.status, h.ok = h.status.Weaker(dnssec.Indeterminate), true
		h.addUnsignedData(name, qtype == dns.TypeA, outside)
		return
	}
	if z.hostile {
		h.answer = append(h.answer, item{set: a.data(z, z.apex, z.apex, dns.TypeDNSKEY)})
		return
	}
	h.status, h.ok = h.status.Weaker(dnssec.Insecure), true
	h.addUnsignedData(name, z.owners[name].Kind == Host && name != z.apex && qtype == dns.TypeA, z.apex)
}

// addUnsignedData adds an address, or the SOA of a denial.
func (h *honest) addUnsignedData(name string, exists bool, apex string) {
	if exists {
		h.answer = append(h.answer, item{record: &dns.A{Hdr: header(name, dns.TypeA), A: addressOf(name)}})
	} else {
		h.authority = append(h.authority, item{record: soaOf(apex)})
	}
}

// form writes an honest response in one of the ways that the RFCs allow: with more
// denial records than needed, in any order, with records twice, and with owner names in
// upper case.
func (a authority) form(h *honest, random *rand.Rand) *response {
	r := h.response
	r.answer, r.authority = append([]item(nil), h.answer...), append([]item(nil), h.authority...)
	if random.IntN(2) == 0 {
		r.authority = append(r.authority, a.padding(h)...)
	}
	if random.IntN(2) == 0 {
		random.Shuffle(len(r.answer), func(i, k int) { r.answer[i], r.answer[k] = r.answer[k], r.answer[i] })
		random.Shuffle(len(r.authority), func(i, k int) { r.authority[i], r.authority[k] = r.authority[k], r.authority[i] })
	}
	if random.IntN(4) == 0 {
		r.answer, r.authority = append(r.answer, r.answer...), append(r.authority, r.authority...)
	}
	if h.absent && random.IntN(2) == 0 { // RFC 9824, section 5
		r.rcode = dns.RcodeNameError
	}
	r.style.upper = random.IntN(4) == 0
	return &r
}

// mostPadding bounds the denial records that are added.
const mostPadding = 8

// padding returns denial records of the zones that signed the response.
func (a authority) padding(h *honest) []item {
	var items []item
	for _, set := range a.sets {
		if !set.isDenial() || len(items) == mostPadding {
			continue
		}
		for _, i := range h.authority {
			if i.set != nil && i.set.Zone == set.Zone {
				items = append(items, item{set: set})
				break
			}
		}
	}
	return items
}
