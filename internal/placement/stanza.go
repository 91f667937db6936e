package placement

import (
	"maps"
	"slices"

	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
)

// Block is a server block: its zones, and its forwarding stanzas in the order in which
// the chain asks them.
type Block struct {
	Zones   []string
	Stanzas []*Stanza

	made map[int]plugin.Handler // the handlers of forwarding plugins, by their index in the chain
}

// Stanza is one `forward FROM TO... { except NAMES... }` and its handler. The names are
// canonical.
type Stanza struct {
	Directive string
	From      string
	Except    []string
	Handler   plugin.Handler // nil if the chain has none for the stanza

	// Upstream is for the user of the stanza to keep what it knows of the upstream.
	Upstream any
}

// newBlock reads the forwarding stanzas of a server block.
func newBlock(zones []string, sb caddyfile.ServerBlock) *Block {
	b := &Block{Zones: zones, made: make(map[int]plugin.Handler)}
	for _, directive := range Forwarding {
		d := caddyfile.NewDispenserTokens("Corefile", sb.Tokens[directive])
		for d.Next() {
			b.Stanzas = append(b.Stanzas, newStanza(directive, &d))
		}
	}
	return b
}

// newStanza reads FROM, and the names of except. A stanza of alternate has no FROM.
func newStanza(directive string, d *caddyfile.Dispenser) *Stanza {
	s := &Stanza{Directive: directive, From: dnsname.Root}
	if args := d.RemainingArgs(); len(args) > 0 && directive != "alternate" {
		s.From = normalize(args[0])
	}
	for d.NextBlock() {
		if word, args := d.Val(), d.RemainingArgs(); word == "except" {
			for _, name := range args {
				s.Except = append(s.Except, normalize(name))
			}
		}
	}
	return s
}

// normalize returns the canonical name of a zone, as CoreDNS reads it from a Corefile.
func normalize(zone string) string {
	if zones := plugin.Host(zone).NormalizeExact(); len(zones) > 0 {
		return dnsname.Canonical(zones[0])
	}
	return dnsname.Canonical(zone)
}

// noteHandlers wraps the plugins of a chain, so that the handlers of forwarding plugins
// are noted when they are made.
func (b *Block) noteHandlers(conf *dnsserver.Config) {
	for i, maker := range conf.Plugin {
		conf.Plugin[i] = func(next plugin.Handler) plugin.Handler {
			h := maker(next)
			if slices.Contains(Forwarding, h.Name()) {
				b.made[i] = h
			}
			return h
		}
	}
}

// assignHandlers gives the stanzas the handlers that were noted, and puts them into the
// order of the chain. A stanza without a handler is dropped.
func (b *Block) assignHandlers() {
	ordered := make([]*Stanza, 0, len(b.Stanzas))
	rest := b.Stanzas
	for _, i := range slices.Sorted(maps.Keys(b.made)) {
		h := b.made[i]
		next := slices.IndexFunc(rest, func(s *Stanza) bool { return s.Directive == h.Name() })
		if next < 0 {
			continue
		}
		rest[next].Handler = h
		ordered = append(ordered, rest[next])
		rest = slices.Concat(rest[:next:next], rest[next+1:])
	}
	b.Stanzas = ordered
}

// Takes decides whether the stanza answers for the name, as forward does: FROM is at or
// above it, and no name of except is. Except does not apply to FROM itself.
func (s *Stanza) Takes(name string) bool {
	if !dnsname.IsSubdomain(name, s.From) {
		return false
	}
	for _, except := range s.Except {
		if name != s.From && dnsname.IsSubdomain(name, except) {
			return false
		}
	}
	return true
}

// Zone returns the longest zone of the block at or above the name.
func (b *Block) Zone(name string) (zone string, ok bool) {
	for _, z := range b.Zones {
		if dnsname.IsSubdomain(name, z) && (!ok || len(z) > len(zone)) {
			zone, ok = z, true
		}
	}
	return zone, ok
}
