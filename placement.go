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
		v.log.Warning("dns64 in the same block makes an empty answer of a name whose A and AAAA fail to validate, and what it synthesizes is not secure")
	}
	for _, host := range p.config.ListenHosts {
		v.metrics.trusts(p.config.Transport+"://"+net.JoinHostPort(host, p.config.Port), v.anchors)
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
	r := &routes{}
	p.validator.routes = r
	for i, sb := range serverBlocks {
		c := *p.controller
		c.ServerBlockIndex, c.ServerBlockKeyIndex = i, 0
		conf := dnsserver.GetConfig(&c)
		own := i == p.controller.ServerBlockIndex
		if !own && (conf.Port != p.config.Port || conf.Transport != p.config.Transport) {
			continue
		}
		b := newBlock(sb)
		b.catchHandlers(conf)
		if own {
			r.own = b
			r.blocks = append([]*block{b}, r.blocks...)
		} else {
			r.blocks = append(r.blocks, b)
		}
	}
	if r.own == nil {
		return fmt.Errorf("block %d is not in the Corefile", p.controller.ServerBlockIndex)
	}
	return nil
}
