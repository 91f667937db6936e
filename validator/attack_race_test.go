package validator

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// A response of the chain is judged at once by all queries that waited for it, so that
// nothing may write to it. The race detector decides.
func TestAttackJudgeOneMessageAtOnce(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	ask(t, v, ".", dns.TypeSOA, withDO)
	w.SetDelay(50 * time.Millisecond)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			q := v.newQuery(context.Background(), newQuestion("www.example.", dns.TypeA, withDO))
			if c := q.attempt(&approach{name: "example."}); c.finding.Status != dnssec.Secure {
				t.Errorf("%v", c.finding)
			}
		})
	}
	all.Wait()
	if n := asked(w, "example.", dns.TypeDS); n != 1 {
		t.Errorf("asked %d times: nothing was shared", n)
	}
}

// Many clients at once, with an empty cache.
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
				if m := ask(t, v, name, qtype, withDO); m.Rcode == servfail {
					t.Errorf("%s %s: %v", name, dns.Type(qtype), m)
				}
			})
		}
	}
	all.Wait()
}

// A query that waits for a question of a query with other trust anchors must not take what
// was proven from them.
func TestAttackFlightOfOldAnchors(t *testing.T) {
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
	v := newTestValidator(t, w)
	asked, release := make(chan bool, 10), make(chan bool)
	w.Intercept(func(_, m *dns.Msg) *dns.Msg {
		asked <- true
		<-release
		return m
	})
	before := v.newQuery(t.Context(), newQuestion(".", dns.TypeDNSKEY, withDO))
	go before.cutAt(".")
	<-asked
	v.SetAnchors(anchor.Root())
	after := v.newQuery(t.Context(), newQuestion(".", dns.TypeDNSKEY, withDO))
	found := make(chan *cut)
	go func() { found <- after.cutAt(".") }()
	time.Sleep(50 * time.Millisecond)
	close(release)
	if c := <-found; c.finding.Status == dnssec.Secure {
		t.Errorf("%s", c.finding)
	}
}
