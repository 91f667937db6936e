package dnssecval

import (
	"context"
	"maps"
	"slices"

	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/miekg/dns"
)

// routes says whom to ask for the DS and DNSKEY of a zone. The plugins of the own
// block can't always be asked: a block for corp.example.com has no way to the root,
// and `forward corp. 10.0.0.1` would send the question for the DS of corp. to the
// child's side of the cut.
type routes struct {
	own    *block
	blocks []*block // of the same listener, the own one first
}

// block is a server block: its zones and the plugins in it that ask an upstream.
type block struct {
	zones   []string
	stanzas []*stanza
	made    map[int]plugin.Handler // the askers' handlers by their place in the chain
}

// stanza is one `forward FROM TO... { except NAMES... }` and the handler of it.
type stanza struct {
	directive string
	from      string
	except    []string
	handler   plugin.Handler
	upstream  upstream
}

// newBlock reads the lines of a server block's askers.
func newBlock(zones []string, sb caddyfile.ServerBlock) *block {
	b := &block{zones: zones, made: make(map[int]plugin.Handler)}
	for _, directive := range askers {
		d := caddyfile.NewDispenserTokens("Corefile", sb.Tokens[directive])
		for d.Next() {
			b.stanzas = append(b.stanzas, newStanza(directive, &d))
		}
	}
	return b
}

func newStanza(directive string, d *caddyfile.Dispenser) *stanza {
	s := &stanza{directive: directive, from: dnsname.Root}
	if args := d.RemainingArgs(); len(args) > 0 && directive != "alternate" {
		s.from = normalize(args[0])
	}
	for d.NextBlock() {
		if word, args := d.Val(), d.RemainingArgs(); word == "except" {
			for _, name := range args {
				s.except = append(s.except, normalize(name))
			}
		}
	}
	return s
}

func normalize(zone string) string {
	if zones := plugin.Host(zone).NormalizeExact(); len(zones) > 0 {
		return dnsname.Canonical(zones[0])
	}
	return dnsname.Canonical(zone)
}

// catchHandlers wraps the makers of a chain, so that the handlers of the askers are
// known once they are made.
func (b *block) catchHandlers(conf *dnsserver.Config) {
	for i, maker := range conf.Plugin {
		conf.Plugin[i] = func(next plugin.Handler) plugin.Handler {
			h := maker(next)
			if slices.Contains(askers, h.Name()) {
				b.made[i] = h
			}
			return h
		}
	}
}

// assignHandlers gives the stanzas the handlers that were caught, in the order of
// the chain: that is the order in which they are asked.
func (b *block) assignHandlers() {
	ordered := make([]*stanza, 0, len(b.stanzas))
	rest := b.stanzas
	for _, i := range slices.Sorted(maps.Keys(b.made)) {
		h := b.made[i]
		next := slices.IndexFunc(rest, func(s *stanza) bool { return s.directive == h.Name() })
		if next < 0 {
			continue
		}
		rest[next].handler = h
		ordered = append(ordered, rest[next])
		rest = slices.Concat(rest[:next:next], rest[next+1:])
	}
	b.stanzas = ordered
}

// takes tells whether the stanza answers for the name, as forward decides it.
func (s *stanza) takes(name string) bool {
	if !dnsname.IsSubdomain(name, s.from) {
		return false
	}
	for _, except := range s.except {
		if name != s.from && dnsname.IsSubdomain(name, except) {
			return false
		}
	}
	return true
}

// zone returns the longest zone of the block at or above the name.
func (b *block) zone(name string) (zone string, ok bool) {
	for _, z := range b.zones {
		if dnsname.IsSubdomain(name, z) && (!ok || len(z) > len(zone)) {
			zone, ok = z, true
		}
	}
	return zone, ok
}

// handler returns who is to be asked; ok is false if nobody in this Corefile is in
// charge. The DS of a zone is a matter of the block and the stanza of its parent.
func (r *routes) handler(ctx context.Context, name string, qtype uint16) (h plugin.Handler, ok bool) {
	b := r.inCharge(container(name, qtype))
	if b == nil {
		return nil, false
	}
	for _, s := range b.stanzas {
		childSide := qtype == dns.TypeDS && s.from == name && name != dnsname.Root
		if s.handler != nil && s.takes(name) && !childSide {
			return watched{s.handler, &s.upstream, s.from}, true
		}
	}
	if b == r.own {
		return nil, false
	}
	server, ok := ctx.Value(dnsserver.Key{}).(*dnsserver.Server)
	return viaServer{server}, ok
}

// first returns the handler of the askers, which is next in the chain, as that of the
// stanza that it answers for the name from.
func (r *routes) first(next plugin.Handler, name string) plugin.Handler {
	for _, s := range r.own.stanzas {
		if s.takes(name) {
			return watched{next, &s.upstream, s.from}
		}
	}
	return next
}

// silent tells whether those who are asked about the zones at and above a name answer
// nothing at all.
func (r *routes) silent(name string) bool {
	b := r.inCharge(name)
	return b != nil && slices.ContainsFunc(b.stanzas, func(s *stanza) bool { return s.takes(name) && s.upstream.silent() })
}

// inCharge returns the block with the longest zone at or above the name.
func (r *routes) inCharge(name string) (best *block) {
	longest := -1
	for _, b := range r.blocks {
		if zone, ok := b.zone(name); ok && len(zone) > longest {
			best, longest = b, len(zone)
		}
	}
	return best
}

// private returns the name by which the operator forwards a name on purpose: the
// longest of FROM and the block's zone. The root means that there is none.
func (r *routes) private(name string) string {
	zone, ok := r.own.zone(name)
	if !ok {
		return dnsname.Root
	}
	for _, s := range r.own.stanzas {
		if s.takes(name) {
			if len(s.from) > len(zone) {
				zone = s.from
			}
			break
		}
	}
	return zone
}

// forwards tells whether a question for the name goes to an upstream.
func (r *routes) forwards(name string) bool {
	return slices.ContainsFunc(r.own.stanzas, func(s *stanza) bool { return s.takes(name) })
}

// viaServer asks the server as a client does, for blocks that serve the name
// themselves.
type viaServer struct{ server *dnsserver.Server }

func (v viaServer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	v.server.ServeDNS(ctx, w, r)
	return dns.RcodeSuccess, nil
}

func (v viaServer) Name() string { return "server" }
