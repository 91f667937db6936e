package validator

import (
	"fmt"
	"testing"
	"time"

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

func benchAsk(b *testing.B, v *Validator, name string, qtype uint16) {
	if m, r := v.Resolve(b.Context(), newQuestion(name, qtype, bits{edns: true, ad: true})); m.Rcode == servfail {
		b.Fatalf("%s: %v\n%s", name, r, m)
	}
}

// BenchmarkChain counts the round trips and the questions for a name, by what is known
// before. Each response of the upstream is delayed.
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
					time.Sleep(5 * time.Millisecond) // for questions that were asked ahead
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

// BenchmarkResolve is an answer with all of its chain and its signature known.
func BenchmarkResolve(b *testing.B) {
	v := newTestValidator(b, benchWorld(b, 1))
	for _, tc := range []struct{ name, asked string }{
		{name: "validated", asked: "www.s0.test."},
		{name: "insecure", asked: "www.u0.test."},
		{name: "synthesized NXDOMAIN", asked: "no.s0.test."},
		{name: "synthesized wildcard", asked: "a.wild.s0.test."},
	} {
		benchAsk(b, v, tc.asked, dns.TypeA)
		benchAsk(b, v, tc.asked, dns.TypeA)
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchAsk(b, v, tc.asked, dns.TypeA)
			}
		})
	}
}
