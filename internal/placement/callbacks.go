package placement

import (
	"slices"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
)

// placementsKey is the key of an instance's placements in its storage.
type placementsKey struct{}

// registered is the parsing callbacks that this package has registered. Caddy keeps them
// as long as the process lives, over reloads.
var registered sync.Map

// registerCallbacks has the handlers inserted when the directives that they stand behind
// are set up in all blocks: CoreDNS's chains are in the order of set-up.
func (p *Placement) registerCallbacks() {
	others, _ := p.controller.Get(placementsKey{}).([]*Placement)
	p.controller.Set(placementsKey{}, append(others, p))

	all := dnsserver.Directives
	if first := firstOf(Authoritative); first > 0 {
		after("before authoritative", all[first-1], func(p *Placement) error { return p.insert(p.handlers.BeforeAuthoritative) })
		after("after authoritative", all[lastOf(Authoritative)], func(p *Placement) error { return p.insert(p.handlers.AfterAuthoritative) })
	}
	if first := firstOf(Forwarding); first > 0 {
		after("before forwarding", all[first-1], func(p *Placement) error { return p.insert(p.handlers.BeforeForwarding) })
	}
	after("all", all[len(all)-1], (*Placement).configured)
	registerEventHook()
}

// firstOf returns the index of the first of some directives in the list of all, or -1.
func firstOf(some []string) int {
	return slices.IndexFunc(dnsserver.Directives, func(d string) bool { return slices.Contains(some, d) })
}

// lastOf returns the index of the last of some directives in the list of all, or -1.
func lastOf(some []string) int {
	for i, d := range slices.Backward(dnsserver.Directives) {
		if slices.Contains(some, d) {
			return i
		}
	}
	return -1
}

// after has f called for all placements when the directive is set up in all blocks. The
// moment tells apart the callbacks of one directive.
func after(moment, directive string, f func(*Placement) error) {
	if _, known := registered.LoadOrStore(moment+" "+directive, true); !known {
		caddy.RegisterParsingCallback("dns", directive, forEachPlacement(f))
	}
}

// forEachPlacement returns a callback that calls f for the placements of the instance
// that is set up.
func forEachPlacement(f func(*Placement) error) caddy.ParsingCallback {
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

// placements returns the placements of an instance.
func placements(instance *caddy.Instance) []*Placement {
	instance.StorageMu.RLock()
	defer instance.StorageMu.RUnlock()
	all, _ := instance.Storage[placementsKey{}].([]*Placement)
	return all
}

// insert appends a plugin to those of the block that are set up so far.
func (p *Placement) insert(m plugin.Plugin) error {
	if m != nil {
		p.config.AddPlugin(m)
	}
	return nil
}
