package dnssecval

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// ownRegistry returns a directive's metrics, registered where nothing else is.
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

// TestMetricsDocumented: README lists what is registered, with the labels.
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

// TestMetricsLint: names and helps are as Prometheus wants them.
func TestMetricsLint(t *testing.T) {
	m, registry := ownRegistry(t, "dnssec")
	c := m.of("dns://:53")
	c.judged(dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired}, time.Second)
	c.checked(dns.ED25519, true)
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

// TestUnprovenCounted: what is passed on is counted by its reason, and what is secure or
// fails is not.
func TestUnprovenCounted(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	v := newTestValidator(t, w, "negative-trust-anchor nsec3.test")
	subsystem := ownMetrics(v)
	for range 2 {
		for _, name := range []string{"www.example.", "www.unsigned.example.", "www.nsec3.test."} {
			ask(t, v, name, typeA, withDO)
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
