package real

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// ttls returns the highest TTL in an answer.
func (p *process) ttls(t *testing.T, question string) (highest uint32) {
	t.Helper()
	m := exchange(t, "udp", p.addr, nil, message(t, question, "do"))
	if m == nil {
		return 0
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			highest = max(highest, rr.Header().Ttl)
		}
	}
	return highest
}

var (
	guidePositive = testzone.Question{Name: "www.secure.test.", Type: dns.TypeA}
	guideDenial   = testzone.Question{Name: "none.secure.test.", Type: dns.TypeA}
)

// TestGuideLargeAnswers:
// "falls back to TCP for responses exceeding UDP limits"; the cache keeps
// answers for 30 s and denials for 5 s.
func TestGuideLargeAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := guided(t, w, guide(t, "large answers"))
	p.answers(t, append(guideAnswers, asked{"big.secure.test. TXT", "do tcp", "NOERROR ad TXT=(1264) RRSIG opt"}))
	p.answers(t, append(guideAnswers, asked{"big.secure.test. TXT", "do tcp", "NOERROR ad TXT=(1264) RRSIG opt"}))
	p.answers(t, guideCluster)
	if ttl := p.ttls(t, "www.secure.test. A"); ttl < 20 || ttl > 30 {
		t.Errorf("an answer has the TTL %d", ttl)
	}
	if ttl := p.ttls(t, "none.secure.test. A"); ttl > 5 {
		t.Errorf("a denial has the TTL %d", ttl)
	}
	w.ResetQuestions()
	time.Sleep(6 * time.Second)
	p.answers(t, guideAnswers)
	if asked := w.Questions(); asked[guidePositive] != 0 || asked[guideDenial] != 0 { // the cached NSEC proves the denial
		t.Errorf("after 6 s the upstream was asked %v", asked)
	}
}

// TestGuidePerformance checks that the cache keeps answers for up to 300 s and
// denials for 30 s, and prefetches popular answers before they expire.
func TestGuidePerformance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testzone.Spec{Name: "short.test.", Algorithm: dns.ECDSAP256SHA256, TTL: 11, Records: []string{"www A 192.0.2.1", "rare A 192.0.2.2"}})
	p := guided(t, w, guide(t, "performance"))
	p.answers(t, guideAnswers)
	p.answers(t, guideCluster)
	w.ResetQuestions()
	p.answers(t, guideAnswers)
	if n := w.Questions()[guidePositive] + w.Questions()[guideDenial]; n > 0 {
		t.Errorf("the upstream was asked %d times for what is in the cache", n)
	}
	if positive, denial := p.ttls(t, "www.secure.test. A"), p.ttls(t, "none.secure.test. A"); positive < 250 || positive > 300 || denial < 20 || denial > 30 {
		t.Errorf("the TTLs are %d and %d", positive, denial)
	}

	begin, want := time.Now(), "NOERROR ad A=192.0.2.1 RRSIG opt"
	p.answers(t, []asked{{"rare.short.test. A", "do", "NOERROR ad A=192.0.2.2 RRSIG opt"}})
	for range 12 {
		p.answers(t, []asked{{"www.short.test. A", "do", want}})
	}
	time.Sleep(time.Until(begin.Add(9400 * time.Millisecond))) // hardly more than a tenth of the TTL remains
	popular, rare := testzone.Question{Name: "www.short.test.", Type: dns.TypeA}, testzone.Question{Name: "rare.short.test.", Type: dns.TypeA}
	before := w.Questions()
	p.answers(t, []asked{{"www.short.test. A", "do", want}, {"rare.short.test. A", "do", "NOERROR ad A=192.0.2.2 RRSIG opt"}})
	for deadline := time.Now().Add(logTime); w.Questions()[popular] == before[popular] && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	after := w.Questions()
	if after[popular] != before[popular]+1 || after[rare] != before[rare] {
		t.Errorf("the popular name was asked for %d times, then %d; the other %d, then %d", before[popular], after[popular], before[rare], after[rare])
	}
	time.Sleep(time.Until(begin.Add(12 * time.Second))) // the first answer has expired
	if ttl := p.ttls(t, "www.short.test. A"); ttl == 0 {
		t.Errorf("the TTL is %d", ttl)
	}
	p.answers(t, []asked{{"www.short.test. A", "do", want}})
	if n := p.metrics(t).value("coredns_cache_prefetch_total"); n < 1 {
		t.Errorf("%v prefetches", n)
	}
}
