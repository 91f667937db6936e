package rollover

import (
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/internal/dnssec"
)

// TestIntervals checks the formulas of RFC 5011, section 2.3.
func TestIntervals(t *testing.T) {
	tests := []struct {
		ttl, validity, refresh, retry time.Duration
	}{
		{0, 0, time.Hour, time.Hour},
		{0, -time.Hour, time.Hour, time.Hour},
		{2*time.Hour - time.Second, 30 * day, time.Hour, time.Hour},
		{2*time.Hour + 2*time.Second, 30 * day, time.Hour + time.Second, time.Hour},
		{3 * time.Hour, 30 * day, 90 * time.Minute, time.Hour},
		{10*time.Hour + 10*time.Second, 30 * day, 5*time.Hour + 5*time.Second, time.Hour + time.Second},
		{48 * time.Hour, 21 * day, day, 4*time.Hour + 48*time.Minute},
		{48 * time.Hour, 20 * time.Hour, 10 * time.Hour, 2 * time.Hour},
		{30 * day, 60 * day, 15 * day, day},
		{31 * day, 60 * day, 15 * day, day},
		{100 * day, 14 * day, 7 * day, day},
		{100 * day, 9 * day, 108 * time.Hour, 21*time.Hour + 36*time.Minute},
	}
	for _, tt := range tests {
		if got := refresh(tt.ttl, tt.validity); got != tt.refresh {
			t.Errorf("refresh of %v and %v is %v, want %v", tt.ttl, tt.validity, got, tt.refresh)
		}
		if got := retry(tt.ttl, tt.validity); got != tt.retry {
			t.Errorf("retry of %v and %v is %v, want %v", tt.ttl, tt.validity, got, tt.retry)
		}
	}
}

// TestNextQuery checks the next query at the start, after a success, after a failure,
// and after the clock was set back.
func TestNextQuery(t *testing.T) {
	a := newTestKey(t, "example.")
	s := newScenario(t, "example.", map[string]*testKey{"a": a}, a.ds())
	s.wantNextQuery(0)
	s.z.Failed(s.now)
	s.wantNextQuery(time.Hour)
	long := dnskeySet{keys: keys(a), signers: keys(a), ttl: 172800}
	s.update(0, long, "a=valid")
	s.wantNextQuery(day)
	s.now = s.now.Add(2 * day)
	s.wantNextQuery(0)
	s.z.Failed(s.now)
	s.wantNextQuery(4*time.Hour + 48*time.Minute)
	s.update(time.Hour, dnskeySet{keys: keys(a)}, "a=valid", dnssec.SignatureMissing)
	s.wantNextQuery(4*time.Hour + 48*time.Minute)
	s.now = s.now.AddDate(-1, 0, 0)
	s.wantNextQuery(0)
}
