// Package placement puts handlers into the plugin chain of a server block, and decides
// which block and which forwarding stanza of a Corefile is in charge of a name.
package placement

import (
	"fmt"
	"slices"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
)

// Forwarding is the directives of the forwarding plugins: they ask an upstream.
var Forwarding = []string{"forward", "grpc", "fanout", "alternate", "unbound"}

// Authoritative is the directives of the authoritative plugins: they serve zones of
// their own, signed ones among them.
var Authoritative = []string{"file", "auto", "secondary"}

// Handlers is what a block places. Where a plugin is nil nothing is placed.
type Handlers struct {
	Outermost           plugin.Plugin // before all other plugins
	BeforeAuthoritative plugin.Plugin // directly before the first authoritative plugin
	AfterAuthoritative  plugin.Plugin // directly after the last authoritative plugin
	BeforeForwarding    plugin.Plugin // directly before the first forwarding plugin

	Configured func(*Placement) error // called when the directives of all blocks are set up, and no handler is made yet
	Started    func(*Placement) error // called when the handlers of all blocks are made

	Zones plugin.Zones // limit which of the zones that the block serves are in Placement.Served
	Owner any          // is found by OnServer
}

// Placement is the handlers of one server block on their way into its chain, and what
// the Corefile says around them.
type Placement struct {
	directive  string
	controller *caddy.Controller
	config     *dnsserver.Config
	handlers   Handlers
	instance   *caddy.Instance // known from the first parsing callback on
	keys       []blockKey
	routes     *Routes
	served     *Served
	keeping    Keeping
	stopped    chan struct{}
	stop       func() // closes stopped
}

// Place has the handlers put into the chain of the block whose directive is set up. It
// fails if the list of plugins has the directive too late for that.
func Place(c *caddy.Controller, directive string, h Handlers) error {
	own, first := slices.Index(dnsserver.Directives, directive), firstOf(Forwarding)
	if h.BeforeAuthoritative != nil {
		first = firstOf(Authoritative)
	}
	if first < 1 || own < 0 || own > first {
		return fmt.Errorf("%s has to stand before file, forward and the like in plugin.cfg", directive)
	}
	stopped := make(chan struct{})
	p := &Placement{directive: directive, controller: c, config: dnsserver.GetConfig(c), handlers: h,
		stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) })}
	p.registerCallbacks()
	c.OnStartup(p.start)
	c.OnRestartFailed(func() error {
		stopDiscarded()
		return nil
	})
	c.OnShutdown(func() error {
		p.end()
		return nil
	})
	return nil
}

// Config returns the configuration of the block.
func (p *Placement) Config() *dnsserver.Config { return p.config }

// Routes returns where the names of the Corefile are answered, as seen from the block.
func (p *Placement) Routes() *Routes { return p.routes }

// Served returns the zones that the block's authoritative plugins serve.
func (p *Placement) Served() *Served { return p.served }

// Keeping returns for how long the block's cache plugin keeps answers beyond their TTL.
func (p *Placement) Keeping() Keeping { return p.keeping }

// Stopped returns a channel that is closed when the block ends, also if it never came
// to run because another part of the Corefile failed to start.
func (p *Placement) Stopped() <-chan struct{} { return p.stopped }

// Servers returns the addresses on which the block listens, as CoreDNS names them:
// dns://127.0.0.1:53.
func (p *Placement) Servers() (servers []string) {
	for _, key := range p.keys {
		servers = append(servers, key.servers...)
	}
	return servers
}

// OnServer returns the owners of all placements of p's directive that listen on the
// address: of p itself, and of other blocks of the same Corefile.
func OnServer[T any](p *Placement, address string) (owners []T) {
	for _, other := range placements(p.instance) {
		owner, ok := other.handlers.Owner.(T)
		if ok && other.directive == p.directive && slices.Contains(other.Servers(), address) {
			owners = append(owners, owner)
		}
	}
	return owners
}

// configured completes the chain and the routes when all directives are set up.
func (p *Placement) configured() error {
	if outermost := p.handlers.Outermost; outermost != nil {
		p.config.Plugin = append([]plugin.Plugin{outermost}, p.config.Plugin...)
	}
	if err := p.readCorefile(); err != nil {
		return err
	}
	if p.handlers.Configured == nil {
		return nil
	}
	return p.handlers.Configured(p)
}

// start is called when the handlers of all blocks are made.
func (p *Placement) start() error {
	for _, b := range p.routes.Blocks {
		b.assignHandlers()
	}
	p.served.foundBy(p.config.Handler("auto"), p.handlers.Zones)
	if p.handlers.Started != nil {
		if err := p.handlers.Started(p); err != nil {
			return err
		}
	}
	p.awaitRunning()
	return nil
}
