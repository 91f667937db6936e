package dnssecval

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// filled is what all caches of the default capacity may take: README and the memory
// limit of deploy rest on it.
const filled = 48 << 20

// TestMemory fills all caches beyond their bounds, which are a part of the default
// ones, the zones with two RSA keys each, and sees what they take.
func TestMemory(t *testing.T) {
	const part, capacity, many = 5, defaultCapacity / 5, defaultCapacity/5 + 100
	lines := make([]string, 0, many)
	for i := range many {
		lines = append(lines, fmt.Sprintf("*.w%05d A 192.0.2.1", i))
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ED25519, Records: lines}, testzone.Spec{Name: "rsa.", Algorithm: dns.RSASHA256})
	v := newTestValidator(t, w, fmt.Sprintf("cache_capacity %d", capacity))
	before := heapInUse()
	for i := range many {
		ask(t, v, fmt.Sprintf("a-name-of-some-length.w%05d.example.", i), typeA, withDO)
	}
	fillZones(t, v, w, many)
	for i := range many {
		q := question{fmt.Sprintf("a-name-that-failed-%05d.some.example.", i), typeA}
		f := dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired, Detail: strings.Repeat("x", 200) + q.name}
		v.cache.keepFailure(q, f, v.now())
		passed := explained(dnssec.Finding{Status: dnssec.Insecure, Reason: dnssec.AlgorithmUnsupported, Detail: f.Detail}, v)
		v.cache.noteAnswer(q, &passed, v.now())
	}
	for i := range 4 * many {
		v.cache.verdicts.Add(sha256.Sum256(fmt.Appendf(nil, "%d", i)), struct{}{})
	}
	taken := heapInUse() - before
	for name, n := range map[string]int{"zones": v.cache.cuts.Len(), "failures": v.cache.failed.Len(), "reasons": v.cache.passed.Len(), "spans": v.denials.spans.Len(), "wildcards": v.denials.wildcards.Len(), "signatures": v.cache.verdicts.Len() / 4} {
		if n != capacity {
			t.Errorf("%d %s, want %d", n, name, capacity)
		}
	}
	t.Logf("%.1f MiB with the default capacity", part*float64(taken)/(1<<20))
	if part*taken > filled {
		t.Errorf("%d octets in all caches of the default capacity, more than %d", part*taken, filled)
	}
	runtime.KeepAlive(v)
}

// fillZones keeps so many zones, each with its own copy of the keys of one.
func fillZones(t *testing.T, v *Validator, w *testzone.World, many int) {
	t.Helper()
	q := v.newQuery(t.Context(), new(client), newQuestion("rsa.", dns.TypeSOA, withDO))
	for i := range many {
		set, _ := w.Zone("rsa.").RRset("rsa.", dns.TypeDNSKEY)
		own := dnssec.RRset{Name: "rsa.", Type: dns.TypeDNSKEY, Sigs: set.Sigs}
		for _, rr := range set.RRs {
			own.RRs = append(own.RRs, dns.Copy(rr))
		}
		vouched := dnssec.TrustAnchors("rsa.", dsOf(t, w, "rsa."))
		q.verifier.Budget = dnssec.NewBudget(nil)
		keys, failure := q.verifier.Keys(own, vouched)
		if failure != nil {
			t.Fatal(failure)
		}
		c := &cut{name: fmt.Sprintf("some-zone-%05d.rsa.", i), delegation: dnssec.DelegationSigned, finding: dnssec.Proven, keys: keys, expires: q.until(3600), anchors: q.anchors}
		v.cache.keepCut(c, q.now)
	}
}

func dsOf(t *testing.T, w *testzone.World, zone string) []*dns.DS {
	t.Helper()
	var set []*dns.DS
	for _, line := range w.Anchors(zone) {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, rr.(*dns.DS))
	}
	return set
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
