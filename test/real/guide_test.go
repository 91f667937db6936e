package real

import (
	"os"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// guide returns a block of the guide, verbatim: see testdata/guide.
func guide(t *testing.T, title string) string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/guide/guide.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut("\n"+string(text), "\n== "+title+"\n")
	if !found {
		t.Fatalf("the guide has no block %q", title)
	}
	block, _, _ = strings.Cut(block, "\n== ")
	return block
}

// guided starts CoreDNS with a Corefile of the guide. Only ports, addresses,
// paths and the Kubernetes API are replaced. An extra block exports metrics.
func guided(t *testing.T, w *testzone.World, corefile string, more ...string) *process {
	t.Helper()
	p := guideProcess(t, w, corefile, more...)
	p.start(t)
	return p
}

func guideProcess(t *testing.T, w *testzone.World, corefile string, more ...string) *process {
	t.Helper()
	corefile = forTest(corefile)
	if !strings.Contains(corefile, "prometheus HTTP") {
		corefile += "\n.:PORT2 {\nbind 127.0.0.1\nprometheus HTTP\nwhoami\n}\n"
	}
	return prepare(t, w, corefile, append(more, "API", apiServer(t), "HEALTH", freePort(t), "READY", freePort(t))...)
}

// inBlock wraps lines of the guide that are part of a server block.
func inBlock(lines ...string) string {
	text := ".:53 {\n"
	for _, line := range strings.Split(strings.Join(lines, "\n"), "\n") {
		text += "    " + line + "\n"
	}
	return text + "}\n"
}

// guideAnswers has what the guide says about validation: secure answers have
// AD, forged or broken ones are SERVFAIL, and unsigned ones have no AD.
var guideAnswers = []asked{
	{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
	{"www.secure.test. A", "ad", "NOERROR ad A=192.0.2.1"},
	{"www.secure.test. A", "", "NOERROR A=192.0.2.1"},
	{"www.nsec3.test. AAAA", "do", "NOERROR ad AAAA=2001:db8::1 RRSIG opt"},
	{"none.secure.test. A", "do", "NXDOMAIN ad denial opt"},
	{"www.nsec3.test. MX", "do", "NOERROR ad denial opt"},
	{"www.tampered.test. A", "", "SERVFAIL"},
	{"www.tampered.test. A", "edns", forged},
	{"www.expired.test. A", "do", "SERVFAIL opt ede=7/signature_expired"},
	{"www.unsigned.test. A", "do ad", "NOERROR A=192.0.2.1 opt"},
	{"none.unsigned.test. A", "do ad", "NXDOMAIN opt"},
}

// guideCluster has answers for names of the cluster.
var guideCluster = []asked{
	{"web.default.svc.cluster.local. A", "do ad", "NOERROR A=10.96.0.10 opt"},
	{"none.default.svc.cluster.local. A", "ad", "NXDOMAIN"},
	{"10.0.96.10.in-addr.arpa. PTR", "", "NOERROR PTR=web.default.svc.cluster.local."},
}

// TestGuideValidation:
// "enables signature verification for all forwarded queries".
func TestGuideValidation(t *testing.T) {
	t.Parallel()
	p := guided(t, newWorld(t), guide(t, "validation"))
	p.answers(t, guideAnswers)
	p.answers(t, guideAnswers) // from the cache
	p.answers(t, guideCluster)
	for _, path := range []string{"http://127.0.0.1:HEALTH/health", "http://127.0.0.1:READY/ready"} {
		if got := p.get(t, path); got != "OK" {
			t.Errorf("%s: %q", path, got)
		}
	}
	if lines := p.out.lines("bogus: "); len(lines) > 0 {
		t.Errorf("without log-failures the log has %q", lines)
	}
	metrics := p.metrics(t)
	for _, metric := range []string{
		"coredns_dnssec_cache_entries", "coredns_dnssec_cache_hits_total", "coredns_dnssec_cache_misses_total", "coredns_dnssec_cache_requests_total",
		`coredns_dns_responses_total rcode="SERVFAIL"`,
	} {
		name, label, _ := strings.Cut(metric, " ")
		if metrics.value(name, label) <= 0 {
			t.Errorf("%s has no data: %q", metric, metrics.of(name))
		}
	}
}

// TestGuideFailures: "CoreDNS returns SERVFAIL responses", "logs all validation
// failures"; with the option that is commented out, "continue on validation
// failure".
func TestGuideFailures(t *testing.T) {
	t.Parallel()
	lines := guide(t, "failures")
	for name, test := range map[string]struct {
		lines string
		rows  []asked
	}{
		"as it is": {lines, guideAnswers},
		"insecure": {strings.Replace(lines, "# insecure", "insecure", 1), []asked{
			{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
			{"www.tampered.test. A", "", "NOERROR A=192.0.2.0"},
			{"www.tampered.test. A", "do ad", "NOERROR A=192.0.2.0 RRSIG opt ede=6/signature_invalid"},
			{"www.expired.test. A", "ad", "NOERROR A=192.0.2.1"},
			{"www.unsigned.test. A", "ad", "NOERROR A=192.0.2.1"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := guided(t, newWorld(t), inBlock(test.lines, "forward . 8.8.8.8"))
			p.answers(t, test.rows)
			p.logs(t, "[WARNING] plugin/dnssec: bogus: www.tampered.test. A from 127.0.0.1: signature_invalid: RRSIG A www.tampered.test. by tampered.test.")
			p.logs(t, "[WARNING] plugin/dnssec: bogus: www.expired.test. A from 127.0.0.1: signature_expired: ", "expired ")
			if lines := p.out.lines("bogus: ", "secure.test."); len(lines) > 0 {
				t.Errorf("the log has %q", lines)
			}
		})
	}
}

// TestGuideUpstreams checks several upstreams with prefer_udp and
// max_concurrent. Responses that are too large for UDP are fetched over TCP.
func TestGuideUpstreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	corefile := inBlock(guide(t, "upstreams"), "dnssec {", "    validate", "}")
	for name, upstream := range map[string]string{"usual": "UPSTREAM", "UDP is always too small": truncating(t, w)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := guideProcess(t, w, corefile)
			p.configure(t, strings.ReplaceAll(forTest(corefile), "UPSTREAM", upstream))
			p.start(t)
			large := asked{"big.secure.test. TXT", "do tcp", "NOERROR ad TXT=(1264) RRSIG opt"}
			p.answers(t, []asked{large, {"many.secure.test. A", "do", "NOERROR ad A=192.0.2.21 A=192.0.2.22 A=192.0.2.23 RRSIG opt"}})
			p.answers(t, append(guideAnswers, large))
			if m := exchange(t, "udp", p.addr, nil, message(t, "big.secure.test. TXT", "do")); !m.Truncated {
				t.Errorf("over UDP: %s", describe(m))
			}
		})
	}
}

// TestGuideDebugging: "enable detailed logging" logs each answer, and the
// reason of each failure.
func TestGuideDebugging(t *testing.T) {
	t.Parallel()
	p := guided(t, newWorld(t), guide(t, "debugging"))
	p.answers(t, guideAnswers)
	p.logs(t, `"A IN www.secure.test. udp`, "NOERROR")
	p.logs(t, `"A IN none.secure.test. udp`, "NXDOMAIN")
	p.logs(t, `"A IN www.tampered.test. udp`, "SERVFAIL") // the words of the guide's grep command
	p.logs(t, "plugin/dnssec: bogus: www.tampered.test. A", "signature_invalid")
}

// TestGuideInternalZone: "serve and validate this zone".
func TestGuideInternalZone(t *testing.T) {
	t.Parallel()
	corefile := strings.Replace(guide(t, "internal zone"), "/etc/coredns/zones/", "DIR/", 1)
	w := ownWorld(t)
	good := guideProcess(t, w, corefile)
	writeZone(t, good.placeholders.Replace("DIR/internal.example.com.signed"), w.Zone(own))
	good.start(t)
	good.serves(t, withoutAD(kindsOfAnswers)...)
	good.logs(t, own+" is judged by the keys in its own file", "trust-anchor FILE", own+" IN DS ")
	good.logs(t, "zone "+own+": its signatures last for")
	if m := good.metrics(t); m.value("coredns_dnssec_validations_total", `status="secure"`) == 0 || m.value("coredns_dnssec_failures_total") > 0 {
		t.Errorf("counted were %q", m.of("coredns_dnssec_validations_total"))
	}

	breakZone(t, w, own, testzone.ChangeRDATA("www."+own, dns.TypeA), testzone.Expired("zz."+own, dns.TypeTXT))
	bad := guideProcess(t, w, corefile)
	writeZone(t, bad.placeholders.Replace("DIR/internal.example.com.signed"), w.Zone(own))
	bad.start(t)
	bad.serves(t, withoutAD(positive)...)
	bad.serves(t, asked{"www A", "do", forged}, asked{"www A", "", "SERVFAIL"}, asked{"zz TXT", "edns", "SERVFAIL opt ede=7/signature_expired"})
	if n := bad.metrics(t).value("coredns_dnssec_failures_total", `reason="signature_expired"`); n != 2 {
		t.Errorf("%v failures were counted", n)
	}
}
