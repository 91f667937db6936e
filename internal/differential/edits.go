package differential

import (
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// edit is a change to the answer to one question: to any question of the zone
// with the defect, to one whose kind contains word, or to the one for the apex
// with the qtype apex.
type edit struct {
	edit func(*change)
	word string
	apex uint16
}

// change is an answer that is being edited.
type change struct {
	*dns.Msg
	world *testzone.World
	zone  *testzone.Zone // the zone with the defect
	up    *testzone.Zone // its parent zone
}

func (c *change) qname() string { return c.Question[0].Name }

func on(f func(*change)) edit { return edit{edit: f} }

// edits has the edits of answers, by kind.
var edits = map[string]edit{
	"answer emptied":                       on(func(c *change) { c.Answer = nil }),
	"NXDOMAIN said":                        on(func(c *change) { c.Rcode = dns.RcodeNameError }),
	"NOERROR said":                         on(func(c *change) { c.Rcode = dns.RcodeSuccess }),
	"SERVFAIL said":                        on(fail),
	"DNSKEY unavailable":                   {edit: fail, apex: dns.TypeDNSKEY},
	"DS unavailable":                       {edit: fail, apex: dns.TypeDS},
	"DNSKEY denied without proof":          {edit: func(c *change) { c.Answer = nil }, apex: dns.TypeDNSKEY},
	"DS denied without proof":              {edit: func(c *change) { c.Answer, c.Ns = nil, nil }, apex: dns.TypeDS},
	"authority dropped":                    on(func(c *change) { c.Ns = nil }),
	"SOA dropped":                          on(func(c *change) { c.Ns = without(c.Ns, dns.TypeSOA) }),
	"signatures of the authority dropped":  on(func(c *change) { c.Ns = unsigned(c.Ns) }),
	"unsigned address added to the answer": on(func(c *change) { c.Answer = append(c.Answer, c.address()) }),
	"unsigned NS added to the authority":   on(func(c *change) { c.Ns = append(c.Ns, c.ns()) }),
	"unsigned NSEC added":                  on(func(c *change) { c.Ns = append(c.Ns, c.nsec()) }),
	"NSEC with a wrong signature added":    on(func(c *change) { c.Ns = append(append(c.Ns, c.nsec()), c.wrongSignatures()...) }),
	"one more denial added":                on(func(c *change) { c.Ns = append(c.Ns, c.denials(1)...) }),
	"many denials added":                   on(func(c *change) { c.Ns = append(c.Ns, c.denials(12)...) }),
	"unsigned address added besides":       on(func(c *change) { c.Extra = append(c.Extra, c.address()) }),
	"order reversed":                       on(func(c *change) { slices.Reverse(c.Answer); slices.Reverse(c.Ns) }),
	"records twice":                        on(func(c *change) { c.Answer, c.Ns = twice(c.Answer), twice(c.Ns) }),
	"target left out":                      {edit: leaveTargetOut, word: "NAME"},
	"DNAME left out":                       {edit: func(c *change) { c.Answer = without(c.Answer, dns.TypeDNAME) }, word: "DNAME"},
	"synthesized CNAME left out":           {edit: func(c *change) { c.editSynthesized(func(*dns.CNAME) bool { return false }) }, word: "DNAME"},
	"synthesized CNAME changed":            {edit: changeSynthesized, word: "DNAME"},
	"TTL raised":                           on(func(c *change) { c.ttl(86400) }),
	"TTL 0":                                on(func(c *change) { c.ttl(0) }),
	"owner names in capitals":              on(capitals),
	"NXDOMAIN of another name":             on(func(c *change) { c.replay("none."+c.zone.Name, dns.TypeA) }),
	"NODATA of another name":               on(func(c *change) { c.replay(c.zone.Name, dns.TypeHINFO) }),
	"expansion of a wildcard":              on(func(c *change) { c.replay("q.wild."+c.zone.Name, dns.TypeA) }),
	"NXDOMAIN by the NSEC of a delegation": on(func(c *change) { c.ancestor(dns.RcodeNameError) }),
	"NODATA by the NSEC of a delegation":   on(func(c *change) { c.ancestor(dns.RcodeSuccess) }),
}

func fail(c *change) {
	c.Rcode, c.Answer, c.Ns = dns.RcodeServerFailure, nil, nil
}

// without returns section without the RRsets of a type and their signatures.
func without(section []dns.RR, typ uint16) []dns.RR {
	return slices.DeleteFunc(section, func(rr dns.RR) bool { return covers(rr) == typ })
}

// covers returns the type of an RR, or the type covered by an RRSIG.
func covers(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}

func unsigned(section []dns.RR) []dns.RR {
	return slices.DeleteFunc(section, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG })
}

func twice(section []dns.RR) []dns.RR { return append(section, section...) }

func (c *change) header(name string, typ uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: typ, Class: dns.ClassINET, Ttl: 300}
}

func (c *change) address() dns.RR {
	return &dns.A{Hdr: c.header("added."+c.zone.Name, dns.TypeA), A: []byte{192, 0, 2, 66}}
}

func (c *change) ns() dns.RR {
	return &dns.NS{Hdr: c.header(c.zone.Name, dns.TypeNS), Ns: "added." + c.zone.Name}
}

// nsec returns an NSEC RR that covers every name below the apex.
func (c *change) nsec() dns.RR {
	return &dns.NSEC{Hdr: c.header(`\000.`+c.zone.Name, dns.TypeNSEC), NextDomain: c.zone.Name, TypeBitMap: []uint16{dns.TypeA}}
}

// wrongSignatures returns signatures for nsec that were made for the zone's
// SOA.
func (c *change) wrongSignatures() []dns.RR {
	set, _ := c.zone.RRset(c.zone.Name, dns.TypeSOA)
	var list []dns.RR
	for _, sig := range set.Sigs {
		sig.Hdr.Name, sig.TypeCovered, sig.Labels = `\000.`+c.zone.Name, dns.TypeNSEC, sig.Labels+1
		list = append(list, sig)
	}
	return list
}

// denials returns up to n NSEC or NSEC3 RRs of the zone that are not in the
// response, with their signatures.
func (c *change) denials(n int) []dns.RR {
	var list []dns.RR
	for _, rr := range c.zone.Records() {
		typ := rr.Header().Rrtype
		if typ != dns.TypeNSEC && typ != dns.TypeNSEC3 || slices.ContainsFunc(c.Ns, func(have dns.RR) bool { return dns.IsDuplicate(have, rr) }) {
			continue
		}
		set, _ := c.zone.RRset(rr.Header().Name, typ)
		list = append(list, rr)
		for _, sig := range set.Sigs {
			list = append(list, sig)
		}
		if n--; n == 0 {
			break
		}
	}
	return list
}

// leaveTargetOut removes everything after the first CNAME of a chain.
func leaveTargetOut(c *change) {
	i := slices.IndexFunc(c.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME })
	if i < 0 {
		return
	}
	alias := c.Answer[i].Header().Name
	c.Answer = slices.DeleteFunc(c.Answer, func(rr dns.RR) bool {
		return rr.Header().Name != alias && covers(rr) != dns.TypeDNAME
	})
	c.Ns, c.Rcode = nil, dns.RcodeSuccess
}

// editSynthesized calls f for each CNAME without a signature, and removes it if
// f returns false.
func (c *change) editSynthesized(f func(*dns.CNAME) bool) {
	signed := map[string]bool{}
	for _, rr := range c.Answer {
		if covers(rr) == dns.TypeCNAME && rr.Header().Rrtype == dns.TypeRRSIG {
			signed[rr.Header().Name] = true
		}
	}
	c.Answer = slices.DeleteFunc(c.Answer, func(rr dns.RR) bool {
		cname, ok := rr.(*dns.CNAME)
		return ok && !signed[cname.Hdr.Name] && !f(cname)
	})
}

func changeSynthesized(c *change) {
	c.editSynthesized(func(cname *dns.CNAME) bool {
		cname.Target = "multi." + c.zone.Name
		return true
	})
}

func (c *change) ttl(ttl uint32) {
	for _, rr := range slices.Concat(c.Answer, c.Ns) {
		rr.Header().Ttl = ttl
	}
}

func capitals(c *change) {
	for _, rr := range slices.Concat(c.Answer, c.Ns) {
		rr.Header().Name = strings.ToUpper(rr.Header().Name)
	}
}

// replay replaces the answer by that to another question of the zone. The owner
// names in the answer section are changed to the qname.
func (c *change) replay(name string, typ uint16) {
	a := c.world.Answer(new(dns.Msg).SetQuestion(name, typ).SetEdns0(1232, true))
	c.Rcode, c.Answer, c.Ns = a.Rcode, a.Answer, a.Ns
	for _, rr := range c.Answer {
		if strings.EqualFold(rr.Header().Name, name) {
			rr.Header().Name = c.qname()
		}
	}
}

// ancestor replaces the answer by a denial with the parent zone's NSEC or NSEC3
// RR of the delegation (RFC 6840, section 4.1).
func (c *change) ancestor(rcode int) {
	if c.up == nil {
		return
	}
	owner, typ, err := c.up.Denial(c.zone.Name)
	if err != nil {
		return
	}
	c.Rcode, c.Answer, c.Ns = rcode, nil, nil
	for _, key := range []struct {
		name string
		typ  uint16
	}{{c.up.Name, dns.TypeSOA}, {owner, typ}} {
		set, _ := c.up.RRset(key.name, key.typ)
		c.Ns = append(c.Ns, set.RRs...)
		for _, sig := range set.Sigs {
			c.Ns = append(c.Ns, sig)
		}
	}
}
