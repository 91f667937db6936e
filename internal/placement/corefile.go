package placement

import (
	"bytes"
	"fmt"
	"net"
	"slices"

	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
)

// readCorefile reads which block and which forwarding stanza is in charge of which names,
// and which zones the placement's block serves. It has the handlers of the stanzas noted
// when they are made.
func (p *Placement) readCorefile() error {
	input := p.instance.Caddyfile()
	serverBlocks, err := caddyfile.Parse(input.Path(), bytes.NewReader(input.Body()), nil)
	if err != nil {
		return err
	}
	ownIndex := p.controller.ServerBlockIndex
	if ownIndex >= len(serverBlocks) {
		return fmt.Errorf("block %d is not in the Corefile", ownIndex)
	}
	p.keys = p.keysOf(ownIndex, serverBlocks[ownIndex])
	p.served = newServed(serverBlocks[ownIndex])
	p.served.only(p.handlers.Zones)
	p.keeping = newKeeping(serverBlocks[ownIndex])
	p.routes = new(Routes)
	for i, sb := range serverBlocks {
		zones := p.sharedZones(p.keysOf(i, sb))
		if len(zones) == 0 {
			continue
		}
		b := newBlock(zones, sb)
		b.noteHandlers(p.configOf(i, 0))
		if i == ownIndex {
			p.routes.Own = b
			p.routes.Blocks = slices.Insert(p.routes.Blocks, 0, b)
		} else {
			p.routes.Blocks = append(p.routes.Blocks, b)
		}
	}
	return nil
}

// blockKey is one of the keys of a server block: a zone, and the addresses on which it is
// served, as CoreDNS names them.
type blockKey struct {
	zone    string
	servers []string
}

// keysOf returns the keys of a server block. CoreDNS makes several of a network such as
// 10.0.0.0/9, one of each zone. It serves all keys on the addresses of the first.
func (p *Placement) keysOf(index int, sb caddyfile.ServerBlock) []blockKey {
	keys := make([]blockKey, 0, len(sb.Keys))
	for k := range plugin.OriginsFromArgsOrServerBlock(slices.Clone(sb.Keys), nil) {
		conf := p.configOf(index, k)
		key := blockKey{zone: dnsname.Canonical(conf.Zone)}
		for _, host := range p.configOf(index, 0).ListenHosts {
			key.servers = append(key.servers, conf.Transport+"://"+net.JoinHostPort(host, conf.Port))
		}
		keys = append(keys, key)
	}
	return keys
}

// configOf returns the configuration of one key of a server block.
func (p *Placement) configOf(index, key int) *dnsserver.Config {
	c := *p.controller
	c.ServerBlockIndex, c.ServerBlockKeyIndex = index, key
	return dnsserver.GetConfig(&c)
}

// sharedZones returns the zones of those keys that are served on an address of p's block.
func (p *Placement) sharedZones(keys []blockKey) (zones []string) {
	own := p.Servers()
	for _, key := range keys {
		if slices.ContainsFunc(key.servers, func(s string) bool { return slices.Contains(own, s) }) {
			zones = append(zones, key.zone)
		}
	}
	return zones
}
