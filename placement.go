package dnssecval

import (
	"fmt"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/placement"
)

// placed is the handlers of a block, and the words that it has in the Corefile.
type placed struct {
	words     *config
	validator *Validator
	server    *Server // nil without serve
}

// place has the validator put before the first forwarding plugin, the server around the
// authoritative plugins, and the explainer before all other plugins.
func place(c *caddy.Controller, v *Validator, words *config) error {
	b := &placed{words: words, validator: v}
	handlers := placement.Handlers{
		Outermost:  func(next plugin.Handler) plugin.Handler { return &explainer{next: next, v: v} },
		Configured: b.configured,
		Started:    b.started,
		Zones:      v.zones,
		Owner:      v,
	}
	if words.validate {
		handlers.BeforeForwarding = func(next plugin.Handler) plugin.Handler {
			v.Next = next
			return v
		}
	}
	if words.serve {
		s := &Server{Validator: v.withOwnView()}
		b.server = s
		handlers.BeforeAuthoritative = func(next plugin.Handler) plugin.Handler {
			s.Next = next
			return s
		}
		handlers.AfterAuthoritative = func(next plugin.Handler) plugin.Handler {
			return servedEnd{next: next, name: v.directive}
		}
	}
	return placement.Place(c, v.directive, handlers)
}

// configured fails if there is nothing to validate, before other plugins start what a
// start that fails leaves behind.
func (b *placed) configured(p *placement.Placement) error {
	v := b.validator
	v.routes = newRoutes(p.Routes(), v.cache.forgetUnavailable)
	if b.server == nil && len(p.Routes().Own.Stanzas) == 0 {
		return plugin.Error(v.directive, nothingToValidate(p.Config()))
	}
	return nil
}

// nothingToValidate is the error of a block without serve and without a forwarding plugin.
func nothingToValidate(conf *dnsserver.Config) error {
	return fmt.Errorf("block %s has nothing that asks an upstream, so that there is nothing to validate: add forward, or serve if it serves zones of its own", conf.Zone)
}

// started tells the handlers of the block about each other, and starts what goes on
// beside the questions of clients.
func (b *placed) started(p *placement.Placement) error {
	v := b.validator
	if err := b.checkNeighbours(p.Config()); err != nil {
		return plugin.Error(v.directive, err)
	}
	v.home, v.besides = p.Servers()[0], make(map[string][]*Validator)
	for _, server := range p.Servers() {
		v.besides[server] = placement.OnServer[*Validator](p, server)
		v.metrics.trusts(server, v.onServer(server))
	}
	if s := b.server; s != nil {
		s.home, s.besides = v.home, v.besides
		s.serves = &servedZones{Served: p.Served()}
		s.routes = v.routes.serving(s.serves, func() plugin.Handler { return s.Next })
	}
	if err := b.showStatus(p.Stopped()); err != nil {
		return plugin.Error(v.directive, err)
	}
	b.watch(p)
	return nil
}

// watch starts what goes on until the block ends.
func (b *placed) watch(p *placement.Placement) {
	v := b.validator
	if s := b.server; s != nil {
		go s.watchExpirations(p.Config(), p.Servers(), p.Stopped())
		if v.idle {
			v = s.Validator
		}
	}
	go v.watch(p.Stopped())
}

// checkNeighbours fails if there is nothing that could be judged: doing nothing
// silently would be taken for validation.
func (b *placed) checkNeighbours(conf *dnsserver.Config) error {
	v := b.validator
	v.idle = v.Next == nil || !slices.Contains(placement.Forwarding, v.Next.Name())
	serves := func(directive string) bool { return conf.Handler(directive) != nil }
	switch {
	case b.server != nil && !slices.ContainsFunc(placement.Authoritative, serves):
		return fmt.Errorf("block %s has nothing that serves a zone, so that there is nothing for serve to judge: add file, auto or secondary", conf.Zone)
	case b.server == nil && v.idle:
		return nothingToValidate(conf)
	}
	if conf.Handler("dns64") != nil {
		v.log.Warning("dns64 in the same block synthesizes from A also where the AAAA fail to validate, and what it synthesizes is not secure")
	}
	return nil
}
