package validator

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// filled is what all caches of the default capacity may take. The memory limits of README
// and deploy are derived from it.
const filled = 48 << 20

// TestMemory fills all caches beyond their bounds, which are a fifth of the default ones,
// the zones with two RSA keys each, and measures the memory.
func TestMemory(t *testing.T) {
	const part, most, many = 5, DefaultCapacity / 5, DefaultCapacity/5 + 100
	lines := make([]string, 0, many)
	for i := range many {
		lines = append(lines, fmt.Sprintf("*.w%05d A 192.0.2.1", i))
	}
	w := newWorld(t, testzone.Spec{Name: "example.", Algorithm: dns.ED25519, Records: lines}, testzone.Spec{Name: "rsa.", Algorithm: dns.RSASHA256})
	v := newTestValidator(t, w, capacity(most))
	before := heapInUse()
	for i := range many {
		ask(t, v, fmt.Sprintf("a-name-of-some-length.w%05d.example.", i), typeA, withDO)
	}
	fillZones(t, v, w, many)
	for i := range many {
		q := question{fmt.Sprintf("a-name-that-failed-%05d.some.example.", i), typeA}
		f := dnssec.Finding{Status: dnssec.Bogus, Reason: dnssec.SignatureExpired, Detail: strings.Repeat("x", 200) + q.name}
		v.cache.keepFailure(q, f, time.Time{}, v.options.Clock())
	}
	for i := 0; v.cache.verdicts.Len() < 4*most; i++ {
		v.cache.verdicts.Add(sha256.Sum256(fmt.Appendf(nil, "%d", i)))
	}
	taken := heapInUse() - before
	for name, n := range map[string]int{"zones": v.cache.cuts.Len(), "failures": v.cache.failed.Len(), "spans": v.denials.spans.Len(), "wildcards": v.denials.wildcards.Len(), "signatures": v.cache.verdicts.Len() / 4} {
		if n != most {
			t.Errorf("%d %s, want %d", n, name, most)
		}
	}
	t.Logf("%.1f MiB with the default capacity", part*float64(taken)/(1<<20))
	if part*taken > filled {
		t.Errorf("%d octets in all caches of the default capacity, more than %d", part*taken, filled)
	}
	runtime.KeepAlive(v)
}

// fillZones keeps so many zones, each with its own copy of the keys of rsa.
func fillZones(t *testing.T, v *Validator, w *testzone.World, many int) {
	t.Helper()
	q := v.newQuery(t.Context(), newQuestion("rsa.", dns.TypeSOA, withDO))
	for i := range many {
		set, _ := w.Zone("rsa.").RRset("rsa.", dns.TypeDNSKEY)
		own := dnssec.RRset{Name: "rsa.", Type: dns.TypeDNSKEY, Sigs: set.Sigs}
		for _, rr := range set.RRs {
			own.RRs = append(own.RRs, dns.Copy(rr))
		}
		anchors := dnssec.TrustAnchors("rsa.", dsOf(t, w, "rsa."))
		q.verifier.Budget = dnssec.NewBudget(nil)
		keys, failure := q.verifier.Keys(own, anchors)
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

// TestMemoryAtBounds: "more is asked than the caches hold": more zones, signatures and failures take no
// more memory.
func TestMemoryAtBounds(t *testing.T) {
	const zones, most = 300, 50
	var specs []testzone.Spec
	for z := range zones {
		specs = append(specs, testzone.Spec{Name: fmt.Sprintf("z%d.", z), Algorithm: p256, CSK: true, Records: []string{"www A 192.0.2.1", "bad A 192.0.2.2"}})
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w, capacity(most))
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "bad.") {
			return unsigned(a)
		}
		return a
	})
	ask := func(round int) {
		for z := range zones {
			for _, host := range []string{"www", "no", "bad", fmt.Sprintf("x%d", round)} {
				want := map[bool]int{true: dns.RcodeSuccess, false: dns.RcodeNameError}[host == "www"]
				if host == "bad" {
					want = servfail
				}
				if m := ask(t, v, fmt.Sprintf("%s.z%d.", host, z), dns.TypeA, withDO); m.Rcode != want {
					t.Fatalf("%s", m)
				}
			}
		}
	}
	ask(0)
	w.ResetQuestions() // the world counts questions, which takes memory
	first := heapInUse()
	for round := range 4 {
		ask(round + 1)
		w.ResetQuestions()
	}
	last := heapInUse()
	t.Logf("%d KiB after %d names, %d KiB after %d", first>>10, 4*zones, last>>10, 5*4*zones)
	if last > first+first/10+512<<10 {
		t.Errorf("%d KiB after the first round, %d KiB after the last", first>>10, last>>10)
	}
	for what, n := range map[string]int{"zones": v.cache.cuts.Len(), "failures": v.cache.failed.Len(), "good signatures": v.cache.verdicts.Len() / 4, "bad signatures": v.cache.invalid.Len(), "denials": v.denials.Len() / 2} {
		if n > most {
			t.Errorf("%d %s are kept", n, what)
		}
	}
}

// heapInUse returns the octets that are in use.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
