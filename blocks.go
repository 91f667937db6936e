package dnssecval

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

// findRoutes reads from the Corefile which block and which forward is in charge of
// what, and has their handlers caught when they are made.
func (p *placement) findRoutes() error {
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
	r := &routes{}
	p.validator.routes = r
	for i, sb := range serverBlocks {
		zones := p.sharedZones(p.keysOf(i, sb))
		if len(zones) == 0 {
			continue
		}
		b := newBlock(zones, sb)
		b.catchHandlers(p.configOf(i, 0))
		if i == ownIndex {
			p.serve(sb)
			r.own = b
			r.blocks = append([]*block{b}, r.blocks...)
		} else {
			r.blocks = append(r.blocks, b)
		}
	}
	return nil
}

// blockKey is one of the keys of a server block: a zone, and where it is served.
type blockKey struct {
	zone    string
	servers []string // as CoreDNS names them: dns://127.0.0.1:53
}

// keysOf returns the keys of a server block. A network such as 10.0.0.0/9 stands
// for several zones, and CoreDNS makes a key of each. All are served on the
// addresses of the first.
func (p *placement) keysOf(index int, sb caddyfile.ServerBlock) []blockKey {
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

func (p *placement) configOf(index, key int) *dnsserver.Config {
	c := *p.controller
	c.ServerBlockIndex, c.ServerBlockKeyIndex = index, key
	return dnsserver.GetConfig(&c)
}

// servers returns the addresses on which the block of the validator listens.
func (p *placement) servers() (servers []string) {
	for _, key := range p.keys {
		servers = append(servers, key.servers...)
	}
	return servers
}

// validatorsOn returns the validators of all blocks that listen on the address.
func (p *placement) validatorsOn(server string) (validators []*Validator) {
	for _, other := range placements(p.instance) {
		if other.validator.directive == p.validator.directive && slices.Contains(other.servers(), server) {
			validators = append(validators, other.validator)
		}
	}
	return validators
}

// sharedZones returns the zones that are served where the validator's block is.
func (p *placement) sharedZones(keys []blockKey) (zones []string) {
	own := p.servers()
	for _, key := range keys {
		if slices.ContainsFunc(key.servers, func(s string) bool { return slices.Contains(own, s) }) {
			zones = append(zones, key.zone)
		}
	}
	return zones
}

// serve tells the server its zones: those of the keepers that are to be judged.
func (p *placement) serve(sb caddyfile.ServerBlock) {
	if p.server == nil {
		return
	}
	p.server.serves = newServedZones(sb)
	p.server.serves.only(p.validator.zones)
}
