package validator

import (
	"testing"

	"github.com/miekg/dns"
)

// A DS is in the zone above (RFC 4035, section 3.1.4.1), and there is no CNAME beside an SOA
// (RFC 2181, section 10.1). So an unsigned CNAME at an insecure delegation does not answer a
// question for its DS, of which the secure zone above proves that there is none.
func TestAttackUnsignedCNAMEForADS(t *testing.T) {
	for _, denial := range cutDenials {
		w := cutWorld(t, denial)
		for name, refused := range map[string]bool{"plain.example.": true, "island.example.": true, "plain.sub.example.": true, "www.plain.example.": false} {
			forge(w, name, dns.TypeDS, func(a *dns.Msg) {
				a.Answer = []dns.RR{newRR(t, name+" 60 IN CNAME x.plain.example.")}
			})
			m := ask(t, newTestValidator(t, w), name, dns.TypeDS, withDO)
			if m.AuthenticatedData || (m.Rcode == servfail) != refused {
				t.Errorf("%s, %s: %s", denial, name, m)
			}
		}
	}
}
