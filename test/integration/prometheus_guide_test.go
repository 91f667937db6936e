//go:build integration && linux

package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/peers"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// namedMetrics lists the metrics that the guide's text mentions.
var namedMetrics = []string{
	"coredns_dnssec_cache_entries", "coredns_dnssec_cache_misses_total", "coredns_dnssec_cache_hits_total", "coredns_dnssec_cache_requests_total",
	`coredns_dns_responses_total{rcode="SERVFAIL"}`,
}

// expressions returns the guide's PromQL queries. They are separated by empty
// lines, and lines that start with # are comments.
func expressions(t *testing.T) (list []string) {
	t.Helper()
	text := guideBlock(t, "queries")
	for _, alert := range []string{"CoreDNSDNSSECValidationFailureHigh", "CoreDNSDNSSECCacheLowHitRate"} {
		text += "\n\n" + guideBlock(t, "alert "+alert)
	}
	comment := regexp.MustCompile(`(?m)^#.*\n`)
	for query := range strings.SplitSeq(comment.ReplaceAllString(text, ""), "\n\n") {
		if query = strings.TrimSpace(query); query != "" {
			list = append(list, query)
		}
	}
	if len(list) != 4 {
		t.Fatalf("the guide has the expressions %q", list)
	}
	return list
}

// TestPrometheus has Prometheus scrape CoreDNS, and checks that each expression
// of the guide has data.
func TestPrometheus(t *testing.T) {
	ports := freePorts(t, 3)
	dir := t.TempDir()
	us, metrics, server := resolver{name: "coredns", port: ports[0]}, host+":"+ports[1], host+":"+ports[2]
	startValidating(t, dir, us, metrics)
	inquire(t, us, "bad.example.") // creates the counter before the first scrape
	startPrometheus(t, dir, metrics, server)
	awaitData(t, "the first scrape", func() bool { return len(query(t, server, "up == 1")) > 0 })
	time.Sleep(1500 * time.Millisecond)
	for range 400 { // the guide's alert needs more than 1 per second over 5 minutes
		inquire(t, us, "bad.example.")
	}
	for i := range 40 {
		inquire(t, us, fmt.Sprintf("n%d.example.", i))
	}
	for _, expression := range append(expressions(t), namedMetrics...) {
		operand, comparison := expression, ""
		if at := regexp.MustCompile(`\s([<>]) [0-9.]+$`).FindStringSubmatchIndex(expression); at != nil {
			operand, comparison = expression[:at[0]], expression[at[2]:at[3]]
		}
		awaitData(t, operand, func() bool { return len(query(t, server, operand)) > 0 })
		if comparison == ">" {
			awaitData(t, expression, func() bool { return len(query(t, server, expression)) > 0 })
		}
		query(t, server, expression) // checks the syntax
		t.Logf("%s = %v", strings.Join(strings.Fields(operand), " "), query(t, server, operand))
	}
}

// startValidating starts CoreDNS with a signed zone with a broken record as
// upstream.
func startValidating(t *testing.T, dir string, r resolver, metrics string) {
	t.Helper()
	w, err := testzone.New(time.Now(), testzone.Spec{Name: "example.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"bad A 192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Break("example.", testzone.ChangeRDATA("bad.example.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	upstream, err := w.Serve(host + ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = upstream.Close() })
	writeFile(t, filepath.Join(dir, "anchors"), strings.Join(w.Anchors("."), "\n")+"\n")
	path := filepath.Join(dir, "Corefile")
	writeFile(t, path, fmt.Sprintf(".:%s {\n\tbind %s\n\tprometheus %s\n\tforward . %s\n\tdnssec {\n\t\tvalidate\n\t\ttrust-anchor %s\n\t}\n\tcache 30\n}\n",
		r.port, host, metrics, upstream.Addr(), filepath.Join(dir, "anchors")))
	start(t, dir, r, ourProgram(t), "-conf", path)
}

func inquire(t *testing.T, r resolver, name string) {
	t.Helper()
	client := dns.Client{Timeout: answerTimeout}
	if _, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), r.addr()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func awaitData(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTime); !done(); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%s has no data", what)
			return
		}
	}
}

// startPrometheus runs Prometheus until the test ends.
func startPrometheus(t *testing.T, dir, metrics, listen string) {
	t.Helper()
	conf := filepath.Join(dir, "prometheus.yml")
	writeFile(t, conf, fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: coredns\n  static_configs:\n  - targets: [%q]\n", metrics))
	s, err := peers.Run(dir, "prometheus", find(t, "prometheus"), "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+listen)
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, s)
}

// query evaluates an expression. An error fails the test unless Prometheus is
// still starting.
func query(t *testing.T, server, expression string) (values []string) {
	t.Helper()
	resp, err := http.Get("http://" + server + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil // "Service Unavailable"
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s", expression, answer.Error)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			values = append(values, fmt.Sprint(r.Value[1]))
		}
	}
	return values
}
