package dnssecval

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestClockJumps: "the clock jumps" ahead and back, while the time of the process goes on
// as it does: what was known before and what was not fail, the log says what the clock
// says, and both recover a moment after the clock does.
func TestClockJumps(t *testing.T) {
	for _, tc := range []struct {
		what   string
		jump   time.Duration
		reason dnssec.Reason
	}{
		{"ahead", 60 * 24 * time.Hour, dnssec.SignatureExpired},
		{"back", -60 * 24 * time.Hour, dnssec.SignatureNotYetValid},
	} {
		w := newWorld(t, testzone.Spec{Name: "calm.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "ftp A 192.0.2.1"}},
			testzone.Spec{Name: "late.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
		v := newTestValidator(t, w)
		if m := ask(t, v, "www.calm.", dns.TypeA, withDO); !m.AuthenticatedData {
			t.Fatalf("%s", m)
		}
		v.override = time.Now().Add(tc.jump) // what signatures are judged at, and nothing else
		out := captureLog(t)
		v.cache.cuts.Remove(".")
		v.proveAnchors()
		if !strings.Contains(out.String(), "no trust anchor of . holds") || !strings.Contains(out.String(), tc.reason.String()) {
			t.Errorf("%s: the log says %q", tc.what, out)
		}
		for _, name := range []string{"www.calm.", "ftp.calm.", "www.late."} {
			if r := judged(t, v, name, dns.TypeA); r.Status != dnssec.Bogus || r.Reason != tc.reason {
				t.Errorf("%s, %s: %v", tc.what, name, r)
			}
			if m := ask(t, v, name, dns.TypeA, withDO); m.Rcode != servfail {
				t.Errorf("%s, %s:\n%s", tc.what, name, m)
			}
		}
		v.override = time.Time{}
		for _, name := range []string{"www.calm.", "ftp.calm.", "www.late."} {
			recovers(t, v, name)
		}
	}
}

// recovers asks until a name is secure, for as long as a few failures may be kept.
func recovers(t *testing.T, v *Validator, name string) {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 5*time.Second {
		if ask(t, v, name, dns.TypeA, withDO).AuthenticatedData {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s has not recovered", name)
}

// TestMemoryAtBounds: "more is asked than the caches hold": zones, signatures and failures
// without end take no more memory than the first that fill the caches.
func TestMemoryAtBounds(t *testing.T) {
	const zones, capacity = 300, 50
	var specs []testzone.Spec
	for z := range zones {
		specs = append(specs, testzone.Spec{Name: fmt.Sprintf("z%d.", z), Algorithm: p256, CSK: true, Records: []string{"www A 192.0.2.1", "bad A 192.0.2.2"}})
	}
	w := newWorld(t, specs...)
	v := newTestValidator(t, w, fmt.Sprintf("cache_capacity %d", capacity))
	w.Intercept(func(q, a *dns.Msg) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "bad.") {
			return unsigned(a)
		}
		return a
	})
	outer := newExplainer(v, v)
	ask := func(round int) {
		for z := range zones {
			for _, host := range []string{"www", "no", "bad", fmt.Sprintf("x%d", round)} {
				want := map[bool]int{true: dns.RcodeSuccess, false: dns.RcodeNameError}[host == "www"]
				if host == "bad" {
					want = servfail
				}
				if m := ask(t, outer, fmt.Sprintf("%s.z%d.", host, z), dns.TypeA, withDO); m.Rcode != want {
					t.Fatalf("%s", m)
				}
			}
		}
	}
	ask(0)
	w.ResetQuestions() // the world counts them, which takes memory
	first := heap()
	for round := range 4 {
		ask(round + 1)
		w.ResetQuestions()
	}
	last := heap()
	t.Logf("%d KiB after %d names, %d KiB after %d", first>>10, 4*zones, last>>10, 5*4*zones)
	if last > first+first/10+512<<10 {
		t.Errorf("%d KiB after the first round, %d KiB after the last", first>>10, last>>10)
	}
	for what, n := range map[string]int{"zones": v.cache.cuts.Len(), "failures": v.cache.failed.Len(), "good signatures": v.cache.verdicts.Len() / 4, "bad signatures": v.cache.invalid.Len(), "denials": v.denials.Len() / 2} {
		if n > capacity {
			t.Errorf("%d %s are kept", n, what)
		}
	}
}

// heap returns the octets that are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
