package dnssecval

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var metricSetsMade atomic.Int32

// ownMetrics gives the block metrics that no other test counts in.
func ownMetrics(b *block) (subsystem string) {
	subsystem = fmt.Sprintf("test%d", metricSetsMade.Add(1))
	b.metrics = metricsFor(subsystem)
	return subsystem
}

// sum adds up a metric over its labels, or over those that have all the values.
func sum(t *testing.T, subsystem, name string, values ...string) (total float64) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "coredns_"+subsystem+"_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := m.String()
			missing := func(v string) bool { return !strings.Contains(labels, `value:"`+v+`"`) }
			if !slices.ContainsFunc(values, missing) {
				total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return total
}

// algorithms are those that count without allow-sha1.
var algorithms = []uint8{dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448}

// countedWorld has zones of all algorithms, denials and statuses.
func countedWorld(t *testing.T) *testzone.World {
	t.Helper()
	records := []string{"www A 192.0.2.1", "www AAAA 2001:db8::1", "www TXT one", "alias CNAME www", "*.wild A 192.0.2.2", "mail MX 10 www"}
	specs := []testzone.Spec{
		{Name: "example.", Algorithm: p256, Records: records},
		{Name: "compact.example.", Algorithm: p256, Denial: testzone.CompactNSEC, Records: records},
		{Name: "csk.example.", Algorithm: dns.ED25519, CSK: true, Records: records},
		{Name: "unsigned.example.", Records: records},
		{Name: "sha1.example.", Algorithm: dns.RSASHA1, Bits: 1024, Records: records},
		{Name: "private.example.", Algorithm: 200, Records: records},
		{Name: "test.", Algorithm: p256, Denial: testzone.NSEC3OptOut, Records: records},
		{Name: "nsec3.test.", Algorithm: p256, Denial: testzone.NSEC3, Iterations: 5, Salt: "beef", Records: records, DS: []uint8{1, 2, 4}},
		{Name: "unsigned.test.", Records: records},
	}
	for i, alg := range algorithms {
		specs = append(specs, testzone.Spec{Name: algorithmZone(alg), Algorithm: alg, Bits: 1024, Denial: testzone.Denial(i % 2), Records: records})
	}
	return newWorld(t, specs...)
}

func algorithmZone(alg uint8) string { return fmt.Sprintf("alg%d.example.", alg) }

// closedSets are the values that labels may have; the others come from the Corefile.
func closedSets() map[string][]string {
	var reasons []string
	for _, r := range dnssec.Reasons() {
		reasons = append(reasons, r.String())
	}
	return map[string][]string{
		"status": {"secure", "insecure", "bogus", "indeterminate"}, "reason": reasons, "type": {"DS", "DNSKEY", "other", "zone", "signature", "failure", "denial"}, "kind": {"nxdomain", "nodata", "wildcard"},
		"algorithm": {"RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448", "RSASHA1", "RSASHA1-NSEC3-SHA1"},
		"result":    {"good", "bad"}, "state": {"valid"}, "server": {"", "dns://:53"}, "zone": {"."}, "key_tag": nil,
	}
}

// TestMetrics: what a few questions count.
func TestMetrics(t *testing.T) {
	w := countedWorld(t)
	breakZone(t, w, "csk.example.", testzone.FlipSignatureBit("www.csk.example.", typeA))
	h := newTestHandler(t, w)
	subsystem := ownMetrics(h.block)
	h.metrics.setAnchors("dns://:53", []*block{h.block})
	now := fakeClock(h.block)
	for range 2 {
		for _, name := range []string{"www.example.", "no.nsec3.test.", "www.unsigned.example.", "www.csk.example.", "www.alg16.example."} {
			ask(t, h, name, typeA, wantDO)
		}
		ask(t, h, "www.example.", 65280, wantDO)
		now.advance(10 * time.Second)
	}
	time.Sleep(5 * time.Millisecond)
	for _, tc := range []struct {
		name   string
		values []string
		want   float64
	}{
		{name: "validations_total", want: 12},
		{name: "validations_total", values: []string{"secure"}, want: 8},
		{name: "validations_total", values: []string{"insecure"}, want: 2},
		{name: "validations_total", values: []string{"bogus"}, want: 2},
		{name: "failures_total", want: 2},
		{name: "failures_total", values: []string{"signature_invalid"}, want: 2},
		{name: "validation_duration_seconds", want: 12},
		{name: "upstream_queries_total", values: []string{"other"}, want: 14}, // the bogus one is asked three times, two are synthesized in the second round
		{name: "synthesized_answers_total", values: []string{"nxdomain"}, want: 1},
		{name: "synthesized_answers_total", values: []string{"nodata"}, want: 1},
		{name: "trust_anchors", values: []string{".", "valid"}, want: 1},
		{name: "negative_trust_anchors", want: 0},
		{name: "cache_entries", values: []string{"failure"}, want: 1},
	} {
		if got := sum(t, subsystem, tc.name, tc.values...); got != tc.want {
			t.Errorf("%s%q: %.0f, want %.0f", tc.name, tc.values, got, tc.want)
		}
	}
	if bad := sum(t, subsystem, "signatures_total", "bad"); bad == 0 || bad > 6 {
		t.Errorf("%.0f bad signatures", bad)
	}
	if all, hits, misses := sum(t, subsystem, "cache_requests_total"), sum(t, subsystem, "cache_hits_total"), sum(t, subsystem, "cache_misses_total"); all != hits+misses || hits == 0 {
		t.Errorf("%.0f look-ups, %.0f hits, %.0f misses", all, hits, misses)
	}
	h.metrics.setAnchors("dns://:53", nil)
	if n := sum(t, subsystem, "trust_anchors"); n != 0 {
		t.Errorf("%.0f trust anchors after a reload without", n)
	}
}

// TestLabels: labels come from closed sets, whatever is asked.
func TestLabels(t *testing.T) {
	w := countedWorld(t)
	breakZone(t, w, "csk.example.", testzone.DropAllSignatures())
	h := newTestHandler(t, w)
	subsystem := ownMetrics(h.block)
	h.metrics.setAnchors("dns://:53", []*block{h.block})
	zones := []string{"example.", "compact.example.", "csk.example.", "nsec3.test.", "private.example.", "sha1.example.", "unsigned.test.", "attacker.chosen."}
	for _, alg := range algorithms {
		zones = append(zones, algorithmZone(alg))
	}
	for _, zone := range zones {
		for qtype := range uint16(300) {
			if qtype%20 == 1 || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY {
				ask(t, h, "www."+zone, qtype, wantDO)
			}
		}
	}
	sets := closedSets()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "coredns_"+subsystem+"_") {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				seen++
				if set, ok := sets[l.GetName()]; !ok || set != nil && !slices.Contains(set, l.GetValue()) {
					t.Errorf("%s has %s=%q", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no metric was found")
	}
}

// TestMetricNames: each directive has its own metrics, and a reload keeps them.
func TestMetricNames(t *testing.T) {
	before := metricsFor("dnssecval")
	if before == metricsFor("test_other_directive") || before != metricsFor("dnssecval") {
		t.Error("the metrics of directives are not their own")
	}
	counted := sum(t, "test_other_directive", "upstream_queries_total", "DS")
	metricsFor("test_other_directive").forServer("").countQuery(dns.TypeDS)
	if n := sum(t, "test_other_directive", "upstream_queries_total", "DS"); n != counted+1 {
		t.Errorf("counted %.0f, then %.0f", counted, n)
	}
}

// ownRegistry returns the metrics of a directive in a registry of their own.
func ownRegistry(t *testing.T, directive string) (*metricSet, *prometheus.Registry) {
	t.Helper()
	registry, before := prometheus.NewRegistry(), prometheus.DefaultRegisterer
	prometheus.DefaultRegisterer = registry
	t.Cleanup(func() { prometheus.DefaultRegisterer = before })
	return newMetricSet(directive), registry
}

// metricsOf returns the names of the metrics of a registry, with their labels.
func metricsOf(registry *prometheus.Registry) map[string]string {
	described := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(described)
		close(described)
	}()
	form := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([^}]*)\}`)
	metrics := map[string]string{}
	for desc := range described {
		if found := form.FindStringSubmatch(desc.String()); found != nil {
			metrics[found[1]] = strings.ReplaceAll(found[2], ",", ", ")
		}
	}
	return metrics
}

// TestMetricsDocumented: README lists the metrics that are registered, with their labels.
func TestMetricsDocumented(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]string{}
	for _, found := range regexp.MustCompile("`(coredns_dnssec_\\w+)\\{([^}]*)\\}`").FindAllStringSubmatch(section, -1) {
		listed[found[1]] = found[2]
	}
	_, registry := ownRegistry(t, "dnssec")
	registered := metricsOf(registry)
	for name, labels := range registered {
		if got, ok := listed[name]; !ok || got != labels {
			t.Errorf("README has %s{%s}, registered are {%s}", name, got, labels)
		}
		delete(listed, name)
	}
	if len(listed) > 0 || len(registered) < 10 {
		t.Errorf("README has %v, and %d metrics are registered", listed, len(registered))
	}
}

// TestMetricsLint: names and help texts follow the conventions of Prometheus.
func TestMetricsLint(t *testing.T) {
	m, registry := ownRegistry(t, "dnssec")
	c := m.forServer("dns://:53")
	c.countResponse(&validator.Result{Finding: validator.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired}}, time.Second)
	c.countSignature(dns.ED25519, true)
	m.anchors.WithLabelValues(c.server, ".", "20326", "valid").Set(1)
	m.negative.WithLabelValues(c.server).Set(1)
	m.expirations.WithLabelValues(c.server, ".").Set(1)
	m.reloads.WithLabelValues(c.server, "good").Inc()
	m.cacheEntries.WithLabelValues(c.server, "zone").Set(1)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	names := metricsOf(registry)
	for _, family := range families {
		delete(names, family.GetName())
	}
	if len(names) > 0 {
		t.Errorf("not looked at: %v", names)
	}
}

// TestUnprovenCounted: answers that are passed on without AD are counted by reason. Secure
// and Bogus ones are not.
func TestUnprovenCounted(t *testing.T) {
	w := countedWorld(t)
	h := newTestHandler(t, w, "negative-trust-anchor nsec3.test")
	subsystem := ownMetrics(h.block)
	for range 2 {
		for _, name := range []string{"www.example.", "www.unsigned.example.", "www.nsec3.test."} {
			ask(t, h, name, typeA, wantDO)
		}
	}
	for reason, want := range map[dnssec.Reason]float64{dnssec.DelegationInsecure: 2, dnssec.NegativeTrustAnchor: 2, dnssec.OptOut: 0} {
		if got := sum(t, subsystem, "unproven_answers_total", reason.String()); got != want {
			t.Errorf("%s: %.0f, want %.0f", reason, got, want)
		}
	}
	if got := sum(t, subsystem, "unproven_answers_total"); got != 4 {
		t.Errorf("%.0f in all", got)
	}
}
