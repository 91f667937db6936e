package dnssecval

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/placement"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/validator"
)

// block is what belongs to one server block: its settings and its handlers.
type block struct {
	directive string
	words     *config
	now       func() time.Time
	metrics   *metricSet
	log       clog.P

	handler *Handler
	server  *Server // nil without serve
	trust   *trust

	listeners
	reporting
}

// listeners are the addresses at which a block is served.
type listeners struct {
	servers   []string            // the addresses, as CoreDNS names them: dns://127.0.0.1:53
	byAddress map[string][]*block // the blocks that are served at each of them, this one too
}

// reporting is what a block needs to report failures: to clients, in the log, and on the
// status page.
type reporting struct {
	explanations *explanations       // for answers from CoreDNS's cache
	dns64        bool                // dns64 is in the block
	traced       bool                // trace is in the block: each plugin is called with a span
	failures     *failureLog         // nil without log-failures
	journal      *statuspage.Journal // nil without status
	warned       onceEach            // zones about which a warning was logged
}

// handlers returns what is put into the chain: the validating handler before the first
// forwarding plugin, the server around the authoritative plugins, and the outermost
// handler before all plugins.
func (b *block) handlers() placement.Handlers {
	h := placement.Handlers{
		Outermost:  func(next plugin.Handler) plugin.Handler { return &explainer{next: next, block: b} },
		Configured: b.configured, Started: b.started, Zones: b.words.zones, Owner: b,
	}
	if b.words.validate {
		h.BeforeForwarding = func(next plugin.Handler) plugin.Handler {
			b.handler.Next = next
			return b.handler
		}
	}
	if b.server != nil {
		h.BeforeAuthoritative = func(next plugin.Handler) plugin.Handler {
			b.server.Next = next
			return b.server
		}
		h.AfterAuthoritative = func(next plugin.Handler) plugin.Handler { return servedEnd{next: next, name: b.directive} }
	}
	return h
}

// configured is called once the Corefile is read, before any plugin starts. It fails if
// there is nothing to validate: other plugins do not stop what they began if the start
// fails later.
func (b *block) configured(p *placement.Placement) error {
	b.servers = slices.Compact(slices.Sorted(slices.Values(p.Servers())))
	b.handler.exchanger.routes = p.Routes()
	if b.server != nil {
		b.server.served = p.Served()
	}
	if b.server == nil && len(p.Routes().Own.Stanzas) == 0 {
		return plugin.Error(b.directive, b.nothingToValidate(p))
	}
	return nil
}

// nothingToValidate returns the error for a block without an upstream.
func (b *block) nothingToValidate(p *placement.Placement) error {
	return fmt.Errorf("block %s has nothing that asks an upstream, so that there is nothing to validate: add forward, or serve if it serves zones of its own", p.Config().Zone)
}

// started begins what goes on in the background.
func (b *block) started(p *placement.Placement) error {
	if err := b.checkNeighbours(p); err != nil {
		return plugin.Error(b.directive, err)
	}
	b.byAddress = make(map[string][]*block)
	for _, server := range b.servers {
		b.byAddress[server] = placement.OnServer[*block](p, server)
		b.metrics.setAnchors(server, b.byAddress[server])
	}
	b.watchUpstreams(p.Routes())
	if s := b.server; s != nil {
		s.exchanger.routes = p.Routes().Serving(s.served, s.zoneHandler(p.Routes()))
		go s.watchExpirations(p.Config(), p.Stopped())
	}
	if err := b.showStatus(p.Stopped()); err != nil {
		return plugin.Error(b.directive, err)
	}
	go b.trust.watch(p.Stopped())
	return nil
}

// checkNeighbours fails if no other plugin in the block has answers to validate. Otherwise
// operators would believe that answers are validated.
func (b *block) checkNeighbours(p *placement.Placement) error {
	h := b.handler
	h.idle = h.Next == nil || !slices.Contains(placement.Forwarding, h.Next.Name())
	switch {
	case b.server != nil && !slices.ContainsFunc(placement.Authoritative, func(d string) bool { return p.Config().Handler(d) != nil }):
		return fmt.Errorf("block %s has nothing that serves a zone, so that there is nothing for serve to judge: add file, auto or secondary", p.Config().Zone)
	case b.server == nil && h.idle:
		return b.nothingToValidate(p)
	}
	b.explanations.keeping = p.Keeping()
	b.traced = p.Config().Handler("trace") != nil
	if b.dns64 = p.Config().Handler("dns64") != nil; b.dns64 {
		b.log.Warning("dns64 in the same block synthesizes from A also where the AAAA fail to validate, and what it synthesizes is not secure")
	}
	return nil
}

// engines returns the validators of the block.
func (b *block) engines() []*validator.Validator {
	if b.server == nil {
		return []*validator.Validator{b.handler.engine}
	}
	return []*validator.Validator{b.handler.engine, b.server.engine}
}

// onServer returns the blocks that are served at an address.
func (b *block) onServer(address string) []*block {
	if blocks, ok := b.byAddress[address]; ok {
		return blocks
	}
	return []*block{b}
}

// serverOf returns the label of the metrics: the address that the question came to, or, if
// no client asked it, one of the block's.
func (b *block) serverOf(ctx context.Context) string {
	if server := metrics.WithServer(ctx); server != "" || len(b.servers) == 0 {
		return server
	}
	return b.servers[0]
}

// countersOf returns the counters of the server that the question of a context came to.
func (b *block) countersOf(ctx context.Context) *counters {
	if cl, ok := ctx.Value(clientKey{}).(*client); ok {
		return cl.counters
	}
	return b.metrics.forServer(b.serverOf(ctx))
}

// report enters a failure into the log and the status page. A question without a response
// is not logged here: the plugin errors logs it.
func (b *block) report(cl *client, engine *validator.Validator, f validator.Finding) {
	b.note(cl, engine, f)
	if b.failures != nil && f.Reason != dnssec.AnswerUnavailable {
		b.failures.log(cl.question, cl.address(), f, cl.now)
	}
}

// observer counts what a validator does for a question, and logs what operators should
// know. It implements validator.Observer.
type observer struct {
	block    *block
	counters *counters
	quiet    bool // nothing is logged
}

// observe returns the observer of a question.
func (b *block) observe(ctx context.Context) validator.Observer {
	if cl, ok := ctx.Value(clientKey{}).(*client); ok {
		return &cl.observer
	}
	return &observer{block: b, counters: b.metrics.forServer(b.serverOf(ctx))}
}

// CacheLookup counts a look-up in the caches.
func (o *observer) CacheLookup(hit bool) { o.counters.countLookup(hit) }

// SignatureChecked counts a signature that was verified.
func (o *observer) SignatureChecked(algorithm uint8, good bool) {
	o.counters.countSignature(algorithm, good)
}

// AnswerSynthesized counts an answer without a query to the upstream.
func (o *observer) AnswerSynthesized(kind validator.Synthesis) { o.counters.countSynthesis(kind) }

// NotValidated logs once what to write into the Corefile about a private zone.
func (o *observer) NotValidated(zone, detail string) {
	if b := o.block; !o.quiet && b.warned.first(zone) {
		b.log.Warningf("%s is not validated: %s. Add to this %s block either `trust-anchor FILE` with a DS or DNSKEY of %s, or `negative-trust-anchor %s`",
			zone, detail, b.directive, zone, zone)
	}
}

// OwnKeysUsed logs once which trust anchor would authenticate a served zone.
func (o *observer) OwnKeysUsed(zone, ds string) {
	if b := o.block; !o.quiet && b.warned.first(zone) {
		b.log.Warningf("%s is judged by the keys in its own file: nothing vouches for them. To have it validated add `trust-anchor FILE` to this %s block, with the line %q", zone, b.directive, ds)
	}
}

// Panicked logs a panic that the validator survived, and counts it as CoreDNS does.
func (o *observer) Panicked(during string, value any, stack []byte) {
	vars.Panic.Inc()
	o.block.log.Errorf("recovered from panic in %s: %v\n%s", during, value, stack)
}

// onceEach remembers a bounded number of texts, so that each is logged once.
type onceEach struct {
	mu   sync.Mutex
	seen map[string]bool
}

const namesOnce = 1000

// first reports whether a text is new. Once the limit is reached none is.
func (o *onceEach) first(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil {
		o.seen = make(map[string]bool)
	}
	if o.seen[name] || len(o.seen) == namesOnce {
		return false
	}
	o.seen[name] = true
	return true
}
