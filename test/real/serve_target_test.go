package real

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnsname"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestServeTarget: the target of an alias may be in a zone that another server block serves
// from a file. What a validated answer has of it leaves the zone as it is: of a denial that is
// the TTL of the SOA (RFC 2308, section 5), and records that expire with their signatures.
func TestServeTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t,
		testzone.Spec{Name: "al.test.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"www CNAME host.own.test."}},
		testzone.Spec{Name: "own.test.", Algorithm: dns.ECDSAP256SHA256, Records: []string{"@ SOA ns hostmaster 7 3600 600 86400 300", "@ NS ns", "ns A 192.0.2.53", "host A 192.0.2.77"}})
	f := &faulty{world: w, udp: func(a *dns.Msg) *dns.Msg {
		ofTarget := func(rr dns.RR) bool { return dnsname.IsSubdomain(rr.Header().Name, "own.test.") }
		if a.Question[0].Name == "www.al.test." {
			a.Answer, a.Ns = slices.DeleteFunc(a.Answer, ofTarget), slices.DeleteFunc(a.Ns, ofTarget)
		}
		return a
	}}
	const corefile = `.:PORT {
    bind 127.0.0.1
    forward . FAULTY
    dnssec {
        validate
        trust-anchor ANCHORS
    }
}
own.test:PORT {
    bind 127.0.0.1
    file DIR/zone
}
`
	p := prepare(t, w, corefile, "FAULTY", f.serve(t))
	writeZone(t, p.placeholders.Replace("DIR/zone"), w.Zone("own.test."))
	p.start(t)
	ask := func(question string) string {
		m := exchange(t, "udp", p.addr, nil, message(t, question, "do"))
		var lines []string
		for _, rr := range append(m.Answer, m.Ns...) {
			lines = append(lines, rr.String())
		}
		return strings.Join(lines, "\n")
	}
	direct := []string{"own.test. SOA", "host.own.test. A", "host.own.test. MX"}
	var before []string
	for _, question := range direct {
		before = append(before, ask(question))
	}
	var all sync.WaitGroup
	for _, question := range append([]string{"www.al.test. A", "www.al.test. MX", "www.al.test. AAAA"}, direct...) {
		all.Go(func() {
			for range 50 {
				ask(question)
			}
		})
	}
	all.Wait()
	p.answers(t, []asked{{"www.al.test. A", "do", "NOERROR ad A=192.0.2.77 CNAME=host.own.test. RRSIG opt"}})
	for i, question := range direct {
		if after := ask(question); after != before[i] {
			t.Errorf("%s:\n%s\nat first\n%s", question, after, before[i])
		}
	}
}
