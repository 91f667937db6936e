package dnssecval

import (
	"fmt"
	"sync"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/miekg/dns"
)

// servedZones is the zones that a block serves, and those of them that are judged by
// their own keys since nothing else vouches for these.
type servedZones struct {
	*placement.Served
	own sync.Map
}

// zone returns the zone that a name is in, or an empty string.
func (s *servedZones) zone(name string) string { return s.Zone(name) }

// isApex decides whether one of the zones begins at the name.
func (s *servedZones) isApex(name string) bool { return s != nil && s.IsApex(name) }

// has decides whether a name is in a zone that is judged by its own keys.
func (s *servedZones) has(name string) bool {
	_, own := s.own.Load(s.zone(name))
	return own
}

// byOwnKeys judges a zone that the block serves by the keys in its own file, where
// neither a trust anchor nor the tree vouches for them. This shows whether what is
// served is what was signed, and for how long still; it proves nothing to others, so
// that AD is not set for it.
func (q *query) byOwnKeys(name string, c *cut) *cut {
	unknown := c.finding.Status == dnssec.Indeterminate || c.finding.Status == dnssec.Insecure && c.delegation != dnssec.DelegationSigned
	unreachable := c.finding.Reason == dnssec.DSUnavailable || c.inherited && c.finding.Reason == dnssec.DNSKEYUnavailable
	if !q.v.serves.isApex(name) || c.finding.Reason == dnssec.NegativeTrustAnchor || !unknown && !unreachable {
		return c
	}
	msg, err := q.fetch(name, dns.TypeDNSKEY, usual)
	if err != nil {
		return c
	}
	anchors := ownAnchors(msg.Answer)
	if len(anchors) == 0 {
		return c
	}
	q.v.serves.own.Store(name, true)
	if q.v.told.first(name) {
		q.v.log.Warningf("%s is judged by the keys in its own file: nothing vouches for them. To have it validated add `trust-anchor FILE` to this %s block, with the line %q",
			name, q.v.directive, fmt.Sprintf("%s IN DS %d %d %d %s", name, anchors[0].KeyTag, anchors[0].Algorithm, anchors[0].DigestType, anchors[0].Digest))
	}
	return q.keysOf(name, dnssec.TrustAnchors(name, anchors), maxDenialTTL, usual)
}

// ownAnchors makes anchors of a DNSKEY RRset, those with the SEP flag first: it is
// these that are published.
func ownAnchors(answer []dns.RR) []*dns.DS {
	var entry, others []*dns.DS
	for _, rr := range answer {
		key, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		ds := key.ToDS(dns.SHA256)
		switch {
		case ds == nil:
		case key.Flags&dns.SEP != 0:
			entry = append(entry, ds)
		default:
			others = append(others, ds)
		}
	}
	return append(entry, others...)
}
