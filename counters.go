package dnssecval

import (
	"sync/atomic"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// counters is what is counted for each question of one server. The label look-up is done
// once: doing it each time costs more than counting.
type counters struct {
	set    *metricSet
	server string

	validations   [dnssec.Bogus + 1]prometheus.Counter // by status
	unproven      map[dnssec.Reason]prometheus.Counter
	duration      prometheus.Observer
	askedDS       prometheus.Counter
	askedDNSKEY   prometheus.Counter
	askedOther    prometheus.Counter
	hashes        prometheus.Counter
	lookups       prometheus.Counter
	hits          prometheus.Counter
	misses        prometheus.Counter
	syntheses     map[validator.Synthesis]prometheus.Counter
	sizedAtSecond atomic.Int64
}

// of returns the counters of a server.
func (m *metricSet) of(server string) *counters {
	if known, ok := m.servers.Load(server); ok {
		return known.(*counters)
	}
	c := &counters{
		set: m, server: server,
		duration:    m.duration.WithLabelValues(server),
		askedDS:     m.upstream.WithLabelValues(server, "DS"),
		askedDNSKEY: m.upstream.WithLabelValues(server, "DNSKEY"),
		askedOther:  m.upstream.WithLabelValues(server, "other"),
		hashes:      m.hashes.WithLabelValues(server),
		lookups:     m.cacheLookups.WithLabelValues(server),
		hits:        m.cacheHits.WithLabelValues(server),
		misses:      m.cacheMisses.WithLabelValues(server),
	}
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

// judged counts a response, what it cost and the time that it took.
func (c *counters) judged(r *validator.Result, took time.Duration) {
	c.counted(r.Finding)
	c.duration.Observe(took.Seconds())
	if r.Hashes > 0 {
		c.hashes.Add(float64(r.Hashes))
	}
}

// counted counts a response, also one that is refused because it failed before.
func (c *counters) counted(f validator.Finding) {
	c.validations[f.Status].Inc()
	if f.Status == dnssec.Bogus {
		c.set.failures.WithLabelValues(c.server, f.Reason.String()).Inc()
	} else if unproven := c.unproven[f.Reason]; unproven != nil {
		unproven.Inc()
	}
}

// asked counts a question to the upstream. The label is of a closed set: the types
// that clients ask for are their choice.
func (c *counters) asked(qtype uint16) {
	switch qtype {
	case dns.TypeDS:
		c.askedDS.Inc()
	case dns.TypeDNSKEY:
		c.askedDNSKEY.Inc()
	default:
		c.askedOther.Inc()
	}
}

// checked counts a signature that was computed.
func (c *counters) checked(algorithm uint8, good bool) {
	result := "good"
	if !good {
		result = "bad"
	}
	c.set.checks.WithLabelValues(c.server, dnssec.AlgorithmName(algorithm), result).Inc()
}

func (c *counters) lookedUp(hit bool) {
	c.lookups.Inc()
	if hit {
		c.hits.Inc()
	} else {
		c.misses.Inc()
	}
}

// synthesized counts an answer that was not asked for.
func (c *counters) synthesized(kind validator.Synthesis) { c.syntheses[kind].Inc() }

// sized sets the gauges of the caches, those of all blocks of the server, once a second.
func (c *counters) sized(own *block, now time.Time) {
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
