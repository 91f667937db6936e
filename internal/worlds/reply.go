package worlds

import (
	"slices"
	"strings"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// reply is an answer that a client got, to be compared with the truth.
type reply struct {
	*signer
	versions versions
	qtype    uint16
	status   dnssec.Status
	rcode    int
	sets     map[setKey][]string // the RDATA of the answer section
	used     map[setKey]bool     // of these, what belongs to the answer
	foreign  bool                // a record of it is of another class than IN
}

type setKey struct {
	name  string
	rtype uint16
}

// newReply reads an answer.
func newReply(s *signer, v versions, qtype uint16, status dnssec.Status, msg *dns.Msg) *reply {
	r := &reply{signer: s, versions: v, qtype: qtype, status: status, rcode: msg.Rcode, sets: make(map[setKey][]string), used: make(map[setKey]bool)}
	for _, rr := range msg.Answer {
		h := rr.Header()
		r.foreign = r.foreign || h.Class != dns.ClassINET
		if h.Rrtype != dns.TypeRRSIG {
			key := setKey{strings.ToLower(h.Name), h.Rrtype}
			r.sets[key] = append(r.sets[key], rdata(rr))
		}
	}
	return r
}

func rdata(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }

// isTrue reports whether the answer says what the zones have, from the name on. A secure
// one has to be true to its end. An insecure one has to be true up to a name about which
// anything may be said, and an indeterminate one up to such a name or one outside.
func (r *reply) isTrue(name string) bool {
	for range 2 * mostAliases {
		switch z := r.versions[0].holding(name, r.qtype); {
		case z == nil:
			return r.status != dnssec.Secure && r.status != dnssec.Insecure
		case r.versions.isHostile(name, r.qtype):
			return true
		}
		if r.versions.allowsInsecure(name, r.qtype) {
			if r.status != dnssec.Secure {
				return true
			}
			if len(r.versions) == 1 {
				return false
			}
		}
		next, ok := r.link(name)
		if !ok {
			return false
		}
		if next == "" {
			return r.status == dnssec.Secure && len(r.used) == len(r.sets) && !r.foreign
		}
		name = next
	}
	return false
}

// link checks what the answer has of one name, and returns the target of an alias.
func (r *reply) link(name string) (next string, ok bool) {
	if owner, target := r.redirection(name); owner != "" {
		next := substitute(name, owner, target)
		r.used[setKey{owner, dns.TypeDNAME}], r.used[setKey{name, dns.TypeCNAME}] = true, true
		if r.qtype == dns.TypeCNAME {
			return "", r.isOnly(name, dns.TypeCNAME, next)
		}
		return next, r.isOnly(name, dns.TypeCNAME, next)
	}
	for _, rtype := range []uint16{r.qtype, dns.TypeCNAME} {
		key := setKey{name, rtype}
		if len(r.sets[key]) == 0 {
			continue
		}
		if r.used[key] = true; rtype == r.qtype {
			return "", r.rcode == dns.RcodeSuccess && r.hasData(name, rtype)
		}
		return r.sets[key][0], r.hasData(name, rtype)
	}
	if r.rcode == dns.RcodeNameError {
		return "", r.versions.allowsNoName(name, r.qtype)
	}
	return "", r.rcode == dns.RcodeSuccess && r.versions.allowsNoData(name, r.qtype)
}

// isOnly reports whether an RRset has exactly this RDATA.
func (r *reply) isOnly(name string, rtype uint16, rdata string) bool {
	have := r.sets[setKey{name, rtype}]
	return len(have) == 1 && have[0] == rdata
}

// redirection returns the DNAME above the name that the answer has, if a zone has it.
func (r *reply) redirection(name string) (owner, target string) {
	for above := parent(name); above != ""; above = parent(above) {
		have := r.sets[setKey{above, dns.TypeDNAME}]
		if len(have) == 0 {
			continue
		}
		genuine := r.versions.any(func(t *tree) bool {
			s := t.step(name, dns.TypeA)
			return s.outcome == redirected && s.source == above && r.isOnly(above, dns.TypeDNAME, s.zone.owners[above].Target)
		})
		if genuine {
			return above, have[0]
		}
	}
	return "", ""
}

// hasData reports whether a zone has exactly these data for a name, its own or those of
// a wildcard that may stand for it.
func (r *reply) hasData(name string, rtype uint16) bool {
	return r.versions.any(func(t *tree) bool {
		s := t.step(name, r.qtype)
		if s.outcome == answered && rtype == r.qtype || s.outcome == aliased && rtype == dns.TypeCNAME {
			return r.equals(name, rtype, r.data(s.zone, s.source, s.source, rtype))
		}
		return false
	}) || len(r.versions) > 1 && r.isExpanded(name, rtype)
}

// isExpanded reports whether the data are those of a wildcard of some version that may
// stand for the name.
func (r *reply) isExpanded(name string, rtype uint16) bool {
	return r.versions.any(func(t *tree) bool {
		for above := parent(name); above != ""; above = parent(above) {
			wildcard := wildcardAt(above)
			z := t.holding(wildcard, rtype)
			if z != nil && z.signed && slices.Contains(z.types(wildcard), rtype) && r.equals(name, rtype, r.data(z, wildcard, wildcard, rtype)) {
				return r.versions.allowsExpansion(name, wildcard, r.qtype, rtype)
			}
		}
		return false
	})
}

// equals reports whether the answer has the RDATA of a set under a name.
func (r *reply) equals(name string, rtype uint16, set *Set) bool {
	return len(set.RRs) == 1 && r.isOnly(name, rtype, rdata(set.RRs[0]))
}
