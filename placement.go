package dnssecval

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnsname"
)

// askers are the directives of plugins that ask an upstream. What others answer is
// the operator's own data and never passes the validator.
var askers = []string{"forward", "grpc", "fanout", "alternate", "unbound"}

// placement is a validator on its way into the chain of its block.
type placement struct {
	controller *caddy.Controller
	instance   *caddy.Instance
	config     *dnsserver.Config
	validator  *Validator
	keys       []blockKey // of the block
}

// place has the validator put before the first asker, and the explainer before all
// other plugins.
func place(c *caddy.Controller, v *Validator) error {
	first := slices.IndexFunc(dnsserver.Directives, func(d string) bool { return slices.Contains(askers, d) })
	own := slices.Index(dnsserver.Directives, v.directive)
	if first < 1 || own < 0 || own > first {
		return fmt.Errorf("%s has to stand before forward and the like in plugin.cfg", v.directive)
	}
	p := &placement{controller: c, config: dnsserver.GetConfig(c), validator: v}
	p.await(dnsserver.Directives[first-1], dnsserver.Directives[len(dnsserver.Directives)-1])
	c.OnStartup(p.start)
	return nil
}

// placementsKey is where an instance keeps the placements that are under way.
type placementsKey struct{}

// hooked is the directives that have a callback of ours: callbacks stay for the
// life of the process.
var hooked sync.Map

// await registers for the moment when the directive before the first asker is set
// up in all blocks, and for the end.
func (p *placement) await(beforeAskers, last string) {
	waiting, _ := p.controller.Get(placementsKey{}).([]*placement)
	p.controller.Set(placementsKey{}, append(waiting, p))
	if _, there := hooked.LoadOrStore(beforeAskers, true); !there {
		caddy.RegisterParsingCallback("dns", beforeAskers, forEachPlacement((*placement).insert))
	}
	if _, there := hooked.LoadOrStore(last, true); !there {
		caddy.RegisterParsingCallback("dns", last, forEachPlacement((*placement).finish))
	}
}

// forEachPlacement calls f for the placements of the instance that is being set up.
func forEachPlacement(f func(*placement) error) caddy.ParsingCallback {
	return func(ctx caddy.Context) error {
		for _, instance := range caddy.Instances() {
			for _, p := range placements(instance) {
				if p.controller.Context() != ctx {
					break
				}
				p.instance = instance
				if err := f(p); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func placements(instance *caddy.Instance) []*placement {
	instance.StorageMu.RLock()
	defer instance.StorageMu.RUnlock()
	waiting, _ := instance.Storage[placementsKey{}].([]*placement)
	return waiting
}

func (p *placement) insert() error {
	v := p.validator
	p.config.AddPlugin(func(next plugin.Handler) plugin.Handler {
		v.Next = next
		return v
	})
	return nil
}

// finish is called when all directives are set up.
func (p *placement) finish() error {
	v := p.validator
	outermost := func(next plugin.Handler) plugin.Handler {
		return &explainer{next: next, cache: v.cache, now: v.now, name: v.directive}
	}
	p.config.Plugin = append([]plugin.Plugin{outermost}, p.config.Plugin...)
	return p.findRoutes()
}

// start is called when the handlers are made.
func (p *placement) start() error {
	v := p.validator
	if v.Next == nil || !slices.Contains(askers, v.Next.Name()) {
		return plugin.Error(v.directive, fmt.Errorf("block %s has nothing that asks an upstream, so that there is nothing to validate: add forward", p.config.Zone))
	}
	if p.config.Handler("dns64") != nil {
		v.log.Warning("dns64 in the same block synthesizes from A also where the AAAA fail to validate, and what it synthesizes is not secure")
	}
	v.besides = make(map[string][]*Validator)
	for _, server := range p.servers() {
		v.besides[server] = p.validatorsOn(server)
		v.metrics.trusts(server, v.onServer(server))
	}
	for _, b := range v.routes.blocks {
		b.assignHandlers()
	}
	return nil
}

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
