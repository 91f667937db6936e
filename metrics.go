package dnssecval

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metricSet is the metrics of one directive. The vectors live as long as the
// process, whatever the Corefile is reloaded to.
type metricSet struct {
	responseVectors
	anchorVectors
	cacheVectors
	upstream    *prometheus.CounterVec
	checks      *prometheus.CounterVec
	hashes      *prometheus.CounterVec
	synthesized *prometheus.CounterVec
	expirations *prometheus.GaugeVec

	servers sync.Map // counters, by server

	mu      sync.Mutex
	serving map[[2]string]*Server // which handler set a gauge of expirations, by server and zone
}

// responseVectors are the metrics of responses that were validated.
type responseVectors struct {
	validations *prometheus.CounterVec
	failures    *prometheus.CounterVec
	unproven    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
}

// anchorVectors are the metrics of trust anchors.
type anchorVectors struct {
	anchors  *prometheus.GaugeVec
	negative *prometheus.GaugeVec
	reloads  *prometheus.CounterVec
}

// cacheVectors are the metrics of the validators' caches.
type cacheVectors struct {
	cacheEntries *prometheus.GaugeVec
	cacheLookups *prometheus.CounterVec
	cacheHits    *prometheus.CounterVec
	cacheMisses  *prometheus.CounterVec
}

var (
	metricSets   = map[string]*metricSet{}
	metricSetsMu sync.Mutex
)

// metricsFor returns the metrics of a directive, whose name is the subsystem. CoreDNS's
// own signer uses the subsystem dnssec in a build that has both.
func metricsFor(directive string) *metricSet {
	metricSetsMu.Lock()
	defer metricSetsMu.Unlock()
	if metricSets[directive] == nil {
		metricSets[directive] = newMetricSet(directive)
	}
	return metricSets[directive]
}

// newMetricSet makes and registers the metrics of a directive.
func newMetricSet(directive string) *metricSet {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return promauto.NewCounterVec(prometheus.CounterOpts{Namespace: plugin.Namespace, Subsystem: directive, Name: name, Help: help}, append([]string{"server"}, labels...))
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return promauto.NewGaugeVec(prometheus.GaugeOpts{Namespace: plugin.Namespace, Subsystem: directive, Name: name, Help: help}, append([]string{"server"}, labels...))
	}
	return &metricSet{
		responseVectors: responseVectors{
			validations: counters("validations_total", "Counter of responses judged, by status.", "status"),
			failures:    counters("failures_total", "Counter of responses that failed, by reason.", "reason"),
			unproven:    counters("unproven_answers_total", "Counter of answers passed on without AD, insecure and indeterminate ones, by reason.", "reason"),
			duration: promauto.NewHistogramVec(prometheus.HistogramOpts{Namespace: plugin.Namespace, Subsystem: directive,
				Name: "validation_duration_seconds", Help: "Histogram of the time from a question to its verdict, upstream included.",
				Buckets: plugin.TimeBuckets}, []string{"server"}),
		},
		anchorVectors: anchorVectors{
			anchors:  gauges("trust_anchors", "Trust anchors in use.", "zone", "key_tag", "state"),
			negative: gauges("negative_trust_anchors", "Number of negative trust anchors."),
			reloads:  counters("trust_anchor_reloads_total", "Counter of reads of changed anchor files, by result: good or bad.", "result"),
		},
		cacheVectors: cacheVectors{
			cacheEntries: gauges("cache_entries", "Number of entries in the cache, by type.", "type"),
			cacheLookups: counters("cache_requests_total", "Counter of look-ups in the cache."),
			cacheHits:    counters("cache_hits_total", "Counter of look-ups in the cache that found something."),
			cacheMisses:  counters("cache_misses_total", "Counter of look-ups in the cache that found nothing."),
		},
		upstream:    counters("upstream_queries_total", "Counter of questions to the upstream, by type: DS, DNSKEY, or other for clients' own.", "type"),
		checks:      counters("signatures_total", "Counter of signatures that were computed, by algorithm and result.", "algorithm", "result"),
		hashes:      counters("nsec3_hashes_total", "Counter of names that were hashed for NSEC3."),
		synthesized: counters("synthesized_answers_total", "Counter of answers that followed from what was proven of other names, by kind: nxdomain, nodata, wildcard.", "kind"),
		expirations: gauges("zone_signature_expiration_timestamp_seconds", "When the first signature of a zone that is served runs out, as Unix time.", "zone"),
		serving:     make(map[[2]string]*Server),
	}
}

// setAnchors sets the gauges of the trust anchors of a server's blocks, and removes those from
// before a reload.
func (m *metricSet) setAnchors(server string, blocks []*block) {
	m.mu.Lock() // watchers of several blocks set those of one server
	defer m.mu.Unlock()
	m.anchors.DeletePartialMatch(prometheus.Labels{"server": server})
	negative := 0
	for _, b := range blocks {
		for _, a := range b.trust.states() {
			m.anchors.WithLabelValues(server, a.zone, strconv.Itoa(int(a.tag)), a.state).Set(1)
		}
		negative += b.trust.negativeInForce()
	}
	m.negative.WithLabelValues(server).Set(float64(negative))
}

// setExpiration sets when the first signature of a served zone expires.
func (m *metricSet) setExpiration(s *Server, server, zone string, first time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if first.IsZero() {
		m.expirations.DeleteLabelValues(server, zone)
		return
	}
	m.serving[[2]string{server, zone}] = s
	m.expirations.WithLabelValues(server, zone).Set(float64(first.Unix()))
}

// forgetExpirations removes the zones of a handler that ended, except those that its successor
// serves too. An alert must not go on for a zone that is not served any more.
func (m *metricSet) forgetExpirations(s *Server) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for labels, by := range m.serving {
		if by == s {
			delete(m.serving, labels)
			m.expirations.DeleteLabelValues(labels[0], labels[1])
		}
	}
}

// countReload counts a read of changed anchor files.
func (m *metricSet) countReload(servers []string, result string) {
	for _, server := range servers {
		m.reloads.WithLabelValues(server, result).Inc()
	}
}

// counters are the metrics of one server that each question changes. Their labels are looked up
// once, since that takes longer than counting.
type counters struct {
	set    *metricSet
	server string

	validations   [dnssec.Bogus + 1]prometheus.Counter // by status
	unproven      map[dnssec.Reason]prometheus.Counter
	duration      prometheus.Observer
	queries       struct{ ds, dnskey, other prometheus.Counter }
	hashes        prometheus.Counter
	cache         struct{ lookups, hits, misses prometheus.Counter }
	syntheses     map[validator.Synthesis]prometheus.Counter
	sizedAtSecond atomic.Int64 // when the gauges of the caches were set last, as Unix time
}

// forServer returns the counters of a server.
func (m *metricSet) forServer(server string) *counters {
	if known, ok := m.servers.Load(server); ok {
		return known.(*counters)
	}
	c := &counters{
		set: m, server: server,
		duration: m.duration.WithLabelValues(server),
		hashes:   m.hashes.WithLabelValues(server),
	}
	c.queries.ds = m.upstream.WithLabelValues(server, "DS")
	c.queries.dnskey = m.upstream.WithLabelValues(server, "DNSKEY")
	c.queries.other = m.upstream.WithLabelValues(server, "other")
	c.cache.lookups = m.cacheLookups.WithLabelValues(server)
	c.cache.hits = m.cacheHits.WithLabelValues(server)
	c.cache.misses = m.cacheMisses.WithLabelValues(server)
	c.unproven = make(map[dnssec.Reason]prometheus.Counter)
	for _, reason := range dnssec.Reasons() {
		if reason.Status() != dnssec.Bogus {
			c.unproven[reason] = m.unproven.WithLabelValues(server, reason.String())
		}
	}
	c.syntheses = make(map[validator.Synthesis]prometheus.Counter)
	for _, kind := range []validator.Synthesis{validator.SynthesizedNameError, validator.SynthesizedNoData, validator.SynthesizedWildcard} {
		c.syntheses[kind] = m.synthesized.WithLabelValues(server, string(kind))
	}
	for status := range c.validations {
		c.validations[status] = m.validations.WithLabelValues(server, dnssec.Status(status).String())
	}
	known, _ := m.servers.LoadOrStore(server, c)
	return known.(*counters)
}

// countResponse counts a response, its NSEC3 hashes and the time that it took.
func (c *counters) countResponse(r *validator.Result, took time.Duration) {
	c.countFinding(r.Finding)
	c.duration.Observe(took.Seconds())
	if r.Hashes > 0 {
		c.hashes.Add(float64(r.Hashes))
	}
}

// countFinding counts a response, also one that is refused because it failed before.
func (c *counters) countFinding(f validator.Finding) {
	c.validations[f.Status].Inc()
	if f.Status == dnssec.Bogus {
		c.set.failures.WithLabelValues(c.server, f.Reason.String()).Inc()
	} else if unproven := c.unproven[f.Reason]; unproven != nil {
		unproven.Inc()
	}
}

// countQuery counts a question to the upstream. The label is one of three, since clients
// choose the types.
func (c *counters) countQuery(qtype uint16) {
	switch qtype {
	case dns.TypeDS:
		c.queries.ds.Inc()
	case dns.TypeDNSKEY:
		c.queries.dnskey.Inc()
	default:
		c.queries.other.Inc()
	}
}

// countSignature counts a signature that was verified.
func (c *counters) countSignature(algorithm uint8, good bool) {
	result := "good"
	if !good {
		result = "bad"
	}
	c.set.checks.WithLabelValues(c.server, dnssec.AlgorithmName(algorithm), result).Inc()
}

// countLookup counts a look-up in the caches.
func (c *counters) countLookup(hit bool) {
	c.cache.lookups.Inc()
	if hit {
		c.cache.hits.Inc()
	} else {
		c.cache.misses.Inc()
	}
}

// countSynthesis counts an answer without a query to the upstream.
func (c *counters) countSynthesis(kind validator.Synthesis) { c.syntheses[kind].Inc() }

// setCacheEntries sets the gauges of the caches of all blocks of the server, at most once a
// second.
func (c *counters) setCacheEntries(own *block, now time.Time) {
	if second := now.Unix(); c.sizedAtSecond.Swap(second) == second {
		return
	}
	var all validator.Stats
	for _, b := range own.onServer(c.server) {
		for _, engine := range b.engines() {
			stats := engine.Stats()
			all.Zones += stats.Zones
			all.Signatures += stats.Signatures
			all.Failures += stats.Failures
			all.Denials += stats.Denials
		}
	}
	c.set.cacheEntries.WithLabelValues(c.server, "zone").Set(float64(all.Zones))
	c.set.cacheEntries.WithLabelValues(c.server, "signature").Set(float64(all.Signatures))
	c.set.cacheEntries.WithLabelValues(c.server, "failure").Set(float64(all.Failures))
	c.set.cacheEntries.WithLabelValues(c.server, "denial").Set(float64(all.Denials))
}
