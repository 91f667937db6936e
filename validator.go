package dnssecval

import (
	"fmt"
	"time"

	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/statuspage"
	"github.com/dnssecval/dnssecval/validator"
)

// newBlock makes the validators and handlers of a block from its settings. The warnings are
// for the log.
func newBlock(directive string, words *config) (b *block, warnings []string, err error) {
	b = &block{directive: directive, words: words, now: time.Now, metrics: metricsFor(directive), log: clog.NewWithPlugin(directive)}
	if b.explanations, err = newExplanations(words.capacity); err != nil {
		return nil, nil, err
	}
	if words.logFailures {
		b.failures = newFailureLog(b.log)
	}
	set, warnings, err := b.loadTrust()
	if err != nil {
		return nil, nil, err
	}
	if err := b.makeHandlers(set); err != nil {
		return nil, nil, err
	}
	b.trust.engines = b.engines()
	if !words.validate { // then the validating handler is not in the chain of plugins
		b.trust.engines = []*validator.Validator{b.server.engine, b.handler.engine}
	}
	return b, append(warnings, statuspage.Warnings(words.status)...), nil
}

// loadTrust reads the trust anchors, and with auto-trust-anchor the keys of the state file.
func (b *block) loadTrust() (set *anchor.Set, warnings []string, err error) {
	sources := b.words.sources
	sources.Rules.AllowSHA1 = b.words.policy.AllowSHA1
	t := &trust{block: b, sources: sources, seen: sources.Fingerprint()} // taken before the files are read: one that changes meanwhile is read again
	b.trust = t
	if t.configured, warnings, err = t.load(); err != nil {
		return nil, nil, err
	}
	set = t.configured.Clone()
	if file := b.words.stateFile; file != "" {
		if sources.Contains(file) {
			return nil, nil, fmt.Errorf("auto-trust-anchor: %s is among the files of trust-anchor too, which would trust keys that wait or were revoked; keep it elsewhere", file)
		}
		if t.rollovers, err = newRollovers(file, set, b.words.policy); err != nil {
			return nil, nil, err
		}
		leftOut, err := t.rollovers.leftOut()
		if err != nil {
			return nil, nil, err
		}
		warnings = append(warnings, leftOut...)
		if err := t.rollovers.apply(set); err != nil {
			return nil, nil, err
		}
	}
	for _, warning := range warnings {
		t.logged.first(warning) // setup logs it
	}
	return set, warnings, nil
}

// makeHandlers makes the validating handler, and with serve the server, each with a
// validator of its own: they ask different plugins.
func (b *block) makeHandlers(set *anchor.Set) (err error) {
	h := &Handler{block: b}
	h.exchanger = &exchanger{block: b, next: func() plugin.Handler { return h.Next }}
	b.handler = h
	if h.engine, err = b.newEngine(h.exchanger, b.words.options(set)); err != nil || !b.words.serve {
		return err
	}
	s := &Server{block: b}
	s.exchanger = &exchanger{block: b, next: func() plugin.Handler { return s.Next }}
	options := b.words.options(set)
	options.NoSynthesis, options.Served = true, func(name string) string { return s.served.Zone(name) }
	b.server = s
	s.engine, err = b.newEngine(s.exchanger, options)
	return err
}

// newEngine makes a validator that asks through an exchanger.
func (b *block) newEngine(c *exchanger, options validator.Options) (*validator.Validator, error) {
	options.Topology, options.Observe, options.Clock = c, b.observe, b.clock
	return validator.New(c, options)
}

// clock returns the time for the validators. Tests replace b.now later.
func (b *block) clock() time.Time { return b.now() }

// options returns the options of a validator that the words of the block set.
func (conf *config) options(set *anchor.Set) validator.Options {
	return validator.Options{
		Anchors: set, Policy: &conf.policy, Capacity: conf.capacity, At: conf.override, ReportOnly: conf.reportOnly, NoSynthesis: conf.noSynthesis,
	}
}
