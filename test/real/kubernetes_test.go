package real

import (
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// inCluster is the manual page's Corefile for a cluster.
const inCluster = `.:PORT {
	bind 127.0.0.1
	errors
	cache 30
	dnssec {
		validate
		trust-anchor ANCHORS
		log-failures
	}
	kubernetes cluster.local in-addr.arpa ip6.arpa {
		endpoint API
		fallthrough in-addr.arpa ip6.arpa
	}
	loop
	forward . UPSTREAM
	loadbalance
}`

// reverseZones returns a world with two reverse zones outside of the cluster.
func reverseZones(t *testing.T) *testzone.World {
	t.Helper()
	const alg = dns.ECDSAP256SHA256
	w := newWorld(t, testzone.Spec{Name: "arpa.", Algorithm: alg}, testzone.Spec{Name: "in-addr.arpa.", Algorithm: alg, Records: []string{"9.2.0.192 PTR www.secure.test."}},
		testzone.Spec{Name: "2.0.192.in-addr.arpa.", Algorithm: alg, Records: []string{"1 PTR www.secure.test.", "2 PTR www.tampered.test."}})
	breakZone(t, w, "2.0.192.in-addr.arpa.", testzone.ChangeRDATA("2.2.0.192.in-addr.arpa.", dns.TypePTR))
	return w
}

// TestKubernetes checks that names of the cluster are not validated, but
// ExternalName targets and names that fall through are.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	p := start(t, reverseZones(t), inCluster, "API", apiServer(t))
	rows := []asked{
		{"web.default.svc.cluster.local. A", "do ad", "NOERROR A=10.96.0.10 opt"},
		{"web.default.svc.cluster.local. A", "", "NOERROR A=10.96.0.10"},
		{"headless.default.svc.cluster.local. A", "do ad", "NOERROR A=10.244.0.5 opt"},
		{"none.default.svc.cluster.local. A", "do ad", "NXDOMAIN opt"},
		{"web.default.svc.cluster.local. MX", "ad", "NOERROR"},
		{"10.0.96.10.in-addr.arpa. PTR", "do ad", "NOERROR PTR=web.default.svc.cluster.local. opt"},
		{"good.default.svc.cluster.local. A", "", "NOERROR A=192.0.2.1 CNAME=www.secure.test."},
		{"good.default.svc.cluster.local. A", "do ad", "NOERROR A=192.0.2.1 CNAME=www.secure.test. RRSIG opt"},
		{"plain.default.svc.cluster.local. A", "ad", "NOERROR A=192.0.2.1 CNAME=www.unsigned.test."},
		{"1.2.0.192.in-addr.arpa. PTR", "do", "NOERROR ad PTR=www.secure.test. RRSIG opt"},
		{"2.2.0.192.in-addr.arpa. PTR", "do", forged},
		{"3.2.0.192.in-addr.arpa. PTR", "do", "NXDOMAIN ad denial opt"},
		{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
	}
	p.answers(t, rows)
	p.answers(t, rows)
	for _, flags := range []string{"", "ad", "do", "edns", "do"} {
		got := p.ask(t, "bad.default.svc.cluster.local. A", flags)
		if strings.Contains(got, " A=") || strings.Contains(got, " ad") {
			t.Errorf("an ExternalName to a bogus name gives %s", got)
		}
	}
	p.logs(t, "bogus: www.tampered.test. A", "signature_invalid")
	if lines := p.out.lines("cluster.local"); len(lines) > 0 {
		t.Errorf("the log mentions names of the cluster: %q", lines)
	}
}

// TestKubernetesWithoutUpstream checks that names of the cluster are served at
// once while the upstream is dead.
func TestKubernetesWithoutUpstream(t *testing.T) {
	t.Parallel()
	p := start(t, reverseZones(t), strings.ReplaceAll(inCluster, "forward . UPSTREAM", "forward . 127.0.0.1:9"), "API", apiServer(t))
	begin := time.Now()
	p.answers(t, []asked{
		{"web.default.svc.cluster.local. A", "do ad", "NOERROR A=10.96.0.10 opt"},
		{"none.default.svc.cluster.local. A", "do ad", "NXDOMAIN opt"},
		{"10.0.96.10.in-addr.arpa. PTR", "", "NOERROR PTR=web.default.svc.cluster.local."},
	})
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("names of the cluster took %v", took)
	}
	if got := p.ask(t, "www.secure.test. A", "edns"); !strings.HasPrefix(got, "SERVFAIL") {
		t.Errorf("without an upstream a name outside gives %s", got)
	}
}
