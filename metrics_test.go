package dnssecval

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

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

// TestMetrics counts what a few questions cause.
func TestMetrics(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	breakZone(t, w, "csk.example.", testzone.FlipSignatureBit("www.csk.example.", typeA))
	v := newTestValidator(t, w)
	subsystem := ownMetrics(v)
	v.metrics.trusts("dns://:53", []*Validator{v})
	now := fakeClock(v)
	for range 2 {
		for _, name := range []string{"www.example.", "no.nsec3.test.", "www.unsigned.example.", "www.csk.example.", "www.alg16.example."} {
			ask(t, v, name, typeA, withDO)
		}
		ask(t, v, "www.example.", 65280, withDO)
		now.advance(10 * time.Second)
	}
	time.Sleep(5 * time.Millisecond)
	for _, tc := range []struct {
		name   string
		values []string
		want   float64
	}{
		{"validations_total", nil, 12},
		{"validations_total", []string{"secure"}, 8},
		{"validations_total", []string{"insecure"}, 2},
		{"validations_total", []string{"bogus"}, 2},
		{"failures_total", nil, 2},
		{"failures_total", []string{"signature_invalid"}, 2},
		{"validation_duration_seconds", nil, 12},
		{"upstream_queries_total", []string{"other"}, 14}, // the bogus one is asked three times, two follow from the first round
		{"synthesized_answers_total", []string{"nxdomain"}, 1},
		{"synthesized_answers_total", []string{"nodata"}, 1},
		{"trust_anchors", []string{".", "valid"}, 1},
		{"negative_trust_anchors", nil, 0},
		{"cache_entries", []string{"failure"}, 1},
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
	v.metrics.trusts("dns://:53", nil)
	if n := sum(t, subsystem, "trust_anchors"); n != 0 {
		t.Errorf("%.0f trust anchors after a reload without", n)
	}
}

// TestLabels: whatever is asked, labels come from closed sets.
func TestLabels(t *testing.T) {
	w := newWorld(t, richSpecs()...)
	breakZone(t, w, "csk.example.", testzone.DropAllSignatures())
	v := newTestValidator(t, w)
	subsystem := ownMetrics(v)
	v.metrics.trusts("dns://:53", []*Validator{v})
	for _, zone := range append(secureZones(), "private.example.", "sha1.example.", "unsigned.test.", "attacker.chosen.") {
		for qtype := range uint16(300) {
			if qtype%20 == 1 || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY {
				ask(t, v, "www."+zone, qtype, withDO)
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

// TestMetricNames: both directives have their own, and a reload makes none anew.
func TestMetricNames(t *testing.T) {
	before := metricsFor("dnssecval")
	if before == metricsFor("test_other_directive") || before != metricsFor("dnssecval") {
		t.Error("the metrics of directives are not their own")
	}
	counted := sum(t, "test_other_directive", "upstream_queries_total", "DS")
	metricsFor("test_other_directive").of("").asked(dns.TypeDS)
	if n := sum(t, "test_other_directive", "upstream_queries_total", "DS"); n != counted+1 {
		t.Errorf("counted %.0f, then %.0f", counted, n)
	}
}
