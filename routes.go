package dnssecval

import (
	"context"
	"slices"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/miekg/dns"
)

// routes is where the questions of a validator go, with what is known of the upstreams.
type routes struct{ *placement.Routes }

// newRoutes has the upstreams of all stanzas watched, and returned called when one answers
// again.
func newRoutes(r *placement.Routes, returned func()) *routes {
	for _, b := range r.Blocks {
		watchUpstreams(b.Stanzas, returned)
	}
	return &routes{r}
}

// watchUpstreams gives the stanzas an upstream that have none.
func watchUpstreams(stanzas []*placement.Stanza, returned func()) {
	for _, s := range stanzas {
		if s.Upstream == nil {
			s.Upstream = &upstream{returned: returned}
		}
	}
}

// upstreamOf returns what is known of the upstream of a stanza.
func upstreamOf(s *placement.Stanza) *upstream { return s.Upstream.(*upstream) }

// handler returns the handler that is to be asked, or false if no block of the Corefile
// is in charge. The DS of a zone is asked for where its parent is.
func (r *routes) handler(ctx context.Context, name string, qtype uint16) (h plugin.Handler, ok bool) {
	s, ok := r.Lookup(name, qtype)
	switch {
	case s != nil:
		return watched{s.Handler, upstreamOf(s), s.From}, true
	case ok:
		return placement.ViaServer(ctx)
	default:
		return nil, false
	}
}

// first returns the next handler of the chain, a forwarding plugin, as that of the stanza
// from which it answers for the name.
func (r *routes) first(next plugin.Handler, name string) plugin.Handler {
	if s := r.First(name); s != nil {
		return watched{next, upstreamOf(s), s.From}
	}
	return next
}

// silent decides whether an upstream for the zones at and above a name answers nothing at
// all.
func (r *routes) silent(name string) bool {
	b := r.InCharge(name)
	return b != nil && slices.ContainsFunc(b.Stanzas, func(s *placement.Stanza) bool { return s.Takes(name) && upstreamOf(s).silent() })
}

// private returns the name by which the operator forwards a name, or the root.
func (r *routes) private(name string) string { return r.Private(name) }

// forwards decides whether a question for the name goes to an upstream.
func (r *routes) forwards(name string) bool { return r.Forwards(name) }

// serving returns the routes of a block that asks its authoritative plugins for the zones
// that they serve. They answer for the DS of a zone as the zone itself: that is asked for
// where r says.
func (r *routes) serving(s *servedZones, authoritative func() plugin.Handler) *routes {
	h := func(ctx context.Context, w dns.ResponseWriter, m *dns.Msg) (int, error) {
		name := dnsname.Canonical(m.Question[0].Name)
		if m.Question[0].Qtype != dns.TypeDS || !s.isApex(name) {
			return plugin.NextOrFailure("serve", authoritative(), unserved(ctx), w, m)
		}
		if h, ok := r.handler(ctx, name, dns.TypeDS); ok {
			return h.ServeDNS(ctx, w, m)
		}
		return dns.RcodeRefused, errNoRoute
	}
	return newRoutes(r.Serving(s.Served, plugin.HandlerFunc(h)), nil)
}
