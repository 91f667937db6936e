package real

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// samples has the lines of /metrics.
type samples []string

// metrics reads /metrics.
func (p *process) metrics(t *testing.T) samples {
	t.Helper()
	return strings.Split(p.get(t, "http://HTTP/metrics"), "\n")
}

func (p *process) get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: clientTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(p.placeholders.Replace(url))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(body)
}

// of returns the samples of a metric that have all the labels.
func (s samples) of(metric string, labels ...string) (found samples) {
	for _, line := range s {
		has := strings.HasPrefix(line, metric+"{") || strings.HasPrefix(line, metric+" ")
		for _, label := range labels {
			has = has && strings.Contains(line, label)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

// value returns the sum of the samples.
func (s samples) value(metric string, labels ...string) (sum float64) {
	for _, line := range s.of(metric, labels...) {
		n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err == nil {
			sum += n
		}
	}
	return sum
}

// labelValues has the allowed values of each label.
var labelValues = map[string]*regexp.Regexp{
	"server":    regexp.MustCompile(`^dns://127\.0\.0\.1:\d+$`),
	"status":    regexp.MustCompile(`^(secure|insecure|bogus|indeterminate)$`),
	"reason":    regexp.MustCompile(`^[a-z0-9_]+$`),
	"type":      regexp.MustCompile(`^(DS|DNSKEY|other|zone|signature|failure|denial)$`),
	"algorithm": regexp.MustCompile(`^[A-Z0-9-]+$`),
	"kind":      regexp.MustCompile(`^(nxdomain|nodata|wildcard)$`),
	"result":    regexp.MustCompile(`^(good|bad)$`),
	"zone":      regexp.MustCompile(`^\.$`),
	"key_tag":   regexp.MustCompile(`^\d+$`),
	"state":     regexp.MustCompile(`^valid$`),
	"le":        regexp.MustCompile(`^[0-9.e+-]+$|^\+Inf$`),
}

// TestMetrics checks that every metric has data after a few queries, and that
// no label value comes from a client.
func TestMetrics(t *testing.T) {
	t.Parallel()
	p := start(t, newWorld(t), ".:PORT {"+validating+"prometheus HTTP\nforward . UPSTREAM\n}\n"+
		"corp.internal:PORT {"+strings.Replace(validating, "validate\n", "validate\ncache_capacity 4\nnegative-trust-anchor corp.internal\n", 1)+"forward . UPSTREAM\n}")
	for _, name := range []string{"www.secure", "www.nsec3", "www.unsigned", "www.tampered", "www.expired", "some-strange-name.secure", "other-name.nsec3"} {
		for _, qtype := range []string{"A", "MX", "CAA", "DS", "DNSKEY"} {
			p.ask(t, name+".test. "+qtype, "do")
		}
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		p.ask(t, name+".corp.internal. A", "do")
	}
	time.Sleep(time.Second) // the gauge of entries is updated once per second
	p.ask(t, "www.secure.test. A", "do")
	metrics := p.metrics(t)
	for _, metric := range []string{
		`validations_total status="secure"`, `validations_total status="insecure"`, `validations_total status="bogus"`,
		`failures_total reason="signature_invalid"`, `failures_total reason="signature_expired"`,
		"validation_duration_seconds_count", `validation_duration_seconds_bucket le="+Inf"`,
		`upstream_queries_total type="DS"`, `upstream_queries_total type="DNSKEY"`, `upstream_queries_total type="other"`,
		`signatures_total result="good"`, `signatures_total result="bad"`, `trust_anchors zone="."`, "negative_trust_anchors",
		`cache_entries type="zone"`, `cache_entries type="signature"`, `cache_entries type="failure"`,
		"cache_requests_total", "cache_hits_total", "cache_misses_total",
	} {
		name, label, _ := strings.Cut(metric, " ")
		if metrics.value("coredns_dnssec_"+name, label) <= 0 {
			t.Errorf("%s has no data: %q", metric, metrics.of("coredns_dnssec_"+name))
		}
	}
	requests, hits, misses := metrics.value("coredns_dnssec_cache_requests_total"), metrics.value("coredns_dnssec_cache_hits_total"), metrics.value("coredns_dnssec_cache_misses_total")
	if requests != hits+misses {
		t.Errorf("%v look-ups, but %v hits and %v misses", requests, hits, misses)
	}
	labels := regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
	for _, line := range metrics {
		if !strings.HasPrefix(line, "coredns_dnssec_") {
			continue
		}
		if !slices.ContainsFunc(labels.FindAllStringSubmatch(line, -1), func(l []string) bool { return l[1] == "server" }) {
			t.Errorf("%s has no server", line)
		}
		for _, l := range labels.FindAllStringSubmatch(line, -1) {
			if re := labelValues[l[1]]; re == nil || !re.MatchString(l[2]) {
				t.Errorf("%s: the values of %s are not bounded", line, l[0])
			}
		}
	}
}
