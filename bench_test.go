package dnssecval

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// benchWorld has a chain of three zones for each of many names.
func benchWorld(b *testing.B, zones int) *testzone.World {
	b.Helper()
	specs := []testzone.Spec{{Name: "test.", Algorithm: dns.ECDSAP256SHA256, Denial: testzone.NSEC3OptOut}}
	for i := range zones {
		records := []string{"www A 192.0.2.1", "*.wild A 192.0.2.2"}
		specs = append(specs, testzone.Spec{Name: fmt.Sprintf("s%d.test.", i), Algorithm: dns.ECDSAP256SHA256, Records: records},
			testzone.Spec{Name: fmt.Sprintf("u%d.test.", i), Records: records})
	}
	w, err := testzone.New(time.Now(), specs...)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func benchAsk(b *testing.B, h plugin.Handler, name string, qtype uint16) {
	c := new(client)
	if _, err := h.ServeDNS(context.Background(), c, newQuestion(name, qtype, bits{edns: true, ad: true})); err != nil || c.msg == nil || c.msg.Rcode == dns.RcodeServerFailure {
		b.Fatalf("%s: %v\n%s", name, err, c.msg)
	}
}

// BenchmarkChain has the round trips and the questions of a name, by what is known
// before, with each answer of the upstream held back.
func BenchmarkChain(b *testing.B) {
	const delay = 20 * time.Millisecond
	for _, tc := range []struct{ name, known, asked string }{
		{name: "nothing known", asked: "www.s0.test."},
		{name: "new top level", known: "s0.", asked: "www.s0.test."},
		{name: "new zone", known: "www.s1.test.", asked: "www.s0.test."},
		{name: "new unsigned zone", known: "www.s1.test.", asked: "www.u0.test."},
		{name: "known zone", known: "www.s0.test.", asked: "s0.test."},
	} {
		b.Run(tc.name, func(b *testing.B) {
			w := benchWorld(b, 2)
			var took time.Duration
			questions := 0
			for b.Loop() {
				v := newTestValidator(b, w)
				w.SetDelay(0)
				if tc.known != "" {
					benchAsk(b, v, tc.known, dns.TypeA)
					time.Sleep(5 * time.Millisecond) // what was asked ahead
				}
				w.ResetQuestions()
				w.SetDelay(delay)
				start := time.Now()
				benchAsk(b, v, tc.asked, dns.TypeA)
				took += time.Since(start)
				questions += askedInAll(w)
			}
			b.ReportMetric(float64(took)/float64(delay)/float64(b.N), "roundtrips/op")
			b.ReportMetric(float64(questions)/float64(b.N), "questions/op")
		})
	}
}

// BenchmarkPlugin is an answer with all of its chain and its signature known, and the
// same from the upstream alone: the difference is what the plugin costs.
func BenchmarkPlugin(b *testing.B) {
	w := benchWorld(b, 1)
	v := newTestValidator(b, w)
	for _, tc := range []struct {
		name string
		h    plugin.Handler
		ask  string
	}{
		{"upstream alone", w, "www.s0.test."},
		{"validated", v, "www.s0.test."},
		{"insecure", v, "www.u0.test."},
		{"synthesized NXDOMAIN", v, "no.s0.test."},
		{"synthesized wildcard", v, "a.wild.s0.test."},
	} {
		benchAsk(b, tc.h, tc.ask, dns.TypeA)
		benchAsk(b, tc.h, tc.ask, dns.TypeA)
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchAsk(b, tc.h, tc.ask, dns.TypeA)
			}
		})
	}
}
