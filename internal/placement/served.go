package placement

import (
	"slices"

	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/plugin"
)

// Served is the zones that the authoritative plugins of a block serve.
type Served struct {
	zones plugin.Zones
	below plugin.Zones    // where auto looks for zones
	found func() []string // the zones that auto has found
}

// newServed reads the zones of a server block's authoritative plugins:
//
//	file DBFILE [ZONES...]
//	auto [ZONES...]
//	secondary [ZONES...]
func newServed(sb caddyfile.ServerBlock) *Served {
	s := &Served{found: func() []string { return nil }}
	for _, directive := range Authoritative {
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

// only leaves out the zones that are not at or below one of those given.
func (s *Served) only(given plugin.Zones) {
	outside := func(zone string) bool { return given.Matches(zone) == "" }
	s.zones = slices.DeleteFunc(s.zones, outside)
	found := s.found
	s.found = func() []string { return slices.DeleteFunc(slices.Clone(found()), outside) }
}

// foundBy adds the zones that the plugin auto finds while it runs, of those at or below
// one of the zones given.
func (s *Served) foundBy(auto plugin.Handler, given plugin.Zones) {
	if a, ok := auto.(interface{ Names() []string }); ok {
		s.found = a.Names
		s.only(given)
	}
}

// All returns the zones that are served now.
func (s *Served) All() plugin.Zones {
	if len(s.below) == 0 {
		return s.zones
	}
	return slices.Concat(s.zones, plugin.Zones(s.found()))
}

// Zone returns the zone that a name is in, or an empty string.
func (s *Served) Zone(name string) string { return s.All().Matches(name) }

// IsApex decides whether one of the zones begins at the name.
func (s *Served) IsApex(name string) bool { return s.Zone(name) == name }

// Changes decides whether zones may be added while the block runs, as auto does.
func (s *Served) Changes() bool { return len(s.below) > 0 }
