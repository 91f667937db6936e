package real

import (
	"strings"
	"testing"
)

// TestInsecure checks that with the option insecure, failures are answered
// without AD, and counted and logged.
func TestInsecure(t *testing.T) {
	t.Parallel()
	corefile := ".:PORT {" + strings.Replace(validating, "validate\n", "validate\ninsecure\n", 1) + "prometheus HTTP\ncache\nforward . UPSTREAM\n}"
	for _, test := range []struct {
		name     string
		upstream upstream
		reason   string
		rows     []asked
	}{
		{"honest", nil, "signature_invalid", []asked{
			{"www.tampered.test. A", "do", "NOERROR A=192.0.2.0 RRSIG opt ede=6/signature_invalid"},
			{"www.tampered.test. A", "ad", "NOERROR A=192.0.2.0"},
			{"www.secure.test. A", "do", "NOERROR ad A=192.0.2.1 RRSIG opt"},
		}},
		{"strips everything", stripAll, "dnskey_absent", []asked{
			{"www.tampered.test. A", "ad", "NOERROR A=192.0.2.0"},
			{"www.secure.test. A", "ad", "NOERROR A=192.0.2.1"},
			{"none.secure.test. A", "ad", "NXDOMAIN"},
		}},
		{"answers EDNS with FORMERR", withoutEDNS, "dnskey_absent", []asked{
			{"www.tampered.test. A", "do", "NOERROR A=192.0.2.0 opt ede=9/dnskey_absent"},
			{"www.secure.test. A", "ad", "NOERROR A=192.0.2.1"},
		}},
		{"forges an answer", forgeAnswer, "signature_missing", []asked{
			{"www.tampered.test. A", "ad", "NOERROR A=203.0.113.66"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Intercept(test.upstream)
			p := start(t, w, corefile)
			p.answers(t, test.rows)
			p.answers(t, test.rows) // from the cache
			p.logsReason(t, "www.tampered.test. A", []string{test.reason})
			if n := p.metrics(t).value("coredns_dnssec_failures_total", `reason="`+test.reason+`"`); n < 1 {
				t.Errorf("%v failures were counted for %s", n, test.reason)
			}
		})
	}
}
