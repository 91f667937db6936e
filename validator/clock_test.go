package validator

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/miekg/dns"
)

// TestAt: signatures are judged as of Options.At.
func TestAt(t *testing.T) {
	w := exampleWorld(t)
	later := at(time.Now().AddDate(0, 1, 0))
	if got := observe(t, newTestValidator(t, w, later), "www.example.", typeA); got.reason != dnssec.SignatureExpired {
		t.Errorf("%+v %s", got, got.reason)
	}
	breakZone(t, w, "example.", testzone.SignedDuring("", 0, dayOf(20), dayOf(40)))
	breakZone(t, w, ".", testzone.SignedDuring("", 0, dayOf(20), dayOf(40)))
	if got := observe(t, newTestValidator(t, w, later), "www.example.", typeA); !got.ad {
		t.Errorf("%+v %s", got, got.reason)
	}
}

// TestClockJumps: "the clock jumps": while the time that signatures are judged at is wrong, names fail whether
// they were known before or not, and so does the trust anchor. A moment after it is right
// again they recover.
func TestClockJumps(t *testing.T) {
	for _, tc := range []struct {
		what   string
		jump   time.Duration
		reason dnssec.Reason
	}{
		{what: "ahead", jump: 60 * 24 * time.Hour, reason: dnssec.SignatureExpired},
		{what: "back", jump: -60 * 24 * time.Hour, reason: dnssec.SignatureNotYetValid},
	} {
		w := newWorld(t, testzone.Spec{Name: "calm.", Algorithm: p256, Records: []string{"www A 192.0.2.1", "ftp A 192.0.2.1"}},
			testzone.Spec{Name: "late.", Algorithm: p256, Records: []string{"www A 192.0.2.1"}})
		v := newTestValidator(t, w)
		if m := ask(t, v, "www.calm.", dns.TypeA, withDO); !m.AuthenticatedData {
			t.Fatalf("%s", m)
		}
		v.options.At = time.Now().Add(tc.jump)
		v.cache.cuts.Remove(".")
		if f, tag := v.Zone(t.Context(), "."); f.Status != dnssec.Bogus || f.Reason != tc.reason || tag != 0 {
			t.Errorf("%s: the root is %v, key %d", tc.what, f, tag)
		}
		for _, name := range []string{"www.calm.", "ftp.calm.", "www.late."} {
			if r := judged(t, v, name, dns.TypeA); r.Status != dnssec.Bogus || r.Reason != tc.reason {
				t.Errorf("%s, %s: %v", tc.what, name, r)
			}
			if m := ask(t, v, name, dns.TypeA, withDO); m.Rcode != servfail {
				t.Errorf("%s, %s:\n%s", tc.what, name, m)
			}
		}
		v.options.At = time.Time{}
		for _, name := range []string{"www.calm.", "ftp.calm.", "www.late."} {
			recovers(t, v, name)
		}
	}
}

// recovers asks until a name is Secure, for as long as a few failures may be kept.
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
