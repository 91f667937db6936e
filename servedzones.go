package dnssecval

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
)

// servedZones is the zones that the keepers of a block serve, and those of them that
// are judged by their own keys since nothing else vouches for these.
type servedZones struct {
	zones plugin.Zones
	below plugin.Zones    // where auto looks for zones
	found func() []string // the zones that auto found
	own   sync.Map
}

// newServedZones reads the zones of the keepers' lines in a server block: file DB
// [ZONES...], auto [ZONES...] and secondary [ZONES...].
func newServedZones(sb caddyfile.ServerBlock) *servedZones {
	s := &servedZones{found: func() []string { return nil }}
	for _, directive := range keepers {
		d := caddyfile.NewDispenserTokens("Corefile", sb.Tokens[directive])
		for d.Next() {
			args := d.RemainingArgs()
			if directive == "file" && len(args) > 0 {
				args = args[1:]
			}
			zones := &s.zones
			if directive == "auto" {
				zones = &s.below
			}
			*zones = append(*zones, plugin.OriginsFromArgsOrServerBlock(args, slices.Clone(sb.Keys))...)
			for d.NextBlock() {
				d.RemainingArgs()
			}
		}
	}
	return s
}

// all returns the zones that there are now.
func (s *servedZones) all() plugin.Zones {
	if len(s.below) == 0 {
		return s.zones
	}
	return slices.Concat(s.zones, plugin.Zones(s.found()))
}

// zone returns the zone that a name is in, or an empty string.
func (s *servedZones) zone(name string) string { return s.all().Matches(name) }

// isApex tells whether one of the zones begins at the name.
func (s *servedZones) isApex(name string) bool { return s != nil && s.zone(name) == name }

// has tells whether a name is in a zone that is judged by its own keys.
func (s *servedZones) has(name string) bool {
	_, own := s.own.Load(s.zone(name))
	return own
}

// only leaves the zones out that are not in one of those given.
func (s *servedZones) only(given plugin.Zones) {
	outside := func(zone string) bool { return given.Matches(zone) == "" }
	s.zones = slices.DeleteFunc(s.zones, outside)
	found := s.found
	s.found = func() []string { return slices.DeleteFunc(slices.Clone(found()), outside) }
}

// foundBy has the zones be known that auto finds while it runs.
func (s *servedZones) foundBy(auto plugin.Handler, given plugin.Zones) {
	if a, ok := auto.(interface{ Names() []string }); ok {
		s.found = a.Names
		s.only(given)
	}
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

// localRoutes returns the routes of a block in which its own zones are asked for at
// the keepers. But for the DS of a zone: they answer for it as the zone itself.
func localRoutes(r *routes, s *servedZones, keeper func() plugin.Handler) *routes {
	local := &block{zones: r.own.zones}
	for _, zone := range slices.Concat(s.zones, s.below) {
		local.stanzas = append(local.stanzas, &stanza{from: zone, handler: plugin.HandlerFunc(
			func(ctx context.Context, w dns.ResponseWriter, m *dns.Msg) (int, error) {
				name := dnsname.Canonical(m.Question[0].Name)
				if m.Question[0].Qtype != dns.TypeDS || !s.isApex(name) {
					return plugin.NextOrFailure("serve", keeper(), unserved(ctx), w, m)
				}
				if h, ok := r.handler(ctx, name, dns.TypeDS); ok {
					return h.ServeDNS(ctx, w, m)
				}
				return dns.RcodeRefused, errNoRoute
			})})
	}
	local.stanzas = append(local.stanzas, r.own.stanzas...)
	blocks := []*block{local}
	for _, b := range r.blocks {
		if b != r.own {
			blocks = append(blocks, b)
		}
	}
	return &routes{own: local, blocks: blocks}
}
