package dnssecval

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// An answer of the chain is judged by all who waited for it, at once: judging must
// not write to it. The race detector decides.
func TestAttackJudgeOneMessageAtOnce(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	ask(t, v, ".", dns.TypeSOA, withDO)
	w.SetDelay(50 * time.Millisecond)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			q := v.newQuery(context.Background(), new(client), newQuestion("www.example.", dns.TypeA, withDO))
			if c := q.attempt("example.", usual); c.finding.Status != dnssec.Secure {
				t.Errorf("%v", c.finding)
			}
		})
	}
	all.Wait()
	if n := asked(w, "example.", dns.TypeDS); n != 1 {
		t.Errorf("asked %d times: nothing was shared", n)
	}
}

// Clients that ask for all kinds of things at once, cold.
func TestAttackManyClientsAtOnce(t *testing.T) {
	w := newWorld(t,
		testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "* A 192.0.2.3", "alias CNAME www.sub.example."}},
		testzone.Spec{Name: "sub.example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}},
		testzone.Spec{Name: "plain.example.", Records: []string{"www A 192.0.2.1"}},
	)
	v := newTestValidator(t, w)
	w.SetDelay(5 * time.Millisecond)
	var all sync.WaitGroup
	for _, name := range []string{"www.example.", "alias.example.", "x.example.", "www.sub.example.", "nx.sub.example.", "www.plain.example.", "nx.plain.example."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeDS, dns.TypeDNSKEY, dns.TypeANY, dns.TypeRRSIG} {
			all.Go(func() {
				c := new(client)
				_, _ = v.ServeDNS(context.Background(), c, newQuestion(name, qtype, withDO))
				if c.msg == nil || c.msg.Rcode == dns.RcodeServerFailure {
					t.Errorf("%s %s: %v", name, dns.Type(qtype), c.msg)
				}
			})
		}
	}
	all.Wait()
}
