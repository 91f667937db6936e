package dnssecval

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
)

// askers are the directives of plugins that ask an upstream. What others answer is
// the operator's own data and never passes the validator.
var askers = []string{"forward", "grpc", "fanout", "alternate", "unbound"}

// placement is the handlers of a block on their way into its chain.
type placement struct {
	controller *caddy.Controller
	instance   *caddy.Instance
	config     *dnsserver.Config
	words      *config
	validator  *Validator
	server     *Server    // nil without serve
	keys       []blockKey // of the block
	stop       chan struct{}
	end        func() // closes stop
}

// place has the validator put before the first asker, the server around the
// keepers, and the explainer before all other plugins.
func place(c *caddy.Controller, v *Validator, words *config) error {
	own, first := slices.Index(dnsserver.Directives, v.directive), firstOf(askers)
	p := &placement{controller: c, config: dnsserver.GetConfig(c), words: words, validator: v, stop: make(chan struct{})}
	if words.serve {
		p.server = &Server{Validator: v.withOwnView()}
		first = firstOf(keepers)
	}
	if first < 1 || own < 0 || own > first {
		return fmt.Errorf("%s has to stand before file, forward and the like in plugin.cfg", v.directive)
	}
	p.await()
	c.OnStartup(p.start)
	p.end = sync.OnceFunc(func() { close(p.stop) })
	c.OnShutdown(func() error {
		p.end()
		return nil
	})
	return nil
}

// firstOf returns the place of the first of some directives in the list of all, or -1.
func firstOf(some []string) int {
	return slices.IndexFunc(dnsserver.Directives, func(d string) bool { return slices.Contains(some, d) })
}

// placementsKey is where an instance keeps the placements that are under way.
type placementsKey struct{}

// hooked is the callbacks of ours: they stay for the life of the process.
var hooked sync.Map

// await registers for the moments when all blocks have the directives before the
// keepers, the keepers, those before the askers, and all.
func (p *placement) await() {
	waiting, _ := p.controller.Get(placementsKey{}).([]*placement)
	p.controller.Set(placementsKey{}, append(waiting, p))
	all := dnsserver.Directives
	if first := firstOf(keepers); first > 0 {
		hook("before keepers", all[first-1], (*placement).insertServer)
		last := first
		for i, d := range all {
			if slices.Contains(keepers, d) {
				last = i
			}
		}
		hook("behind keepers", all[last], (*placement).insertServedEnd)
	}
	if first := firstOf(askers); first > 0 {
		hook("before askers", all[first-1], (*placement).insertValidator)
	}
	hook("end", all[len(all)-1], (*placement).finish)
}

// hook has f called for the placements once the directive is set up in all blocks.
func hook(moment, directive string, f func(*placement) error) {
	if _, there := hooked.LoadOrStore(moment+" "+directive, true); !there {
		caddy.RegisterParsingCallback("dns", directive, forEachPlacement(f))
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

func (p *placement) insertServer() error {
	if s := p.server; s != nil {
		p.config.AddPlugin(func(next plugin.Handler) plugin.Handler {
			s.Next = next
			return s
		})
	}
	return nil
}

func (p *placement) insertServedEnd() error {
	if p.server != nil {
		p.config.AddPlugin(func(next plugin.Handler) plugin.Handler {
			return servedEnd{next: next, name: p.validator.directive}
		})
	}
	return nil
}

func (p *placement) insertValidator() error {
	if v := p.validator; p.words.validate {
		p.config.AddPlugin(func(next plugin.Handler) plugin.Handler {
			v.Next = next
			return v
		})
	}
	return nil
}

// finish is called when all directives are set up.
func (p *placement) finish() error {
	v := p.validator
	outermost := func(next plugin.Handler) plugin.Handler {
		return &explainer{next: next, v: v}
	}
	p.config.Plugin = append([]plugin.Plugin{outermost}, p.config.Plugin...)
	if err := p.findRoutes(); err != nil {
		return err
	}
	if p.server == nil && len(v.routes.own.stanzas) == 0 { // before other plugins start what a failing start leaves behind
		return plugin.Error(v.directive, p.nothingToValidate())
	}
	return nil
}

func (p *placement) nothingToValidate() error {
	return fmt.Errorf("block %s has nothing that asks an upstream, so that there is nothing to validate: add forward, or serve if it serves zones of its own", p.config.Zone)
}

// start is called when the handlers are made.
func (p *placement) start() error {
	v := p.validator
	if err := p.checkNeighbours(); err != nil {
		return plugin.Error(v.directive, err)
	}
	v.home, v.besides = p.servers()[0], make(map[string][]*Validator)
	for _, server := range p.servers() {
		v.besides[server] = p.validatorsOn(server)
		v.metrics.trusts(server, v.onServer(server))
	}
	for _, b := range v.routes.blocks {
		b.assignHandlers()
		for _, s := range b.stanzas {
			s.upstream.returned = v.cache.forgetUnavailable
		}
	}
	if s := p.server; s != nil {
		s.home, s.besides = v.home, v.besides
		s.serves.foundBy(p.config.Handler("auto"), v.zones)
		s.routes = localRoutes(v.routes, s.serves, func() plugin.Handler { return s.Next })
	}
	if err := p.showStatus(); err != nil {
		return plugin.Error(v.directive, err)
	}
	p.watch()
	return nil
}

// showStatus adds the block to the status page, if it names one, until it ends.
func (p *placement) showStatus() error {
	v, addr := p.validator, p.words.status
	if !addr.IsValid() {
		return nil
	}
	b := statusBlock{zones: v.zones, views: []*Validator{v}}
	if p.server != nil {
		b.views = append(b.views, p.server.Validator)
	}
	page, err := joinStatusPage(addr, b)
	if err != nil {
		return err
	}
	go func() {
		<-p.stop
		page.leave(v)
	}()
	return nil
}

// watch starts what goes on beside the questions of clients.
func (p *placement) watch() {
	v := p.validator
	if s := p.server; s != nil {
		go s.watchExpirations(p.config, p.servers(), p.stop)
		if v.idle {
			v = s.Validator
		}
	}
	go v.watch(p.stop)
	go p.endIfDiscarded()
}

// endIfDiscarded ends the watchers of an instance that did not come to run, since
// something else failed to start: no callback tells of that.
func (p *placement) endIfDiscarded() {
	const startTime = 30
	for range startTime {
		select {
		case <-time.After(time.Second):
		case <-p.stop:
			return
		}
		if !slices.Contains(caddy.Instances(), p.instance) {
			p.end()
			return
		}
	}
}

// checkNeighbours fails if there is nothing that could be judged: doing nothing
// silently would be taken for validation.
func (p *placement) checkNeighbours() error {
	v := p.validator
	v.idle = v.Next == nil || !slices.Contains(askers, v.Next.Name())
	switch {
	case p.server != nil && !slices.ContainsFunc(keepers, func(d string) bool { return p.config.Handler(d) != nil }):
		return fmt.Errorf("block %s has nothing that serves a zone, so that there is nothing for serve to judge: add file, auto or secondary", p.config.Zone)
	case p.server == nil && v.idle:
		return p.nothingToValidate()
	}
	if p.config.Handler("dns64") != nil {
		v.log.Warning("dns64 in the same block synthesizes from A also where the AAAA fail to validate, and what it synthesizes is not secure")
	}
	return nil
}
