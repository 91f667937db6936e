package worlds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// item is an RRset as it stands in a response: one that was signed, possibly with another
// owner name, of another class or without its signature, or an unsigned record.
type item struct {
	set    *Set
	owner  string  // instead of that of the set
	bare   bool    // without the signature
	record dns.RR  // instead of a set
	class  classes // instead of that of the records and of the signature
}

// classes are a class for the records and one for the signature of an item. Zero is the
// one that they have.
type classes struct{ records, signature uint16 }

// as returns an item for an RRset under an owner name.
func as(owner string, set *Set) item { return item{set: set, owner: owner} }

// response is what the attacker or an authority sends.
type response struct {
	rcode             int
	answer, authority []item
	style             style
}

// style is how the records of a response are written.
type style struct {
	upper bool   // owner names are in upper case
	ttl   uint32 // instead of the right one, if it is not 0
}

// records returns copies of the records of an item.
func (i item) records(s style) []dns.RR {
	var rrs []dns.RR
	if i.record != nil {
		rrs = []dns.RR{dns.Copy(i.record)}
	} else {
		for _, rr := range i.set.RRs {
			rrs = append(rrs, dns.Copy(rr))
		}
		if !i.bare {
			rrs = append(rrs, dns.Copy(i.set.Sig))
		}
	}
	for _, rr := range rrs {
		h := rr.Header()
		h.Class = i.class.of(h)
		if i.owner != "" {
			h.Name = i.owner
		}
		if s.upper {
			h.Name = strings.ToUpper(h.Name)
		}
		if s.ttl != 0 {
			h.Ttl = s.ttl
		}
	}
	return rrs
}

// of returns the class that a record has.
func (c classes) of(h *dns.RR_Header) uint16 {
	switch {
	case h.Rrtype == dns.TypeRRSIG && c.signature != 0:
		return c.signature
	case h.Rrtype != dns.TypeRRSIG && c.records != 0:
		return c.records
	default:
		return h.Class
	}
}

// message returns the response to a request.
func (r *response) message(request *dns.Msg) *dns.Msg {
	msg := new(dns.Msg).SetRcode(request, r.rcode)
	for _, i := range r.answer {
		msg.Answer = append(msg.Answer, i.records(r.style)...)
	}
	for _, i := range r.authority {
		msg.Ns = append(msg.Ns, i.records(r.style)...)
	}
	return msg
}

// String describes the response on one line.
func (r *response) String() string {
	text := dns.RcodeToString[r.rcode]
	for _, i := range r.answer {
		text += " | " + i.String()
	}
	text += " || authority"
	for _, i := range r.authority {
		text += " | " + i.String()
	}
	if r.style.ttl != 0 {
		text += fmt.Sprintf(" (TTL %d)", r.style.ttl)
	}
	return text
}

// String describes the item.
func (i item) String() string {
	if i.record != nil {
		h := i.record.Header()
		return "unsigned " + h.Name + " " + strings.TrimPrefix(i.record.String(), h.String()) + " " + dns.TypeToString[h.Rrtype]
	}
	text := i.set.String()
	if i.owner != "" && i.owner != i.set.owner() {
		text += " as " + i.owner
	}
	if i.bare {
		text += " without signature"
	}
	if i.class != (classes{}) {
		text += " of class " + dns.Class(i.class.records).String() + ", its signature of " + dns.Class(i.class.signature).String()
	}
	return text
}

// without returns a copy of the response without one of its items, and false if it has
// less.
func (r *response) without(n int) (*response, bool) {
	c := *r
	switch {
	case n < len(r.answer):
		c.answer = slices.Delete(slices.Clone(r.answer), n, n+1)
	case n < len(r.answer)+len(r.authority):
		n -= len(r.answer)
		c.authority = slices.Delete(slices.Clone(r.authority), n, n+1)
	default:
		return nil, false
	}
	return &c, true
}
